"""Step-wise beam search on engines whose probabilities are known."""

import asyncio
import math
from dataclasses import replace

import pytest

from pad_ray.decoding.actor import solve_block
from pad_ray.decoding.base import Attempt, solve_question
from pad_ray.decoding.beam import StepBeam
from pad_ray.decoding.token_beam import TokenBeam
from pad_ray.engines.base import NextToken
from pad_ray.schema import Outcome
from tests.decoding.engines import HEAD, TreeEngine, WrittenEngine, make_question, paths_of, random_tree, tools

EVERY_LINE = 32
"""Enough proposals to find all lines with a probability of at least 0.2."""


class ShortNumbers:
    """A step verifier that prefers small numbers."""

    def __init__(self, config):
        pass

    async def scores(self, question, steps, execute):
        return [like(step.line) for step in steps]


def like(line):
    digits = "".join(character for character in line.split("=")[-1].split("+")[-1] if character.isdigit())
    return 1.0 if "return" in line else 1 / (1 + int(digits))


def search(engine, strategy, sandbox=None, question=None):
    async def run():
        attempt = Attempt(question or make_question(), tools(engine, sandbox), "test")
        return await strategy.search(attempt), attempt

    return asyncio.run(run())


def beam_search(tree, beams, weight=0.0):
    """Textbook beam search: extends all kept texts by all lines and keeps the best `beams`."""
    kept = [("", 0.0)]
    while any(tree.get(text) for text, _ in kept):
        grown = [(text, score) for text, score in kept if not tree.get(text)]
        for text, score in kept:
            for line, probability in tree.get(text, {}).items():
                liked = weight * math.log(like(line)) if weight and text else 0.0
                grown.append((text + line, score + math.log(probability) + liked))
        kept = sorted(grown, key=lambda item: (-item[1], item[0]))[:beams]
    return kept


@pytest.mark.parametrize("seed", range(3))
def test_with_enough_beams_it_equals_exhaustive_search(seed):
    tree = random_tree(seed)
    every = sorted(paths_of(tree), key=lambda item: (-item[1], item[0]))
    strategy = StepBeam(beams=len(every), proposals=EVERY_LINE, temperature=1.0, weight=0, score="sum")
    result, _ = search(TreeEngine(tree), strategy)
    assert [hypothesis.text for hypothesis in result] == [text for text, _ in every]
    assert [hypothesis.score for hypothesis in result] == pytest.approx([logprob for _, logprob in every])


@pytest.mark.parametrize("seed", range(5))
def test_without_weight_it_is_ordinary_beam_search(seed):
    tree = random_tree(seed, depth=4)
    strategy = StepBeam(beams=2, proposals=EVERY_LINE, temperature=1.0, weight=0, verifiers=["execution"], score="sum")
    result, _ = search(TreeEngine(tree), strategy)
    expected = beam_search(tree, beams=2)
    assert [hypothesis.text for hypothesis in result] == [text for text, _ in expected]
    assert [hypothesis.score for hypothesis in result] == pytest.approx([score for _, score in expected])


@pytest.mark.parametrize("seed", range(3))
def test_a_verifier_adds_its_weighted_log_score_for_every_line_below_def(seed):
    tree = random_tree(seed)
    verifier = f"{__name__}:ShortNumbers"
    strategy = StepBeam(beams=3, proposals=EVERY_LINE, temperature=1.0, weight=0.5, verifiers=[verifier], score="sum")
    result, _ = search(TreeEngine(tree), strategy)
    expected = beam_search(tree, beams=3, weight=0.5)
    assert [hypothesis.text for hypothesis in result] == [text for text, _ in expected]
    assert [hypothesis.score for hypothesis in result] == pytest.approx([score for _, score in expected])


def test_one_beam_and_one_proposal_is_greedy():
    tree = random_tree(7)
    (result,), _ = search(TreeEngine(tree), StepBeam(beams=1, proposals=1, weight=0))
    text = ""
    while tree.get(text):
        text += max(tree[text], key=tree[text].get)
    assert result.text == text


def test_the_mean_likelihood_of_a_line_ignores_its_number_of_tokens():
    long, short = "    a = 1 + 1 + 1 + 1\n", "    b = 4\n"
    tree = {
        "": {HEAD: 1.0},
        HEAD: {long: 0.4, short: 0.6},
        HEAD + long: {"    return 4\n": 1.0},
        HEAD + short: {"    return 4\n": 1.0},
    }
    best = {
        likelihood: search(
            TreeEngine(tree), StepBeam(proposals=EVERY_LINE, temperature=1.0, weight=0, likelihood=likelihood)
        )[0][0].text
        for likelihood in ("total", "mean")
    }
    assert short in best["total"]
    assert long in best["mean"]


class Likes:
    """A step verifier that gives every line 0.8."""

    def __init__(self, config):
        pass

    async def scores(self, question, steps, execute):
        return [0.8] * len(steps)


SHORT = f"{HEAD}    return 7\n"
LONG = f"{HEAD}    a = 2\n    b = 3\n    c = a * b\n    d = c + c\n    e = d\n    return e\n"


def chain(text, probability=1.0):
    """A tree with one child per line of a program, each with the given probability."""
    lines = text.splitlines(keepends=True)
    begun = ["".join(lines[:number]) for number in range(len(lines))]
    return {before: {line: probability} for before, line in zip(begun, lines, strict=True)}


@pytest.mark.parametrize(
    ("score", "likelihood", "best"),
    [
        ("sum", "total", SHORT),
        ("sum", "mean", SHORT),
        ("mean", "total", LONG),
        ("mean", "mean", LONG),
    ],
)
def test_long_programs_rank_lower_only_if_scores_are_summed(score, likelihood, best):
    # All lines have equal probabilities and scores, so the program with more lines has the lower sum.
    tree = chain(LONG, 0.8) | {HEAD: {"    return 7\n": 0.5, "    a = 2\n": 0.5}}
    strategy = StepBeam(
        proposals=EVERY_LINE, temperature=1.0, verifiers=[f"{__name__}:Likes"], score=score, likelihood=likelihood
    )
    result, _ = search(TreeEngine(tree), strategy)
    assert {hypothesis.text for hypothesis in result} == {SHORT, LONG}
    assert result[0].text == best


@pytest.mark.parametrize("score", ["sum", "mean", "length"])
def test_few_lines_win_if_they_are_better(score):
    tree = chain(LONG, 0.3) | {HEAD: {"    return 7\n": 0.9, "    a = 2\n": 0.1}}
    strategy = StepBeam(proposals=64, temperature=1.0, verifiers=[f"{__name__}:Likes"], score=score)
    assert search(TreeEngine(tree), strategy)[0][0].text == SHORT


@pytest.mark.parametrize(("score", "best"), [("sum", SHORT), ("mean", LONG), ("length", SHORT)])
def test_token_beam_compares_programs_of_different_length_in_the_same_way(score, best):
    tree = {HEAD: {"    return 7\n": 0.5, "    a = 2\n": 0.5}}
    strategy = TokenBeam(beams=4, verifiers=[f"{__name__}:Likes"], score=score)

    async def run():
        attempt = Attempt(make_question(), tools(LetterEngine(chain(LONG) | tree), None, max_tokens=200), "test")
        return await strategy.search(attempt)

    result = asyncio.run(run())
    assert {beam.text for beam in result} == {SHORT, LONG}
    assert result[0].text == best


@pytest.mark.parametrize("score", ["sum", "mean", "length"])
def test_a_finished_program_is_not_displaced_by_programs_that_end_worse(score):
    # Two lines are more probable than the finished program, but can only end improbably.
    tree = {"": {HEAD: 1.0}, HEAD: {"    return 7\n": 0.32, "    a = 1\n": 0.34, "    b = 1\n": 0.34}}
    for line in ("    a = 1\n", "    b = 1\n"):
        tree[HEAD + line] = {f"    return {number}\n": 0.02 for number in range(50)}
    result, _ = search(TreeEngine(tree), StepBeam(beams=3, proposals=64, temperature=1.0, weight=0, score=score))
    assert result[0].text == SHORT
    assert len(result) == 3


def test_finished_programs_occupy_beams():
    tree = chain(LONG) | {HEAD: {"    return 7\n": 0.6, "    a = 2\n": 0.2, "    b = 2\n": 0.2}}
    tree |= {HEAD + "    b = 2\n": {"    return b\n": 1.0}}
    engine = TreeEngine(tree)
    result, _ = search(engine, StepBeam(beams=1, proposals=EVERY_LINE, temperature=1.0, weight=0))
    assert [hypothesis.text for hypothesis in result] == [SHORT]
    assert len(engine.requests) == 2 * EVERY_LINE


def test_hypotheses_that_differ_only_in_blanks_are_one():
    tree = {"": {HEAD: 1.0}, HEAD: {"    return 7\n": 0.4, "    return 7 \n": 0.3, "\n    return 7\n": 0.3}}
    result, _ = search(TreeEngine(tree), StepBeam(proposals=EVERY_LINE, temperature=1.0, weight=0))
    assert [hypothesis.text for hypothesis in result] == [SHORT]


def test_a_line_with_an_engine_error_ranks_below_a_line_that_fails_to_run(sandbox):
    left = [HEAD, ValueError("out of memory")]
    engine = WrittenEngine(lambda request: left.pop(0) if left else ("    return apples\n", -0.5))
    (solution,) = solve([make_question()], engine, StepBeam(beams=1, proposals=1), sandbox)
    assert solution.outcome is Outcome.ENGINE_FAULT
    left += [HEAD, HEAD, ValueError("out of memory")]
    (solution,) = solve([make_question()], engine, StepBeam(beams=1, proposals=2), sandbox)
    assert solution.outcome is Outcome.NAME_ERROR


def test_a_failing_line_is_pruned_and_the_search_continues_with_others(sandbox):
    likely, sound = "    a = apples * 2\n", "    a = 5 * 2\n"
    tree = {
        "": {HEAD: 1.0},
        HEAD: {likely: 0.7, sound: 0.3},
        HEAD + likely: {"    return a\n": 1.0},
        HEAD + sound: {"    return a\n": 0.5, "    return a / 0\n": 0.5},
    }
    result, attempt = search(TreeEngine(tree), StepBeam(proposals=EVERY_LINE, temperature=1.0), sandbox)
    assert [hypothesis.text for hypothesis in result] == [HEAD + sound + "    return a\n"]
    assert attempt.completion_tokens > 0


def test_if_every_line_fails_the_most_probable_program_is_kept_with_its_error(sandbox):
    tree = {"": {HEAD: 1.0}, HEAD: {"    return apples\n": 0.6, "    return pears\n": 0.4}}
    (solution,) = solve([make_question()], TreeEngine(tree), StepBeam(proposals=8, temperature=1.0), sandbox)
    assert solution.outcome is Outcome.NAME_ERROR
    assert "apples" in solution.feedback


def test_blank_lines_and_comments_are_not_steps(sandbox):
    program = "import math\n\ndef solution():\n\n    # first\n    a = 3\n\n    return a * 4\n"
    engine = WrittenEngine(lambda request: (program[len(request.prompt.partition("Solution:\n")[2]) :], -0.1))
    (solution,) = solve([make_question()], engine, StepBeam(beams=1, proposals=1), sandbox)
    assert (solution.outcome, solution.answer) == (Outcome.ACCEPTED, "12")
    assert solution.paths == [program]


def test_an_endless_path_is_cut_at_the_token_limit(sandbox):
    engine = WrittenEngine(lambda request: (HEAD if not engine_text(request) else "    a = 1\n", -0.1))
    result, attempt = search(engine, StepBeam(beams=1, proposals=1, max_lines=500), sandbox)
    assert result[0].cut
    assert attempt.completion_tokens <= attempt.tools.max_tokens + 3


def engine_text(request):
    return request.prompt.partition("Solution:\n")[2]


def test_a_question_has_the_same_result_alone_and_with_63_others(sandbox):
    questions = [make_question(f"How many apples, number {number}?") for number in range(64)]
    trees = {question.text: random_tree(number, depth=2) for number, question in enumerate(questions)}
    strategy = StepBeam(beams=2, proposals=3, verifiers=["execution", f"{__name__}:ShortNumbers"])

    def engine():
        engines = {text: TreeEngine(tree) for text, tree in trees.items()}
        return Routed(engines)

    together = solve(questions, engine(), strategy, sandbox)
    assert len({solution.answer for solution in together}) > 20
    for number in (0, 17, 63):
        (alone,) = solve([questions[number]], engine(), strategy, sandbox)
        assert replace(alone, latency_s=0) == replace(together[number], latency_s=0)


class Routed:
    """Sends each question's requests to a separate engine."""

    def __init__(self, engines):
        self.engines = engines

    async def generate(self, requests):
        text = requests[0].prompt.split("Question: ")[1].split("\n")[0]
        return await self.engines[text].generate(requests)


def solve(questions, engine, strategy, sandbox):
    async def run():
        return await solve_block(questions, strategy, tools(engine, sandbox), asyncio.Semaphore(64))

    return asyncio.run(run())


def test_an_engine_error_is_a_fault_and_not_a_wrong_answer(sandbox):
    engine = WrittenEngine(lambda request: ValueError("the prompt has 4000 tokens"))
    (solution,) = solve([make_question()], engine, StepBeam(), sandbox)
    assert (solution.outcome, solution.correct) == (Outcome.ENGINE_FAULT, False)
    assert "4000 tokens" in solution.feedback


class LetterEngine:
    """Gives next tokens from a tree of lines, one character per token, the most probable line's character first."""

    def __init__(self, tree):
        self.paths = list(paths_of(tree))

    def top_tokens(self, asked):
        return [self._top(one) for one in asked]

    def _top(self, one):
        begun = "".join(map(chr, one.tokens))
        mass = {}
        for text, logprob in self.paths:
            if text.startswith(begun):
                following = text[len(begun) : len(begun) + 1]
                mass[following] = mass.get(following, 0.0) + math.exp(logprob)
        total = sum(mass.values())
        best = sorted(mass.items(), key=lambda item: (-item[1], item[0]))[: one.count]
        return [
            NextToken((*one.tokens, *map(ord, following)), begun + following, math.log(share / total), not following)
            for following, share in best
        ]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_token_beam_scores_each_line_once_when_it_is_finished(weight):
    tree = random_tree(3, depth=2)
    strategy = TokenBeam(beams=9, weight=weight, verifiers=[f"{__name__}:ShortNumbers"], score="sum")

    async def run():
        attempt = Attempt(make_question(), tools(LetterEngine(tree), None, max_tokens=200), "test")
        return await strategy.search(attempt)

    result = asyncio.run(run())
    scored = {
        text: logprob + weight * sum(math.log(like(line)) for line in text.splitlines()[1:])
        for text, logprob in paths_of(tree)
    }
    best = sorted(scored, key=scored.get, reverse=True)
    assert [beam.text for beam in result[:3]] == best[:3]
    assert result[0].score == pytest.approx(scored[best[0]])


class PrunesTwos:
    """A step verifier that prunes lines that return 2."""

    def __init__(self, config):
        pass

    async def scores(self, question, steps, execute):
        return [0.0 if "return 2" in step.line else 1.0 for step in steps]


def test_a_pruned_program_does_not_displace_a_sound_finished_one():
    # The more probable line is pruned at its end; the other one has ended by then, or ends at the same token.
    tree = {"": {HEAD: 1.0}, HEAD: {"    return 1\n": 0.3, "    return 2\n": 0.7}}
    strategy = TokenBeam(beams=2, verifiers=[f"{__name__}:PrunesTwos"])

    async def run(beams):
        attempt = Attempt(make_question(), tools(LetterEngine(tree), None, max_tokens=200), "test")
        return await strategy.model_copy(update={"beams": beams}).search(attempt)

    assert asyncio.run(run(2))[0].text == f"{HEAD}    return 1\n"
    assert asyncio.run(run(1))[0].text == f"{HEAD}    return 2\n"  # kept because its error is better than no result


class FullEngine:
    """Has no room for any token."""

    def top_tokens(self, asked):
        return [[] for _ in asked]


def test_a_prompt_without_room_for_an_answer_is_an_engine_fault():
    async def run():
        return await solve_question(make_question(), TokenBeam(), tools(FullEngine(), None))

    solution = asyncio.run(run())
    assert (solution.outcome, solution.paths) == (Outcome.ENGINE_FAULT, [""])
    assert "max_model_len" in solution.feedback
