"""Each mutation: the exact variants of small programs, and the outcomes of variants of real programs."""

from collections import Counter

import pytest

from pad_ray.refinement import CLASSES, MUTATIONS
from pad_ray.refinement.mutations import variants
from pad_ray.refinement.source import Source, stated_numbers
from pad_ray.sandbox import Candidate, judge
from pad_ray.schema import Outcome

QUESTION = "Olivia has $23.50 and 1,250 points. She buys five bagels for $3 each."
BY_NAME = {mutation.name: mutation for mutation in MUTATIONS}
EGGS = "a = 16  # eggs\nb = a - 3\nreturn b"


def program(body):
    return "def solution():\n" + "".join(f"    {line}\n" for line in body.split("\n"))


def wrong(name, text, question="", seed=0):
    return list(variants(Source.read(text, question), BY_NAME[name], seed))


@pytest.mark.parametrize(
    ("name", "right", "expected"),
    [
        ("delete_assignment", EGGS, ["b = a - 3\nreturn b", "a = 16  # eggs\nreturn b"]),
        ("delete_assignment", "x = 1\nx = 2\nunused = 3\nreturn x", []),
        ("delete_assignment", "sum = 1 + 2\nreturn sum", []),
        ("return_unassigned", "result = answer = total = final_answer = final_result = total_cost = 2\nreturn (result)",
         ["result = answer = total = final_answer = final_result = total_cost = 2\nreturn total_amount"]),
        ("move_below_first_read", EGGS, ["b = a - 3\na = 16  # eggs\nreturn b"]),
        ("move_below_first_read", "x = 3\ny = [i * x for i in range(2)]\nreturn y", []),
        ("make_augmented", "x = (3)\nreturn x", [f"x {sign}= (3)\nreturn x" for sign in "+-*"]),
        ("join_lines", "x = 3  # pens\ny = x\n\nreturn y", ["x = 3 y = x\n\nreturn y"]),
        ("drop_operand", "return a - (b) - c", ["return a - (b) - "]),
        ("drop_operand", "x = 3 * 2\nreturn x", ["x = \nreturn x", "x = 3 * \nreturn x"]),
        ("number_to_text", "price = 2.5\nreturn price - 1",
         ['price = "2.5"\nreturn price - 1', 'price = 2.5\nreturn price - "1"']),
        ("zero_divisor", "n = 4\nreturn 8 / n",
         ["n = 0\nreturn 8 / n", "n = 4\nreturn 8 / 0", "n = 4\nreturn 8 / (n - n)"]),
        ("zero_divisor", "x = 9\nx //= (2 + 1)\nreturn x", ["x = 9\nx //= 0\nreturn x"]),
        ("swap_operator", "return 6 + 2", [f"return 6 {sign} 2" for sign in "-*/"]),
        ("swap_operator", "x = 6\nx -= 2  # - 2\nreturn x", [f"x = 6\nx {sign}= 2  # - 2\nreturn x" for sign in "+*/"]),
        ("swap_operator", "return 1 if 2 < 3 else 4", ["return 1 if 2 > 3 else 4"]),
        ("swap_operands", "return (a + b) / c", ["return c / (a + b)"]),
        ("swap_operands", "return a - b - c", ["return b - a - c", "return c - (a - b)"]),
        ("swap_operands", "return a + b", []),
        ("replace_constant", "return 23.5 - 5 * 3",
         [f"return {x} - {y} * {z}" for x, y, z in [(1250, 5, 3), (3, 5, 3), (5, 5, 3), ("23.5", "23.50", 3),
          ("23.5", "23.5", 3), ("23.5", 1250, 3), ("23.5", 3, 3), ("23.5", 5, "23.50"), ("23.5", 5, "23.5"),
          ("23.5", 5, 1250), ("23.5", 5, 5)]]),
        ("drop_step", "x = 6\nx = x - 2\nx *= 3\nreturn x",
         ["x = 6\nx *= 3\nreturn x", "x = 6\nx = x - 2\nreturn x", "x = 6\nx = x\nx *= 3\nreturn x",
          "x = 6\nx = 2\nx *= 3\nreturn x"]),
        ("another_variable", "a = 1\nb = 2\nc = a * 4\nreturn c", ["a = 1\nb = 2\nc = b * 4\nreturn c"]),
        ("return_another_variable", "a = 1\nb = a * 2\nreturn(b)",
         ["a = 1\nb = a * 2\nreturn a"]),
        ("return_another_variable", "a = 1\nreturn a * 2 if a else 0", ["a = 1\nreturn a"]),
    ],
)  # fmt: skip
def test_the_variants_of_a_small_program(name, right, expected):
    question = QUESTION if name == "replace_constant" else ""
    assert sorted(wrong(name, program(right), question)) == sorted(map(program, expected))


def test_a_read_is_renamed_to_a_near_miss_that_the_program_does_not_use():
    texts = wrong("rename_read", program("eggs_sold = 16\neggs = eggs_sold - 3\nreturn eggs_sold * eggs"))
    renamed = [text for text in texts if text.count("eggs_sold") == 2]
    assert program("eggs_sold = 16\neggs = egg_sold - 3\nreturn eggs_sold * eggs") not in texts
    assert program("eggs_sold = 16\neggs = sold_eggs - 3\nreturn eggs_sold * eggs") in renamed
    assert all("eggs = eggs - 3" not in text for text in texts)


def test_a_bracket_or_a_blocks_colon_is_dropped():
    texts = wrong("drop_bracket_or_colon", program("prices = {'pen': 2}\nreturn prices['pen']"))
    assert len(texts) == 7
    assert program("prices = {'pen': 2\nreturn prices['pen']") in texts
    assert "def solution()\n    prices = {'pen': 2}\n    return prices['pen']\n" in texts


def test_a_line_is_indented_differently_than_its_block():
    texts = wrong("break_indentation", program("x = 2\nreturn x"))
    assert "def solution():\n    x = 2\n  return x\n" in texts
    # At the far left the text would parse as a different program, so it is not a variant.
    assert "def solution():\n    x = 2\nreturn x\n" not in texts
    assert all(text.replace(" ", "") == "defsolution():\nx=2\nreturnx\n" for text in texts)


def test_stated_numbers_are_literals_with_each_value_once():
    assert stated_numbers("1,250 of 007, 2.50 or 2.5; .5 and five") == ("1250", "7", "2.50", ".5")


@pytest.mark.parametrize("name", BY_NAME)
def test_variants_depend_only_on_program_and_seed(name, arithmetic_programs):
    for correct in arithmetic_programs[:20]:
        first, again = (wrong(name, correct.program, correct.question, seed=3) for _ in range(2))
        assert first == again
        assert sorted(first) == sorted(wrong(name, correct.program, correct.question, seed=4))


def test_only_one_place_changes_and_comments_are_kept():
    commented = program("eggs = 16  # ½ laid\n# 'three' — eaten\neaten = 3\nleft = (eggs - eaten)  # ✓\nreturn left")
    for name in BY_NAME:
        for text in wrong(name, commented):
            kept = sum(line in commented.split("\n") for line in text.split("\n"))
            assert kept >= len(text.split("\n")) - 1 - (name == "join_lines")
            assert "# 'three' — eaten" in text


def test_variants_of_real_programs_have_the_intended_outcome(sandbox, real_programs):
    """The share of programs to which a mutation applies, and the share of its wrong variants with the intended outcome."""
    everything = Counter()
    for number, mutation in enumerate(MUTATIONS):
        programs = real_programs[number % 3 :: 3]
        mutated = [(one, next(variants(Source.read(one.program, one.question), mutation, 0), None)) for one in programs]
        mutated = [(one, text) for one, text in mutated if text is not None]
        verdicts = judge(sandbox, [Candidate("", text, one.gold, one.answer_kind, None) for one, text in mutated])
        outcomes = Counter(verdict.outcome for verdict in verdicts)
        wrong_ones = len(mutated) - outcomes[Outcome.ACCEPTED]
        # Half of the programs have no division; text may be multiplied; a tenth of real programs' results is not used.
        assert len(mutated) > (0.3 if mutation.name == "zero_divisor" else 0.7) * len(programs), mutation.name
        assert outcomes[mutation.aim] > (0.85 if mutation.name == "number_to_text" else 0.97) * wrong_ones, (
            mutation.name
        )
        assert wrong_ones > 0.8 * len(mutated), mutation.name
        everything.update(outcomes)
    assert set(CLASSES) <= set(everything)
