"""Programs, rationales and yes or no in six languages before the judge, without a run."""

import pytest

from pad_ray.paths.rationale import judge_rationale
from pad_ray.sandbox import Sandbox
from pad_ray.schema import AnswerKind, Draft, Outcome, PathKind, Question
from pad_ray.synthesis.verify import verify
from tests.languages.problems import GIVEN, PROBLEMS

YES_NO = {
    "zh": ("小明有{n}个苹果，吃了3个。他还有苹果吗？", "是", "不是"),
    "ja": ("太郎さんはりんごを{n}個持っていて、3個食べました。まだりんごがありますか。", "はい", "いいえ"),
    "ko": ("민수는 사과 {n}개 중에서 3개를 먹었습니다. 사과가 남아 있습니까?", "예", "아니요"),
    "ru": ("У Анны было {n} яблок, она съела 3. У неё остались яблоки?", "Да", "Нет"),
    "hi": ("राम के पास {n} सेब थे और उसने 3 खा लिए। क्या उसके पास सेब बचे हैं?", "हाँ", "नहीं"),
    "ar": ("كان لدى أحمد {n} تفاحات وأكل 3 منها. هل بقي لديه تفاح؟", "نعم", "لا"),
}


@pytest.fixture(scope="module")
def judge():
    """The outcomes of texts, each with its question, gold and kinds."""
    with Sandbox() as sandbox:

        def outcomes(asked):
            pairs = [pair(number, *one) for number, one in enumerate(asked)]
            return [verdict.outcome for verdict in verify(sandbox, pairs)]

        yield outcomes


def pair(number, question, gold, text, path=PathKind.PROGRAM, kind=AnswerKind.NUMBER):
    return (
        Question(f"q{number}", "six_languages", "train", question, gold, kind, []),
        Draft(f"d{number}", f"q{number}", path, text, 0, "stop", 0, 0, None, "scripted"),
    )


@pytest.mark.parametrize("path", [PathKind.PROGRAM, PathKind.RATIONALE])
@pytest.mark.parametrize("language", GIVEN)
def test_every_right_path_is_accepted(judge, language, path):
    problems = [one for one in PROBLEMS if one.language == language]
    found = judge([(one.text, one.gold, getattr(one, path.value), path) for one in problems])
    wrong = {one.text: outcome for one, outcome in zip(problems, found, strict=True) if outcome != Outcome.ACCEPTED}
    assert (len(problems), wrong) == (40, {})


@pytest.mark.parametrize("language", GIVEN)
def test_what_is_wrong_is_rejected(judge, language):
    problem = next(one for one in PROBLEMS if one.language == language)
    changed = [
        ("program", problem.program.replace("return ", "return 1 + "), Outcome.WRONG_ANSWER),
        ("program", f"def solution():\n    return {problem.gold}\n", Outcome.HARD_CODED),
        ("program", problem.program.replace("return ", "return unknown + "), Outcome.NAME_ERROR),
        ("rationale", problem.rationale.replace(">>17", "1>>17").replace("=17", "=18"), Outcome.WRONG_ANSWER),
        ("rationale", problem.rationale.replace(f"= {problem.gold}", "= 16"), Outcome.WRONG_ANSWER),
        ("rationale", problem.rationale.replace(f"#### {problem.gold}", "#### 16"), Outcome.WRONG_ANSWER),
        ("rationale", problem.rationale.partition("####")[0], Outcome.NO_ANSWER),
    ]
    assert all(text != getattr(problem, path) for path, text, _ in changed)
    found = judge([(problem.text, problem.gold, text, PathKind(path)) for path, text, _ in changed])
    assert found == [outcome for *_, outcome in changed]


@pytest.mark.parametrize("language", GIVEN)
def test_the_words_for_the_answer_is_are_read_in_place_of_the_mark(language):
    stated = [one for one in PROBLEMS if one.language == language and one.states]
    assert len(stated) == 5 and not any("####" in one.unmarked for one in stated)
    for one in stated:
        assert judge_rationale("d", one.unmarked, one.gold, AnswerKind.NUMBER).outcome == Outcome.ACCEPTED
        assert judge_rationale("d", one.unmarked, f"{one.gold}1", AnswerKind.NUMBER).outcome == Outcome.WRONG_ANSWER


@pytest.mark.parametrize("language", GIVEN)
def test_yes_and_no_in_the_language_of_the_question_are_read(judge, language):
    question, yes, no = YES_NO[language]
    asked = []
    for apples, answer, other in ((5, yes, no), (3, no, yes)):
        text, gold = question.format(n=apples), "yes" if answer == yes else "no"
        program = f"def solution():\n    a = {apples}\n    b = 3\n    return '{yes}' if a > b else '{no}'\n"
        steps = f"{apples} - 3 = {apples - 3}\n####"
        asked += [(text, gold, program, PathKind.PROGRAM)]
        asked += [(text, gold, f"{steps} {said}", PathKind.RATIONALE) for said in (answer, other)]
    found = judge([(*one, AnswerKind.YES_NO) for one in asked])
    assert found == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.WRONG_ANSWER] * 2
