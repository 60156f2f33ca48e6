"""The comparator: equal, unequal and incomparable answers."""

import time
from fractions import Fraction
from itertools import permutations

import pytest

from pad_ray.schema import AnswerKind
from pad_ray.tasks.answers import (
    MAX_TEXT_CHARACTERS,
    agreeing,
    canonical_answer,
    canonical_gold,
    equal,
    exact_equal,
    extract_final_answer,
    number_text,
    pad_rounded_equal,
    parse_number,
)

NUMBER_CASES = [
    ("18", "18", True),
    ("18", "19", False),
    ("-18", "18", False),
    ("+18", "18", True),
    ("-0", "0", True),
    ("007", "7", True),
    ("18.0", "18", True),
    ("18.", "18", True),
    (".5", "0.5", True),
    ("-.5", "-0.5", True),
    (" 18\n", "18", True),
    ("1e3", "1000", True),
    ("1E3", "1000", True),
    ("1e+03", "1000", True),
    ("1.5e-05", "1.5", False),
    ("1e-05", "1", False),
    ("2.5e+16", "25000000000000000", True),
    ("2.5e+16", "2.5", False),
    ("1e99", "1", False),
    ("1e100", "1", None),
    ("1e999", "1", None),
    ("1e999999999", "1", None),
    ("1e-999999999", "0", None),
    ("1,234", "1234", True),
    ("1,234,567.50", "1234567.5", True),
    ("12,34", "1234", None),
    ("1,2345", "12345", None),
    ("1234,567", "1234567", None),
    (",123", "123", None),
    ("1,,234", "1234", None),
    ("0,123", "123", None),
    ("$18", "18", True),
    ("-$18", "-18", True),
    ("$-18", "-18", True),
    ("-$-18", "18", None),
    ("--18", "18", None),
    ("18$", "18", True),
    ("$1,234.50", "1234.5", True),
    ("€18", "18", None),
    ("50%", "50", True),
    ("50%", "0.5", False),
    ("0.5", "50", False),
    ("50%%", "50", None),
    ("1/2", "0.5", True),
    ("-1/2", "-0.5", True),
    ("1/3", "0.3333", True),
    ("5/2", "5/2", True),
    ("1/0", "1", None),
    ("1/-2", "-0.5", None),
    ("1/2/3", "1", None),
    ("1 1/2", "1.5", True),
    ("2.9999999999999996", "3", True),
    ("2.9991", "3", True),
    ("2.998", "3", False),
    ("10001", "10000", False),
    ("10000.9", "10000", True),
    ("10001.1", "10000", False),
    ("1000050", "1000000", False),
    ("1000050.0", "1000000", False),
    ("3000001/3", "1000000", True),
    ("1e45", "1e45", True),
    ("0.0019", "0.001", True),
    ("nan", "1", None),
    ("inf", "1", None),
    ("-Infinity", "1", None),
    ("True", "1", None),
    ("None", "0", None),
    ("", "0", None),
    ("   ", "0", None),
    ("0x12", "18", None),
    ("0b1", "1", None),
    ("1_000", "1000", None),
    ("\u0661\u0662", "12", True),
    ("\uff11\uff12", "12", True),
    ("\u00bd", "0.5", True),
    ("\u221218", "-18", True),
    ("12:30", "12", None),
    ("3:4", "0.75", None),
    ("18 apples", "18", None),
    ("(18)", "18", None),
    ("[18]", "18", None),
    ("18j", "18", None),
    ("9**9**9", "1", None),
    ("factorial(10**8)", "1", None),
    ('__import__("os").getpid()', "1", None),
    ("9" * 40, "1", False),
    ("9" * 41, "1", None),
    ("9" * 100_000, "1", None),
    ("0." + "1" * 39, "0.1111", True),
    ("0." + "1" * 40, "0.1111", None),
    (" " * 101 + "1", "1", None),
    ("1\u00a0", "1", True),
    ("1\x00", "1", None),
    ("\ud800", "1", None),
]

OTHER_CASES = [
    (AnswerKind.YES_NO, "yes", "yes", True),
    (AnswerKind.YES_NO, "Yes", "yes", True),
    (AnswerKind.YES_NO, " NO ", "no", True),
    (AnswerKind.YES_NO, "True", "yes", True),
    (AnswerKind.YES_NO, "False", "no", True),
    (AnswerKind.YES_NO, "True", "no", False),
    (AnswerKind.YES_NO, "1", "yes", None),
    (AnswerKind.YES_NO, "yes.", "yes", True),
    (AnswerKind.YES_NO, "y", "yes", None),
    (AnswerKind.TEXT, "yajo", "yajo", True),
    (AnswerKind.TEXT, " yajo\n", "yajo", True),
    (AnswerKind.TEXT, "Yajo", "yajo", False),
    (AnswerKind.TEXT, "'yajo'", "yajo", False),
    (AnswerKind.TEXT, "", "yajo", False),
    (AnswerKind.TEXT, "a" * (MAX_TEXT_CHARACTERS + 1), "a", None),
    (AnswerKind.OPTION, "(A)", "A", True),
    (AnswerKind.OPTION, "a", "(A)", True),
    (AnswerKind.OPTION, "(B)", "A", False),
    (AnswerKind.OPTION, "(A", "A", False),
    (AnswerKind.OPTION, "Monsters, Inc", "Monsters, Inc", True),
    (AnswerKind.OPTION, "monsters, inc", "Monsters, Inc", False),
]


@pytest.mark.parametrize(("answer", "gold", "expected"), NUMBER_CASES)
def test_numbers_compare(answer, gold, expected):
    assert equal(AnswerKind.NUMBER, answer, gold) is expected


@pytest.mark.parametrize(("kind", "answer", "gold", "expected"), OTHER_CASES)
def test_other_kinds_compare(kind, answer, gold, expected):
    assert equal(kind, answer, gold) is expected


@pytest.mark.parametrize(
    ("kind", "gold"),
    [(AnswerKind.NUMBER, "12:30"), (AnswerKind.NUMBER, ""), (AnswerKind.YES_NO, "maybe")],
)
def test_an_unreadable_gold_answer_raises(kind, gold):
    with pytest.raises(ValueError, match=f"is not a {kind.value} answer"):
        equal(kind, "1", gold)
    with pytest.raises(ValueError, match=f"is not a {kind.value} answer"):
        canonical_gold(kind, gold)


@pytest.mark.parametrize("kind", [AnswerKind.TEXT, AnswerKind.OPTION])
def test_an_empty_text_is_not_a_gold_answer(kind):
    with pytest.raises(ValueError, match="is not a"):
        canonical_gold(kind, "  ")


def test_rounding_accepts_answers_beyond_the_tolerance():
    assert equal(AnswerKind.NUMBER, "18.4", "18") is False
    assert pad_rounded_equal(AnswerKind.NUMBER, "18.4", "18") is True
    assert pad_rounded_equal(AnswerKind.NUMBER, "x", "18") is None


def test_exact_comparison_refuses_answers_within_the_tolerance():
    assert equal(AnswerKind.NUMBER, "18.0001", "18") is True
    assert exact_equal(AnswerKind.NUMBER, "18.0001", "18") is False
    assert exact_equal(AnswerKind.NUMBER, "36/2", "18.00") is True


@pytest.mark.parametrize("rule", [equal, exact_equal, pad_rounded_equal])
def test_all_rules_agree_on_text(rule):
    assert rule(AnswerKind.YES_NO, "true", "yes") is True
    assert rule(AnswerKind.TEXT, "ab", "ba") is False


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1,080", "1080"),
        ("51.0", "51"),
        ("0.50", "0.5"),
        ("-0.25", "-0.25"),
        ("5/2", "2.5"),
        ("1/3", "1/3"),
        ("1e-3", "0.001"),
    ],
)
def test_gold_numbers_have_one_canonical_text(text, canonical):
    assert canonical_gold(AnswerKind.NUMBER, text) == canonical


def test_number_text_parses_back():
    for value in (
        Fraction(1, 3),
        Fraction(-7, 8),
        Fraction(10**20),
        Fraction(1, 10**20),
        Fraction(1, 2**60),
        Fraction(15 * 10**49),
    ):
        assert parse_number(number_text(value)) == value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1e50", "1e50"),
        ("1.5e50", "1.5e50"),
        ("-25e59", "-2.5e60"),
        ("1e99", "1e99"),
        ("1e-99", "1e-99"),
        ("123e-60", "1.23e-58"),
        ("9" * 40, "9" * 40),
        ("1" + "0" * 39, "1" + "0" * 39),
        ("1/1152921504606846976", "1/1152921504606846976"),
        ("10e99", None),
        ("0.1e-99", None),
        ("9" * 41, None),
        ("12345678901234 1/99999999999999", None),
    ],
)
def test_a_canonical_number_is_its_own_canonical_text(text, canonical):
    assert canonical_answer(AnswerKind.NUMBER, text) == canonical
    assert canonical is None or canonical_answer(AnswerKind.NUMBER, canonical) == canonical


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (AnswerKind.YES_NO, "True."),
        (AnswerKind.OPTION, "(b) foo"),
        (AnswerKind.OPTION, "B: foo"),
        (AnswerKind.OPTION, "A foo"),
        (AnswerKind.TEXT, "  ya jo\n"),
    ],
)
def test_a_canonical_answer_is_its_own_canonical_answer(kind, text):
    canonical = canonical_answer(kind, text)
    assert canonical is not None
    assert canonical_answer(kind, canonical) == canonical


@pytest.mark.parametrize(
    ("kind", "gold", "reason"),
    [
        (AnswerKind.NUMBER, "9" * 41, "more than 40 digits"),
        (AnswerKind.NUMBER, " " * 101 + "1", "more than 100 characters"),
        (AnswerKind.TEXT, "a" * 2_001, "more than 2000 characters"),
    ],
)
def test_the_error_for_a_gold_answer_says_that_it_is_too_long(kind, gold, reason):
    with pytest.raises(ValueError, match=reason):
        canonical_gold(kind, gold)


@pytest.mark.parametrize(
    ("answers", "groups"),
    [
        (["13", "13.0", None, "14"], [{"13", "13.0"}, {"14"}]),
        (["1000000", "1000090", "1000180"], [{"1000000"}, {"1000090"}, {"1000180"}]),
        (["1000000.5", "1000090.5", "1000180.5"], [{"1000000.5", "1000090.5"}, {"1000180.5"}]),
        (["0.3333", "1/3", "0.33333", "0.4"], [{"0.3333", "1/3", "0.33333"}, {"0.4"}]),
        (["2.9995", "3", "3.0005"], [{"2.9995", "3", "3.0005"}]),
        (["1e50", "1e50", "x", "12:30"], [{"1e50"}]),
    ],
)
def test_grouping_answers_does_not_depend_on_their_order(answers, groups):
    for order in permutations(answers):
        answer_groups = [{order[place] for place in places} for places in agreeing(AnswerKind.NUMBER, order)]
        assert sorted(map(sorted, answer_groups)) == sorted(map(sorted, groups))


def test_options_and_texts_are_grouped_by_meaning():
    assert agreeing(AnswerKind.OPTION, ["A", "(B)", "(a) foo", "b", None]) == [[0, 2], [1, 3]]
    assert agreeing(AnswerKind.TEXT, ["", "ya", " ya", "YA"]) == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("kind", "text", "answer"),
    [
        (AnswerKind.NUMBER, "6 + 12 = 18\n#### 18", "18"),
        (AnswerKind.NUMBER, "#### 1,080\nThat took 3 steps.", "1,080"),
        (AnswerKind.NUMBER, "So 5 and 7. The answer is $18.50.", "$18.50"),
        (AnswerKind.NUMBER, "The answer is: -3 degrees, not 4.", "-3"),
        (AnswerKind.NUMBER, "The answer is 5. No, the answer is 6.", "6"),
        (AnswerKind.NUMBER, "She has 10-5=5 left, then 12 more, so 17.", "17"),
        (AnswerKind.NUMBER, "It takes 20km.", "20"),
        (AnswerKind.NUMBER, "The answer is eighteen, that is 18.", "18"),
        (AnswerKind.NUMBER, "They meet at 12:30", None),
        (AnswerKind.NUMBER, "on 5/6/2020", None),
        (AnswerKind.NUMBER, "no number", None),
        (AnswerKind.NUMBER, "about 1e999999999", None),
        (AnswerKind.NUMBER, "\u0661\u0662", "12"),
        (AnswerKind.YES_NO, "No coin is moved. The answer is Yes.", "yes"),
        (AnswerKind.YES_NO, "Yes, it was. But in the end: no", "no"),
        (AnswerKind.YES_NO, "nobody knows", None),
        (AnswerKind.TEXT, 'The last letters are "y" and "o". The answer is "yajo".', "yajo"),
        (AnswerKind.TEXT, "The answer is yajo.", "yajo"),
        (AnswerKind.TEXT, 'We get "yajo"', "yajo"),
        (AnswerKind.TEXT, "nothing", None),
        (AnswerKind.OPTION, "The answer is (B).", "(B)"),
        (AnswerKind.OPTION, "(A) is wrong, so (C)", "(C)"),
        (AnswerKind.OPTION, "The answer is Monsters, Inc.", "Monsters, Inc"),
    ],
)
def test_free_text_states_an_answer(kind, text, answer):
    assert extract_final_answer(kind, text) == answer


@pytest.mark.parametrize(
    "unit",
    [
        "1,",
        "9",
        "(A",
        '"',
        "-$",
        "####",
        "answer is ",
        "1/",
        "12e",
        " ",
        "1+",
        "1 1/",
        "1'000",
        "10^",
        "1 million ",
        "½",
        "１\u00a0",
        "no ",
        "not ",
        "minus ",
        "\\frac{1}{",
        "\\boxed{",
        "\\boxed{1}",
        "\\text{",
        "**1",
        "<1",
        "<<1",
        "1 apples or ",
        "1 and 1/",
        "1 : ",
        "\n1. ",
        "Answer: 1 = ",
        "Answer: x\n",
        "answer to a ",
        "So 1 = 1. ",
        "check 1. ",
        "it isn't necessarily ",
        "(A) and ",
        "neither A nor ",
        "'a",
        "“",
        "because it ",
        "一",
        "是1",
        "\ud800",
    ],
)
@pytest.mark.parametrize("kind", AnswerKind)
def test_hostile_text_is_read_in_bounded_time(kind, unit):
    start = time.process_time()
    for before in ("", "Answer: x ", "The answer is "):
        extract_final_answer(kind, before + unit * 65_536)
    assert time.process_time() - start < 6


def test_a_comparison_takes_microseconds():
    start = time.process_time()
    for index in range(10_000):
        equal(AnswerKind.NUMBER, f"${index},234.50", "1234.5")
    assert (time.process_time() - start) / 10_000 < 100e-6
