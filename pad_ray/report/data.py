"""Read a run folder for the page: complete counts, and a limited sample of rows.

Ids and outcomes are read for all rows, part by part; texts are read only for the sampled rows. The size of the page therefore
does not depend on the size of the run.
"""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import yaml
from pyarrow import fs

from pad_ray.errors import InputError
from pad_ray.paths.demonstrations import count_sets
from pad_ray.report.counts import Outcomes, count_outcomes
from pad_ray.report.samples import Sample, choose
from pad_ray.report.yields import Yields, count_yields
from pad_ray.run import ledger, metrics
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import Ledger
from pad_ray.run.metrics import Metrics
from pad_ray.run.records import ENVIRONMENT, Environment, read_record
from pad_ray.synthesis.corpus import TRAIN as CORPUS_TRAIN
from pad_ray.synthesis.corpus import VALIDATION as CORPUS_VALIDATION
from pad_ray.synthesis.questions import TEST, TRAIN
from pad_ray.tasks.config import own_test_set

TUNING = "tuning"
"""The ledger's stage of a campaign."""


@dataclass(frozen=True)
class Papers:
    """The contents of a run's JSON and YAML files; a part that the run has not reached is None or empty."""

    name: str
    location: str
    recipe: dict[str, Any]
    environment: Environment | None
    ledger: Ledger | None
    metrics: Metrics

    @property
    def own_tests(self) -> list[str]:
        """The test sets of the recipe; `jobs/evaluate.py` may have added others. Empty if the recipe names none."""
        questions = self.recipe.get("questions")
        if not isinstance(questions, dict):
            return []
        # Do not validate this as a recipe: user tasks are not registered here.
        task, split = questions.get("task"), questions.get("split") or "train"
        named = questions.get("test_tasks") or [task and own_test_set(str(task), str(split))]
        return [str(name) for name in named if name] if isinstance(named, list) else []


@dataclass(frozen=True)
class RunData(Papers):
    """All data of a run's page; a part that the run has not reached is None, empty or zero.

    `questions` counts the recipe's own questions by split (`train`, `test`); `sets` counts the sets of demonstrations of each
    kind of path, if known.
    """

    questions: dict[str, int]
    corpus_rows: int
    outcomes: Outcomes
    yields: Yields
    sets: dict[str, int]
    samples: list[Sample]


def load(run_dir: str) -> RunData:
    """Read all data for the page of one run.

    Raises:
        InputError: the folder does not exist or one of its files cannot be read.
    """
    run = open_run(run_dir)
    papers = read_papers(run)
    try:
        outcomes = count_outcomes(run)
        drafted = run.parts(TRAIN)
        return RunData(
            **vars(papers),
            questions=_questions(run, papers.own_tests),
            corpus_rows=_rows(run, [*run.parts(CORPUS_TRAIN), *run.parts(CORPUS_VALIDATION)]),
            outcomes=outcomes,
            yields=count_yields(run, drafted),
            sets=_sets(papers.recipe),
            samples=choose(run, outcomes, drafted),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"a table in {run_dir!r} cannot be read: {error}; delete that part and run again") from error


def open_run(run_dir: str) -> RunDir:
    """The folder of a run. Raises InputError if it does not exist."""
    run = RunDir(run_dir)
    if run.filesystem.get_file_info(run.root).type != fs.FileType.Directory:
        raise InputError(f"run directory {run_dir!r} does not exist; give the folder that a job wrote")
    return run


def has_run(run: RunDir) -> bool:
    """Whether the folder holds more than a campaign. Raises InputError if its ledger cannot be read."""
    return any(entry.stage != TUNING for entry in ledger.entries(run))


def read_papers(run: RunDir) -> Papers:
    """Read the small files of a run. Raises InputError if one of them cannot be read."""
    return Papers(
        name=run.root.rstrip("/").rpartition("/")[2] or "run",
        location=run.location,
        recipe=_read_recipe(run),
        environment=read_record(run, ENVIRONMENT, Environment),
        ledger=ledger.read(run),
        metrics=metrics.read(run),
    )


def _read_recipe(run: RunDir) -> dict[str, Any]:
    try:
        recipe = yaml.safe_load(run.read_bytes("recipe.yaml")) if run.exists("recipe.yaml") else {}
    except yaml.YAMLError as error:
        raise InputError(f"{run.path('recipe.yaml')} is not YAML: {error}; run the job again") from error
    return recipe if isinstance(recipe, dict) else {}


def _questions(run: RunDir, own_tests: list[str]) -> dict[str, int]:
    """Number of train and test questions, counted like the ledger's entry: without other test sets."""
    named = [f"{TEST}/{name}.parquet" for name in own_tests]
    tests = [part for part in run.parts(TEST) if part in named or not named]
    counts = {"train": _rows(run, run.parts(TRAIN)), "test": _rows(run, tests)}
    return {name: count for name, count in counts.items() if count}


def _rows(run: RunDir, parts: list[str]) -> int:
    return sum(run.row_count(part) for part in parts)


def _sets(recipe: dict[str, Any]) -> dict[str, int]:
    """Number of sets of demonstrations by kind of path, if the recipe and the library's files give it."""
    questions, synthesis = recipe.get("questions"), recipe.get("synthesis")
    if not (isinstance(questions, dict) and isinstance(synthesis, dict)):
        return {}
    most, sets = synthesis.get("demonstration_sets"), {}
    for kind in synthesis.get("paths") or []:
        try:
            count = count_sets(str(questions.get("task")), str(kind))
        except InputError:
            continue
        sets[str(kind)] = min(count, most) if isinstance(most, int) else count
    return sets
