"""The strategies other than step beam, on known answers."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import ValidationError

from pad_ray.decoding.actor import solve_block
from pad_ray.decoding.base import Attempt, solve_question
from pad_ray.decoding.calculator import with_value
from pad_ray.decoding.config import strategy, with_baselines
from pad_ray.decoding.votes import elect
from pad_ray.schema import AnswerKind, Outcome, PathKind
from tests.decoding.engines import WrittenEngine, make_question, tools

RIGHT = "def solution():\n    return 12\n"
OTHER = "def solution():\n    return 7\n"
CRASHES = "def solution():\n    return apples\n"


def program(value):
    return f"def solution():\n    return {value}\n"


def solve(write, given, sandbox, question=None, budget=0, reason="stop", **settings):
    """The solution, and the requests that the engine received."""
    engine = WrittenEngine(write, reason)
    question = question or make_question()

    async def run():
        budgets = {question.question_id: budget}
        block = solve_block(
            [question], strategy(given), tools(engine, sandbox, **settings), asyncio.Semaphore(4), budgets
        )
        return (await block)[0]

    return asyncio.run(run()), engine.requests


def in_turn(*texts):
    """Writes the texts in turn and then repeats the last one."""
    left = list(texts)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def test_greedy_sends_one_request_at_temperature_0(sandbox):
    solution, (request,) = solve(lambda request: RIGHT, "greedy", sandbox)
    assert (solution.correct, solution.answer, solution.paths) == (True, "12", [RIGHT])
    assert (request.sampling.temperature, request.prompt) == (0.0, "Question: How many apples?\nSolution:\n")


def test_a_mixed_student_gets_the_cue_for_rationales(sandbox):
    solution, (request,) = solve(
        lambda request: "3 * 4 = 12\n#### 12", {"kind": "greedy", "path": "rationale"}, sandbox
    )
    assert (solution.correct, solution.answer) == (True, "12")
    assert request.prompt.endswith("\nAnswer:\n")


def test_the_first_stated_answer_of_a_rationale_counts(sandbox):
    text = "3 * 4 = 12\n#### 12\n\nQ: Tom has 5 pears.\n#### 99\n"
    solution, _ = solve(lambda request: text, {"kind": "greedy", "path": "rationale"}, sandbox)
    assert (solution.answer, solution.chosen) == ("12", "3 * 4 = 12\n#### 12")


@pytest.mark.parametrize(
    ("path", "text", "outcome"),
    [
        ("rationale", "She has 12 apples. She eats 2 of the 12", Outcome.TRUNCATED),
        ("rationale", "3 * 4 = 12\n#### 12\nQ", Outcome.ACCEPTED),
        ("program", "def solution():\n    apples = 12\n", Outcome.TRUNCATED),
        ("program", RIGHT + "\nprint(", Outcome.ACCEPTED),
    ],
)
def test_an_incomplete_path_has_no_answer(sandbox, path, text, outcome):
    solution, _ = solve(lambda request: text, {"kind": "greedy", "path": path}, sandbox, reason="length")
    assert solution.outcome is outcome


def test_an_incomplete_path_does_not_vote(sandbox):
    whole = [RIGHT + "\nprint(", *["def solution():\n    return 7"] * 2]
    solution, _ = solve(in_turn(*whole), {"kind": "vote", "samples": 3}, sandbox, reason="length")
    assert (solution.answer, solution.sampled) == ("12", ["12", "", ""])


def test_chosen_is_the_program_that_gave_the_answer(sandbox):
    write = in_turn(program(7), "```python\n" + RIGHT + "```", RIGHT)
    solution, _ = solve(write, {"kind": "vote", "samples": 3}, sandbox)
    assert solution.chosen == RIGHT.rstrip()


def test_the_most_frequent_answer_wins_whatever_its_notation(sandbox):
    write = in_turn(program(7), program("24 / 2"), program("'12'"), program(12.0), CRASHES)
    solution, requests = solve(write, {"kind": "vote", "samples": 5}, sandbox)
    assert solution.correct
    assert len({request.seed for request in requests}) == 5
    assert len(solution.paths) == 5


def test_a_tie_goes_to_the_more_probable_answer(sandbox):
    write = in_turn((program(7), -0.5), (program(12), -0.1))
    solution, _ = solve(write, {"kind": "vote", "samples": 2}, sandbox)
    assert solution.answer == "12"


def test_a_vote_of_failures_keeps_the_first_reason(sandbox):
    solution, _ = solve(in_turn(CRASHES, program("None")), {"kind": "vote", "samples": 2}, sandbox)
    assert (solution.outcome, solution.answer) == (Outcome.NAME_ERROR, None)


def test_another_seed_draws_other_samples(sandbox):
    drawn = [
        {request.seed for request in solve(lambda request: RIGHT, {"kind": "vote", "seed": seed}, sandbox)[1]}
        for seed in (0, 1, 0)
    ]
    assert drawn[0] == drawn[2]
    assert not drawn[0] & drawn[1]


def test_best_of_n_takes_the_sample_with_the_best_scored_lines(sandbox):
    verifier = "tests.decoding.test_beam:ShortNumbers"
    write = in_turn("def solution():\n    a = 90\n    return a\n", "def solution():\n    a = 12\n    return a\n")
    solution, _ = solve(write, {"kind": "best_of_n", "samples": 2, "verifiers": [verifier]}, sandbox)
    assert solution.answer == "12"


class Liked:
    """A step verifier that reads its scores from the lines: 1 for a line without one."""

    def __init__(self, config):
        pass

    async def scores(self, question, steps, execute):
        return [float(step.line.partition("#")[2] or 1.0) for step in steps]


LINES = {
    "one bad line": "def solution():\n    a = 1  # 0.2\n    b = 2  # 0.9\n    return 1  # 0.9\n",
    "all fair lines": "def solution():\n    a = 1  # 0.5\n    return 2  # 0.5\n",
    "a good end": "def solution():\n    a = 1  # 0.3\n    b = 2  # 0.3\n    return 3  # 1.0\n",
}


@pytest.mark.parametrize(("aggregate", "best"), [("last", "3"), ("minimum", "2"), ("mean", "1")])
def test_best_of_n_scores_a_sample_by_the_last_the_worst_or_the_mean_line(sandbox, aggregate, best):
    verifiers = ["tests.decoding.test_strategies:Liked"]
    given = {"kind": "best_of_n", "samples": 3, "verifiers": verifiers, "aggregate": aggregate}
    assert solve(in_turn(*LINES.values()), given, sandbox)[0].answer == best


def test_in_a_tie_a_sample_of_unknown_likelihood_ranks_last(sandbox):
    write = in_turn(program(7), (program(12), -0.5))
    given = {"kind": "best_of_n", "samples": 2, "verifiers": ["none"]}
    assert solve(write, given, sandbox)[0].answer == "12"


@pytest.mark.parametrize(
    "given", [{"kind": "vote"}, {"kind": "best_of_n", "verifiers": ["none"]}], ids=["vote", "best"]
)
def test_without_a_comparable_answer_an_engine_fault_does_not_hide_the_reason(sandbox, given):
    write = in_turn(ValueError("out of memory"), CRASHES)
    assert solve(write, {**given, "samples": 2}, sandbox)[0].outcome is Outcome.NAME_ERROR


def test_resampling_after_a_short_first_path_does_not_exceed_the_budget_by_much(sandbox):
    solution, _ = solve(in_turn("", RIGHT), {"kind": "resample", "like": "refine"}, sandbox, budget=40)
    assert 40 <= solution.completion_tokens < 2 * 40


def test_resampling_spends_slightly_more_than_the_budget(sandbox):
    each = len(RIGHT.split())
    for budget in (0, 1, 10 * each, 10 * each + 1):
        solution, _ = solve(lambda request: RIGHT, {"kind": "resample", "like": "refine"}, sandbox, budget=budget)
        assert budget <= solution.completion_tokens < max(budget, 1) + each


def test_resampling_ends_if_a_student_writes_nothing(sandbox):
    given = {"kind": "resample", "like": "refine", "max_samples": 20}
    solution, requests = solve(lambda request: "", given, sandbox, budget=1000)
    assert (solution.outcome, len(requests)) == (Outcome.NO_ANSWER, 21)


def test_costly_strategies_get_an_equal_compute_baseline():
    given = [strategy(one) for one in ("greedy", "step_beam", "refine")]
    assert [one.label for one in with_baselines(given)] == [
        *("greedy", "step_beam", "step_beam-resampled", "refine", "refine-resampled")
    ]


def repairing(request):
    return RIGHT if "Feedback: NameError: name 'apples' is not defined" in request.prompt else CRASHES


def test_a_crash_is_repaired_with_the_interpreters_message(sandbox):
    solution, requests = solve(repairing, "refine", sandbox)
    assert solution.correct
    assert solution.paths == [CRASHES, RIGHT]
    assert requests[1].prompt.startswith("Question: How many apples?\nProgram:\ndef solution():")


@pytest.mark.parametrize("gold", ["12", "13"])
def test_refine_never_looks_at_gold(sandbox, gold):
    solution, requests = solve(lambda request: RIGHT, "refine", sandbox, make_question(gold=gold))
    assert (solution.correct, len(requests)) == (gold == "12", 1)


def test_a_strategy_gets_no_gold():
    seen = []

    class Spy:
        label = kind = "spy"
        seed = 0

        async def solve(self, attempt: Attempt):
            seen.append(attempt.question.gold)
            return (await attempt.sample(PathKind.RATIONALE, 1, 0.0, 1.0))[0]

    async def run():
        return await solve_block([make_question()], Spy(), tools(WrittenEngine(lambda r: "12")), asyncio.Semaphore(1))

    assert asyncio.run(run())[0].correct
    assert seen == [""]


def test_repairs_are_repaired_up_to_the_number_of_rounds(sandbox):
    write = in_turn(CRASHES, program("pears"), program("plums"), RIGHT)
    solution, requests = solve(write, {"kind": "refine", "rounds": 2}, sandbox)
    assert (solution.outcome, len(requests)) == (Outcome.NAME_ERROR, 3)
    assert "plums" in solution.feedback


def test_a_repair_that_repeats_the_program_ends_the_repairs(sandbox):
    solution, requests = solve(lambda request: CRASHES, {"kind": "refine", "rounds": 9}, sandbox)
    assert (solution.outcome, len(requests)) == (Outcome.NAME_ERROR, 2)


@pytest.mark.parametrize(
    ("votes", "repair", "answer"),
    [
        ((1, 2, 3), 12, "1"),
        ((1, 12, 3), 12, "12"),
        ((1, 12, 3), 3, "3"),
        ((1, 1, 2, 3, 4), 12, "1"),
        ((1, 1, 12, 12, 4), 12, "12"),
    ],
    ids=["a lone repair wins no tie", "it decides", "it decides otherwise", "it is not two", "it breaks a tie"],
)
def test_a_repair_of_an_answer_with_little_support_is_one_more_vote(sandbox, votes, repair, answer):
    write = in_turn(*map(program, votes), program(repair))
    given = {"kind": "refine", "first": {"kind": "vote", "samples": len(votes)}, "min_support": 0.5}
    solution, requests = solve(write, given, sandbox)
    assert (solution.answer, len(requests)) == (answer, len(votes) + 1)


def test_a_repair_is_the_answer_if_no_vote_had_one(sandbox):
    write = in_turn(CRASHES, program("pears"), program("None"), RIGHT)
    given = {"kind": "refine", "first": {"kind": "vote", "samples": 3}, "min_support": 0.5}
    assert solve(write, given, sandbox)[0].answer == "12"


def test_the_same_repair_does_not_vote_twice(sandbox):
    given = {"kind": "refine", "first": {"kind": "vote", "samples": 3}, "min_support": 0.9, "rounds": 5}
    texts = [program(1), program(1), program(2), program(12)]
    solution, requests = solve(in_turn(*texts), given, sandbox)
    assert (solution.answer, len(requests)) == ("1", 4)
    # Each sampled repair is one vote.
    solution, requests = solve(in_turn(*texts), {**given, "temperature": 0.7}, sandbox)
    assert (solution.answer, len(requests)) == ("12", 8)


def test_a_repair_that_crashes_does_not_replace_an_answer(sandbox):
    write = in_turn(program(12), program(2), program(3), CRASHES)
    given = {"kind": "refine", "first": {"kind": "vote", "samples": 3}, "min_support": 0.5}
    solution, requests = solve(write, given, sandbox)
    assert (solution.answer, len(requests)) == ("12", 4)


def test_a_sampled_repair_that_repeats_the_program_is_sampled_again(sandbox):
    given = {"kind": "refine", "rounds": 3, "temperature": 0.7}
    solution, requests = solve(in_turn(CRASHES, CRASHES, RIGHT), given, sandbox)
    assert (solution.correct, len(requests)) == (True, 3)


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "step_beam", "path": "rationale"},
        {"kind": "token_beam", "path": "socratic"},
        {"kind": "best_of_n", "path": "rationale", "verifiers": ["execution"]},
        {"kind": "refine", "first": {"kind": "greedy", "path": "rationale"}},
    ],
    ids=str,
)
def test_refine_rejects_paths_other_than_programs(given):
    with pytest.raises(ValidationError, match="programs"):
        strategy(given)


def test_refine_repairs_the_result_of_step_beam(sandbox):
    def write(request):
        if "Feedback:" in request.prompt:
            return RIGHT
        return CRASHES[len(request.prompt.partition("Solution:\n")[2]) :]

    solution, _ = solve(write, {"kind": "refine", "first": {"kind": "step_beam"}}, sandbox)
    assert solution.correct
    assert solution.paths == [CRASHES, RIGHT]


def by_kind(program_text, rationale_text):
    return lambda request: program_text if request.prompt.endswith("Solution:\n") else rationale_text


@pytest.mark.parametrize(
    ("written", "answer"),
    [((RIGHT, "#### 7"), "12"), ((CRASHES, "#### 7"), "7"), ((program("None"), "no idea"), None)],
    ids=["the program ran", "it did not", "neither has an answer"],
)
def test_with_one_path_of_each_kind_a_program_that_ran_decides(sandbox, written, answer):
    solution, requests = solve(by_kind(*written), {"kind": "mixed", "samples": 2}, sandbox)
    assert solution.answer == answer
    assert {request.sampling.temperature for request in requests} == {0.0}


def answers(*given):
    """(kind, value, mean log probability) as answers."""
    from pad_ray.decoding.base import Answer

    return [Answer(kind, f"{kind} {value}", Outcome.ACCEPTED, value, "", logprob) for kind, value, logprob in given]


POT, COT = PathKind.PROGRAM, PathKind.RATIONALE


@pytest.mark.parametrize(
    ("given", "won"),
    [
        ([(COT, "5", -1), (COT, "5.0", -1), (POT, "6", -0.1)], "5"),
        ([(COT, "5", -0.1), (COT, "5", -0.1), (POT, "6", -1), (POT, "6", -1)], "6"),
        ([(POT, "5", -0.9), (POT, "6", -0.1)], "6"),
        ([(COT, "5", None), (COT, "6", None)], "5"),
        ([(COT, "5", None), (COT, "6", -2)], "6"),
        ([(COT, "5", -0.1), (POT, "6", -2)], "6"),
        ([(COT, "5", -0.1), (POT, "5", -3), (POT, "6", -1), (POT, "6", -1)], "6"),
    ],
    ids=[
        *("more votes", "a program on a tie", "the likelier program", "the earlier answer"),
        *("a likelihood before none", "one program on a tie", "a program each, and the mean likelihood"),
    ],
)
def test_votes_of_both_kinds(given, won):
    assert elect(answers(*given), AnswerKind.NUMBER).value == won


def test_an_answer_of_both_kinds_can_weigh_more(sandbox):
    def write(request):
        return next(programs if request.prompt.endswith("Solution:\n") else rationales)

    for agreement, answer in ((1.0, "7"), (2.0, "12")):
        programs = iter([RIGHT, program(7), program(7), program(7)])
        rationales = iter(["#### 12", "#### 1", "#### 2", "#### 3"])
        given = {"kind": "mixed", "samples": 8, "agreement": agreement}
        assert solve(write, given, sandbox)[0].answer == answer


@pytest.mark.parametrize(
    ("text", "continued"),
    [
        ("She has <<16-3-4=", "She has <<16-3-4=9>>"),
        ("<<1=1>> and <<10*2=2", "<<1=1>> and <<10*2=20>>"),
        ("x =", "x ="),
        ("<<1/0=", "<<1/0="),
        ("<<9**9**9=", "<<9**9**9="),
        ("<<2+2=4>> so x =", "<<2+2=4>> so x ="),
    ],
)
def test_the_calculator_completes_an_open_calculation(text, continued):
    assert with_value(text) == continued


def socratic(request):
    """A student that splits questions well and cannot calculate."""
    if request.prompt.endswith("Sub-questions:\n"):
        return "How many bags?\nHow many apples?\n"
    if "Sub-question: How many bags?" in request.prompt:
        return continued(request, "She has 1+2=<<1+2=99>>3 bags.")
    assert "How many bags? ** She has 1+2=<<1+2=3>>3 bags.\n" in request.prompt
    return continued(request, "That is 3*4=<<3*4=99>>12 apples.\n#### 12")


def continued(request, whole):
    """The rest of a text after the value that the calculator added to the prompt."""
    begun = request.prompt.partition("Step:\n")[2]
    return whole.replace("99", "3" if "bags" in whole else "12")[len(begun) :]


def test_socratic_steps_are_answered_in_turn_with_a_calculator(sandbox):
    solution, requests = solve(socratic, {"kind": "socratic", "calculator": True}, sandbox)
    assert solution.correct
    assert solution.paths == [
        "How many bags? ** She has 1+2=<<1+2=3>>3 bags.\nHow many apples? ** That is 3*4=<<3*4=12>>12 apples.\n#### 12"
    ]
    assert any(request.prompt.endswith("<<1+2=3>>") for request in requests)


def test_a_second_model_writes_the_sub_questions(sandbox):
    decomposer = WrittenEngine(lambda request: "How many bags?\nHow many apples?\n")
    solver = WrittenEngine(socratic)
    given = strategy({"kind": "socratic", "decomposer": "other", "calculator": True})
    asked = replace(tools(solver, sandbox), second=decomposer)
    assert asyncio.run(solve_question(make_question(), given, asked)).correct
    assert len(decomposer.requests) == 1
    assert not any(request.prompt.endswith("Sub-questions:\n") for request in solver.requests)


def test_values_written_by_the_calculator_are_not_generated(sandbox):
    whole = "How many? ** 5*6=<<5*6=30>>30 apples\n#### 30"

    def write(request):
        begun = request.prompt.partition("Steps:\n")[2]
        return "31>>31 apples\n#### 31" if begun.endswith("<<5*6=") else whole[len(begun) :]

    given = {"kind": "socratic", "variant": "unified"}
    solution, _ = solve(write, {**given, "calculator": True}, sandbox, make_question(gold="30"))
    assert (solution.correct, solution.paths) == (True, [whole])
    plain, _ = solve(lambda request: "How many? ** 5*6=<<5*6=31>>31\n#### 31", given, sandbox)
    assert plain.answer == "31"


def test_rationales_can_use_the_calculator_of_socratic_steps(sandbox):
    whole = "He buys 5*6=<<5*6=30>>30 apples\n#### 30"

    def write(request):
        begun = request.prompt.partition("Answer:\n")[2]
        if begun.endswith("<<5*6="):
            return "31>>31 apples\n#### 31"
        return whole[len(begun) :] if begun else whole.replace("30", "31")

    given = {"kind": "greedy", "path": "rationale"}
    solution, _ = solve(write, {**given, "calculator": True}, sandbox, make_question(gold="30"))
    assert (solution.correct, solution.paths, solution.sampled) == (True, [whole], ["30"])
    assert solve(write, given, sandbox)[0].answer == "31"


def test_the_calculator_is_off_by_default_for_every_strategy():
    assert not strategy("greedy").calculator
    assert not strategy("socratic").calculator
    assert "calculator" not in strategy("greedy").model_dump()
    with pytest.raises(ValidationError, match="a program is executed"):
        strategy({"kind": "greedy", "calculator": True})


@pytest.mark.parametrize(("asked", "answer"), [(3, "3"), (4, None)])
def test_sub_questions_beyond_the_limit_are_truncated_with_a_reason(sandbox, asked, answer):
    def write(request):
        if request.prompt.endswith("Sub-questions:\n"):
            return "".join(f"What is step {number}?\n" for number in range(1, asked + 1))
        return f"It is {request.prompt.rpartition('What is step ')[2][0]}."

    solution, _ = solve(write, {"kind": "socratic", "max_steps": 3}, sandbox)
    assert solution.answer == answer
    if answer is None:
        reason = "the student asks 4 sub-questions; raise max_steps, which is 3"
        assert (solution.outcome, solution.feedback) == (Outcome.TRUNCATED, reason)
