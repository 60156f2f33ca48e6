"""Compare ways to rank hypotheses and samples: settings of step beam and best of n, on one student.

    python -m tests.benchmarks.search student runs/demo/student [--questions 120] [--seeds 0,1]
    python -m tests.benchmarks.search simulation [--rounds 20000]

`student` asks validation questions of `arithmetic`. All settings see the same proposals and samples: a completion that was
made once is kept, so that settings differ in what they choose alone. Each is compared with the first of its kind, by a
bootstrap over questions. `simulation` draws right and wrong hypotheses of 2 to 8 lines whose lines are equally good whatever
their number, and counts how often a right one is chosen; and samples of which a wrong one has lines that score low.
"""

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pad_ray.decoding.base import Tools, solve_question
from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.beam import StepBeam
from pad_ray.decoding.ranking import Evidence, Score
from pad_ray.decoding.sampling import AGGREGATES, BestOfN, Vote
from pad_ray.decoding.verifiers import VerifierConfig
from pad_ray.engines.base import Engine, Generation, Request
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine
from pad_ray.evaluation.intervals import bootstrap, means_by_question
from pad_ray.sandbox import Sandbox, judge
from pad_ray.schema import Question
from pad_ray.tasks import get_task

LIVE = 64
SCORES = [("sum", "total"), ("sum", "mean"), ("mean", "total"), ("mean", "mean"), ("length", "total")]
VERIFIERS = [("execution",), ("faithfulness",), ("execution", "faithfulness")]
Means = dict[str, float]


class Remembering:
    """An engine that generates each completion once."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.made = engine, dict[tuple[str, object], Generation]()

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        new = {(one.request_id, one.prompt): one for one in requests}
        new = {key: one for key, one in new.items() if key not in self.made}
        for key, generation in zip(new, await self.engine.generate(list(new.values())), strict=True):
            self.made[key] = generation
        return [self.made[one.request_id, one.prompt] for one in requests]


@dataclass(frozen=True)
class Setting:
    """A strategy with its name in the table."""

    name: str
    strategy: StepBeam | BestOfN | Vote


def settings(seed: int) -> Iterator[list[Setting]]:
    """Groups of settings; each is compared with the first of its group."""
    for names in VERIFIERS:
        verifiers = tuple(VerifierConfig(kind=name) for name in names)
        yield [
            Setting(
                f"step_beam, {' + '.join(names)}: score {score}, likelihood {likelihood}",
                StepBeam(verifiers=verifiers, score=score, likelihood=likelihood, seed=seed),
            )
            for score, likelihood in SCORES
        ]
    yield [Setting("vote", Vote(seed=seed))]
    verifiers = (VerifierConfig(kind="faithfulness"),)
    yield [
        Setting(f"best_of_n, faithfulness: {name}", BestOfN(verifiers=verifiers, aggregate=name, seed=seed))
        for name in AGGREGATES
    ]


async def right(questions: Sequence[Question], strategy: StepBeam | BestOfN | Vote, tools: Tools) -> list[bool]:
    """Whether each question is answered correctly."""
    live = asyncio.Semaphore(LIVE)

    async def one(question: Question) -> bool:
        async with live:
            return (await solve_question(question, strategy, tools)).correct

    return list(await asyncio.gather(*map(one, questions)))


async def ask_student(options: argparse.Namespace, sandbox: Sandbox) -> None:
    """Run every setting with every seed, and print a table."""
    config = EngineConfig(model=options.folder, max_sequences=LIVE, max_model_len=1024, kv_cache_gib=1, threads=1)
    execute = Batcher(lambda candidates: judge(sandbox, candidates))
    tools = Tools(Remembering(open_engine(config, on_gpu=False)), execute, max_tokens=options.max_tokens)
    questions = get_task("arithmetic").load("validation", None, options.questions, seed=options.question_seed)
    seeds = [int(word) for word in options.seeds.split(",")]
    print("| setting | right | against the first of its kind |\n|---|---|---|", flush=True)
    for groups in zip(*(settings(seed) for seed in seeds), strict=True):
        first: Means = {}
        for same in zip(*groups, strict=True):
            pairs: list[tuple[str, float]] = []
            for setting in same:
                found = await right(questions, setting.strategy, tools)
                pairs += [(question.question_id, float(one)) for question, one in zip(questions, found, strict=True)]
            means = means_by_question(pairs)
            first = first or means
            print(row(same[0].name, means, first), flush=True)


def row(name: str, means: Means, first: Means) -> str:
    """A line of the table."""
    values = np.array(list(means.values()))
    differences = values - np.array([first[question] for question in means])
    shown = "" if means is first else spread(differences)
    low, high = bootstrap(values, 0)
    return f"| {name} | {values.mean():.1%} ({low:.1%} to {high:.1%}) | {shown} |"


def spread(differences: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> str:
    """A paired difference with its interval, in points."""
    if not differences.any():
        return "no question differs"
    low, high = bootstrap(differences, 0)
    better, worse = (differences > 0).sum(), (differences < 0).sum()
    return f"{100 * differences.mean():+.1f} ({100 * low:+.1f} to {100 * high:+.1f}), {better} better, {worse} worse"


def simulate(options: argparse.Namespace) -> None:
    """Print how often each score chooses a correct hypothesis, and the number of lines of the chosen hypotheses."""
    generator = np.random.default_rng(0)
    shares: dict[Score, list[bool]] = {"sum": [], "mean": [], "length": []}
    lines: Mapping[Score, list[int]] = {name: [] for name in shares}
    for _ in range(options.rounds):
        drawn = [hypothesis(generator, is_right=place == 0) for place in range(4)]
        for name in shares:
            best = max(range(len(drawn)), key=lambda place, how=name: drawn[place].score(how, 1.0))
            shares[name].append(best == 0)
            lines[name].append(drawn[best].units)
    print("| score | a right one of 4 chosen | lines of the chosen one (mean of all: 5.0) |\n|---|---|---|")
    for name, found in shares.items():
        print(f"| {name} | {np.mean(found):.1%} | {np.mean(lines[name]):.1f} |")


def simulate_samples(options: argparse.Namespace) -> None:
    """Print how often each aggregate of best of n chooses the correct one of 4 samples, by the place of low scores."""
    generator = np.random.default_rng(0)
    print("\n| lines of a wrong sample that score low | mean | minimum | last |\n|---|---|---|---|")
    for low in ("its first wrong line", "that and all after it", "all, a little"):
        chosen: dict[str, list[bool]] = {name: [] for name in AGGREGATES}
        for _ in range(options.rounds):
            drawn = [line_scores(generator, low if place else None) for place in range(4)]
            for name, aggregate in AGGREGATES.items():
                chosen[name].append(int(np.argmax([aggregate(scores) for scores in drawn])) == 0)
        print(f"| {low} | " + " | ".join(f"{np.mean(chosen[name]):.1%}" for name in ("mean", "minimum", "last")) + " |")


def line_scores(generator: np.random.Generator, low: str | None) -> list[float]:
    """Log scores of 2 to 8 lines; the lines of a wrong sample at `low` score lower."""
    scores = generator.normal(0.84, 0.06, int(generator.integers(2, 9)))
    wrong = int(generator.integers(len(scores)))
    if low == "its first wrong line":
        scores[wrong] -= 0.2
    elif low == "that and all after it":
        scores[wrong:] -= 0.2
    elif low is not None:
        scores -= 0.04
    return [float(score) for score in np.log(np.clip(scores, 0.01, 1.0))]


def hypothesis(generator: np.random.Generator, *, is_right: bool) -> Evidence:
    """The evidence of 2 to 8 lines; lines of a correct hypothesis have slightly higher probabilities and scores."""
    count = int(generator.integers(2, 9))
    likely = -generator.gamma(1.0, 0.3 if is_right else 0.45, count)
    liked = np.log(np.clip(generator.normal(0.84 if is_right else 0.8, 0.06, count), 0.01, 1.0))
    evidence = Evidence()
    for log_p, log_s in zip(likely, liked, strict=True):
        evidence = evidence.with_likelihood(float(log_p)).with_line(float(log_s))
    return evidence


def main() -> None:
    """Read the options and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True)
    asked = kinds.add_parser("student")
    asked.add_argument("folder", help="a student in the Hugging Face layout that writes programs")
    asked.add_argument("--questions", type=int, default=120)
    asked.add_argument("--question-seed", type=int, default=0)
    asked.add_argument("--seeds", default="0,1", help="seeds of the strategies")
    asked.add_argument("--max-tokens", type=int, default=160)
    simulated = kinds.add_parser("simulation")
    simulated.add_argument("--rounds", type=int, default=20_000)
    simulated.set_defaults(folder=None)
    options = parser.parse_args()
    if options.folder is None:
        simulate(options)
        simulate_samples(options)
        return
    with Sandbox() as sandbox:
        asyncio.run(ask_student(options, sandbox))


if __name__ == "__main__":
    main()
