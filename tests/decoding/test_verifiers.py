"""Step verifiers, alone and in weighted combination."""

import asyncio
import math

import pytest
from pydantic import ValidationError

from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.execution import FAILING, SOUND, ExecutionVerifier, probe
from pad_ray.decoding.steps import is_finished, steps_of
from pad_ray.decoding.verifiers import PRUNED, ReasoningStep, VerifierConfig, Verifiers
from pad_ray.errors import InputError
from pad_ray.sandbox import judge
from pad_ray.schema import PathKind
from tests.decoding.engines import HEAD, make_question

EXECUTION = VerifierConfig(kind="execution")


def scores(verifier, sandbox, *texts, question=None):
    """The score of the last line of each text."""
    steps = [steps_of(PathKind.PROGRAM, text)[-1] for text in texts]

    async def run():
        execute = Batcher(lambda candidates: judge(sandbox, candidates))
        return await verifier.scores(question or make_question(), steps, execute)

    return list(asyncio.run(run()))


@pytest.mark.parametrize(
    ("body", "score"),
    [
        ("    a = 3\n", SOUND),
        ("    a = 3\n    b = a * 4\n    ", SOUND),
        ("    a = apples\n", FAILING),
        ("    a = 1 / 0\n", FAILING),
        ("    a = 1e308 * 10\n", FAILING),
        ("    a = float('nan')\n", FAILING),
        ("    a = 1 1\n", FAILING),
        ("    a = (1 +\n", SOUND),
        ("    for n in range(3):\n", SOUND),
        ("    n = 3\n    while n > 0:\n        a = n\n", SOUND),
        ("    names = ['a', 'b']\n", SOUND),
        ("    a, b = 1, 2\n", SOUND),
        ("    a = 1\n    a += apples\n", FAILING),
        ("    print('so')\n", SOUND),
        ("    import math\n", SOUND),
        ("    import os\n", FAILING),
        ("    # apples\n", SOUND),
        ("    return 3\n", SOUND),
        ("    return None\n", SOUND),
        ("    while True: pass\n    a = 1\n", FAILING),
        ("\ta = 9**9**9\n", FAILING),
    ],
)
def test_a_line_is_sound_if_the_program_so_far_runs_and_its_value_is_finite(sandbox, body, score):
    assert scores(ExecutionVerifier(EXECUTION), sandbox, HEAD + body) == [score]


@pytest.mark.parametrize(
    ("body", "score"),
    [
        ("    name = 'Nancy'\n", SOUND),
        ("    verb = 'Inform'\n", SOUND),
        ("    bread = ['naan']\n", SOUND),
        ("    unit = 'inf'\n", SOUND),
        ("    unit = 'nan'\n", SOUND),
        ("    name = 'Nancy'\n    names = name + ' and Ina'\n", SOUND),
        ("    return 'Infinite Jest'\n", SOUND),
        ("    best = float('inf')\n", SOUND),
        ("    best = -float('Infinity')\n", SOUND),
        ("    import math\n    best: float = -math.inf\n", SOUND),
        ("    import numpy as np\n    low, best = 0, np.inf\n", SOUND),
        ("    best = worst = 1e999\n", SOUND),
        ("    best = [float('inf')]\n", SOUND),
        ("    from decimal import Decimal\n    best = Decimal('Infinity')\n", SOUND),
        ("    best = float('inf')\n    cheapest = best\n", SOUND),
        ("    prices = []\n    best = min(prices, default=float('inf'))\n", SOUND),
        (
            "    best = float('inf')\n    for price in [3, 2]:\n        best = min(best, price)\n    twice = best * 2\n",
            SOUND,
        ),
        ("    best = float('inf')\n    twice = best * 2\n", FAILING),
        ("    a = 1e308\n    a *= 1000\n", FAILING),
        ("    a = 1e308 * 10\n    a += a\n", FAILING),
        ("    best = float('inf')\n    return best\n", FAILING),
        ("    best = float('inf')\n    a = best - best\n", FAILING),
        ("    from decimal import Decimal\n    a = Decimal('NaN')\n", FAILING),
    ],
)
def test_texts_count_as_finite_and_a_literal_infinity_is_allowed(sandbox, body, score):
    assert scores(ExecutionVerifier(EXECUTION), sandbox, HEAD + body) == [score]


def test_the_probe_returns_the_new_value():
    assert probe(HEAD + "    a = 1\n    b = a + 1\n").endswith("\n    return b")
    assert probe(HEAD + "    a = 1\n    b = a\n").endswith("\n    return 0")  # a copy is as finite as `a`
    assert probe(HEAD + "    if True:\n        a = 1\n") == SOUND


def test_steps_are_the_lines_below_def():
    text = "import math\n\ndef solution():\n    a = 1\n\n    return a\n"
    assert [step.line for step in steps_of(PathKind.PROGRAM, text)] == ["    a = 1\n", "    return a\n"]
    assert [step.line for step in steps_of(PathKind.RATIONALE, "1 + 1 = 2\n#### 2")] == ["1 + 1 = 2\n", "#### 2"]


@pytest.mark.parametrize(
    ("kind", "text", "finished"),
    [
        (PathKind.PROGRAM, HEAD + "    a = 1\n", False),
        (PathKind.PROGRAM, HEAD + "    return 1\n", True),
        (PathKind.PROGRAM, HEAD + "    return\n", True),
        (PathKind.PROGRAM, HEAD + "    return-1\n", True),
        (PathKind.PROGRAM, HEAD + "    return 'yes' if (1 + 2) > 2 else 'no'\n", True),
        (PathKind.PROGRAM, HEAD + "    return sum([\n", False),
        (PathKind.PROGRAM, HEAD + "    return 1 + \\\n", False),
        (PathKind.PROGRAM, HEAD + "    returned = 1\n", False),
        (PathKind.PROGRAM, HEAD + "    return_value(1)\n", False),
        (PathKind.PROGRAM, HEAD + "    if a:\n        return 1\n", False),
        (PathKind.PROGRAM, HEAD + "    a = 1\nQuestion: next\n", True),
        (PathKind.RATIONALE, "so\n#### 1\n", True),
        (PathKind.RATIONALE, "so\n", False),
    ],
)
def test_the_end_of_a_path_is_recognised(kind, text, finished):
    assert is_finished(kind, text) is finished


class Halves:
    """Scores a half, or 0 for a line with a zero in it."""

    def __init__(self, config):
        self.weight = config.weight

    async def scores(self, question, steps, execute):
        return [0.0 if "0" in step.line else 0.5 for step in steps]


def test_weighted_log_scores_add_up_and_one_zero_prunes():
    halves = f"{__name__}:Halves"
    configs = [VerifierConfig(kind="none"), VerifierConfig(kind=halves, weight=0.5), VerifierConfig(kind=halves)]
    steps = [ReasoningStep(HEAD, "    a = 1\n"), ReasoningStep(HEAD, "    a = 0\n")]
    result = asyncio.run(Verifiers().log_scores(configs, make_question(), steps, None))
    assert result == [pytest.approx(1.5 * math.log(0.5)), PRUNED]


def test_a_user_class_is_named_by_its_module():
    assert isinstance(Verifiers().get(VerifierConfig(kind=f"{__name__}:Halves")), Halves)
    with pytest.raises(InputError, match="nowhere"):
        Verifiers().get(VerifierConfig(kind="nowhere:Halves"))


@pytest.mark.parametrize(("given", "named"), [("faith", "faithfulness"), ("verifier", "model")])
def test_an_invalid_verifier_is_rejected_at_once(given, named):
    with pytest.raises(ValidationError, match=named):
        VerifierConfig.model_validate(given)


def test_small_calls_are_batched_and_batches_run_one_after_the_other():
    served = []

    def work(items):
        served.append(list(items))
        return [item * 2 for item in items]

    async def run():
        batcher = Batcher(work)
        return await asyncio.gather(batcher([1]), batcher([2, 3]), batcher([]), batcher([4]))

    assert asyncio.run(run()) == [[2], [4, 6], [], [8]]
    assert served == [[1, 2, 3, 4]]


def test_an_exception_of_a_batch_is_raised_in_each_of_its_calls_and_the_next_batch_runs():
    def work(items):
        if "bad" in items:
            raise ValueError("bad batch")
        return items

    async def run():
        batcher = Batcher(work)
        failed = await asyncio.gather(batcher(["bad"]), batcher(["good"]), return_exceptions=True)
        return failed, await batcher(["good"])

    failed, served = asyncio.run(run())
    assert [str(error) for error in failed] == ["bad batch"] * 2
    assert served == ["good"]
