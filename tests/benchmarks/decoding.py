"""The cost of step beam, compared with best of n with as many tokens, and with one question at a time.

    python -m tests.benchmarks.decoding [--questions 64] [--alone 4] [--model smollm2-135m] [--zero-shot]

One vLLM engine and one sandbox serve all three sides, in one process and one run. `together`: step beam, B = 4, M = 4, on all
questions at once. `best of n`: plain samples of the same questions with at least the same generated tokens a question.
`alone`: the first questions, one after the other; its time is scaled to all of them. The engine is warm before the clock.
What the engine itself gains from more sequences at once is printed first: no search can gain more.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence

from pad_ray.decoding.actor import solve_block
from pad_ray.decoding.base import Tools
from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.beam import StepBeam
from pad_ray.decoding.sampling import Resample
from pad_ray.decoding.verifiers import VerifierConfig
from pad_ray.engines.base import Request, Sampling
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine
from pad_ray.paths import PATHS, Program
from pad_ray.paths.demonstrations import load_sets
from pad_ray.sandbox import Sandbox, judge
from pad_ray.schema import PathKind, Question, Solution
from pad_ray.tasks import get_task

SEQUENCES = (1, 4, 16, 64)
RATE_TOKENS = 64


async def measure(options: argparse.Namespace, sandbox: Sandbox) -> None:
    """Run the three sides and print their ratios."""
    config = EngineConfig(model=options.model, max_sequences=options.sequences, max_model_len=1024)
    shown = () if options.zero_shot else load_sets("arithmetic", PathKind.PROGRAM, None)[:1]
    paths = {kind: PATHS[kind]() for kind in PATHS} | {PathKind.PROGRAM: Program(shown)}
    execute = Batcher(lambda candidates: judge(sandbox, candidates))
    tools = Tools(open_engine(config, on_gpu=options.gpu), execute, paths, options.max_tokens)
    questions = get_task("arithmetic").load("test", None, options.questions)
    verifiers = tuple(VerifierConfig(kind=name) for name in options.verifiers.split(","))
    beam = StepBeam(beams=4, proposals=4, verifiers=verifiers)
    await solve_block(questions[:2], beam, tools, asyncio.Semaphore(2))

    for count in SEQUENCES:
        print(f"engine, {count} sequences at once: {await rate(tools, questions, count):.0f} tokens/s", flush=True)
    found, together = await timed(questions, beam, tools)
    print(f"step beam, {len(questions)} questions together: {tokens(found)} tokens in {together:.1f} s", flush=True)
    budgets = {solution.question_id: solution.completion_tokens for solution in found}
    sampled, plain = await timed(questions, Resample(like="step_beam"), tools, budgets)
    print(f"samples of the same questions: {tokens(sampled)} tokens in {plain:.1f} s", flush=True)
    print(f"step beam / best of n with the same tokens: {together / plain:.2f} (at most 2)", flush=True)
    alone = 0.0
    for question in questions[: options.alone]:
        alone += (await timed([question], beam, tools))[1]
    alone *= len(questions) / options.alone
    print(f"step beam, one question at a time: {alone:.1f} s, scaled from {options.alone} questions")
    print(f"one question at a time / together: {alone / together:.1f} (at least 5)")


async def rate(tools: Tools, questions: Sequence[Question], count: int) -> float:
    """Tokens per second of many samples of equal length, each of another question if there are enough."""
    path, sampling = tools.paths[PathKind.PROGRAM], Sampling(0.7, 1.0, RATE_TOKENS, ())
    requests = [
        Request(f"rate-{count}-{number}", path.prompt(questions[number % len(questions)]), sampling, seed=number)
        for number in range(count)
    ]
    started = time.monotonic()
    made = await tools.engine.generate(requests)
    return sum(generation.completion_tokens for generation in made) / (time.monotonic() - started)


async def timed(
    questions: Sequence[Question], strategy: StepBeam | Resample, tools: Tools, budgets: dict[str, int] | None = None
) -> tuple[list[Solution], float]:
    """Solutions and their wall time in seconds."""
    started = time.monotonic()
    solutions = await solve_block(questions, strategy, tools, asyncio.Semaphore(len(questions)), budgets)
    return solutions, time.monotonic() - started


def tokens(solutions: Sequence[Solution]) -> int:
    """Completion tokens of all solutions."""
    return sum(solution.completion_tokens for solution in solutions)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=64)
    parser.add_argument("--alone", type=int, default=4, help="questions that are solved one at a time")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--sequences", type=int, default=64, help="completions that the engine works on at once")
    parser.add_argument("--verifiers", default="execution", help="names of step verifiers")
    parser.add_argument("--zero-shot", action="store_true", help="for a student that was trained on programs")
    parser.add_argument("--gpu", action="store_true", help="the engine runs on a GPU")
    options = parser.parse_args()
    with Sandbox() as sandbox:
        asyncio.run(measure(options, sandbox))


if __name__ == "__main__":
    main()
