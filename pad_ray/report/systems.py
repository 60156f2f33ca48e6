"""The runs on a comparison page, grouped into systems: recipes without their seed."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pad_ray.decoding.stored import SOLUTIONS, solutions_folder
from pad_ray.errors import InputError
from pad_ray.evaluation.seeds import pool
from pad_ray.report import asked
from pad_ray.report.data import Papers, open_run, read_papers
from pad_ray.report.scores import pooled_evidence
from pad_ray.run.folder import RunDir
from pad_ray.run.records import Score, StudentRole
from pad_ray.schema import Solution

Name = tuple[str, str, str]
"""Task, student and strategy of a score."""
Answers = dict[str, Solution]
"""One solution per question, by question id."""


@dataclass(frozen=True)
class Side:
    """One of the runs; `label` is its letter and its name, which other runs may share."""

    letter: str
    label: str
    run: RunDir
    papers: Papers

    @property
    def facts(self) -> list[asked.Setting]:
        return [asked.Setting("Folder", self.papers.location), *asked.facts(self.papers)]

    def score(self, task: str, student: str, strategy: str) -> Score | None:
        scores = self.papers.metrics.evaluation
        return next((s for s in scores if (s.task, s.student, s.strategy) == (task, student, strategy)), None)


@dataclass(frozen=True)
class System:
    """Runs whose recipes differ only in their seed, or a single run."""

    sides: list[Side]

    @property
    def letters(self) -> str:
        return "+".join(side.letter for side in self.sides)

    @property
    def label(self) -> str:
        first = self.sides[0]
        return first.label if len(self.sides) == 1 else f"{self.letters}: {first.papers.name}, {len(self.sides)} seeds"

    @property
    def names(self) -> list[Name]:
        """The scores of its trained students, by task, student and strategy."""
        scores = [
            score
            for side in self.sides
            for score in side.papers.metrics.evaluation
            if score.student != StudentRole.BEFORE
        ]
        return list(dict.fromkeys((one.task, one.student, one.strategy) for one in scores))

    def answers(self, name: Name) -> list[Answers]:
        """The solutions of each run that has this score. Raises InputError if a part cannot be read."""
        return [_answers(side, score) for side in self.sides if (score := side.score(*name))]


def read_side(letter: str, run_dir: str) -> Side:
    """The run in a folder. Raises InputError if the folder does not exist or a file cannot be read."""
    run = open_run(run_dir)
    papers = read_papers(run)
    return Side(letter, f"{letter}: {papers.name}", run, papers)


def systems_of(sides: Sequence[Side]) -> list[System]:
    """Group the runs into systems, in the order of their first runs."""
    systems: list[System] = []
    for side in sides:
        own = next((one for one in systems if all(_other_seed(side, other) for other in one.sides)), None)
        if own is None:
            systems.append(System([side]))
        else:
            own.sides.append(side)
    return systems


def _other_seed(one: Side, other: Side) -> bool:
    recipes = [side.papers.recipe for side in (one, other)]
    rest, others_rest = ({k: v for k, v in recipe.items() if k not in ("seed", "run_dir")} for recipe in recipes)
    return rest == others_rest and recipes[0].get("seed") != recipes[1].get("seed")


def pooled(system: System) -> list[tuple[str, str]]:
    """Sentence and warning of every score that several runs of a system share, over the questions that all have answered."""
    sentences = []
    for name in system.names:
        runs = system.answers(name)
        shared = shared_questions(runs)
        if len(runs) > 1 and len(shared) > 1:
            one = pool([[run[key] for key in shared] for run in runs])
            who = ", ".join(side.label for side in system.sides if side.score(*name))
            sentences.append((f"{who}: {', '.join(name)}: {pooled_evidence(one)}", one.warning))
    return sentences


def shared_questions(runs: Sequence[Answers]) -> list[str]:
    """The questions that all runs answered, in the order of the first run."""
    return [key for key in runs[0] if all(key in run for run in runs)]


def _answers(side: Side, score: Score) -> Answers:
    folder = f"{SOLUTIONS}/{score.task}/{solutions_folder(score.student, score.strategy)}"
    try:
        return {solution.question_id: solution for solution in side.run.iter_records(folder, Solution)}
    except pa.ArrowInvalid as error:
        raise InputError(f"{side.run.path(folder)} cannot be read: {error}; run jobs/evaluate.py again") from error
