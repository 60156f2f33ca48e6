"""Run stages with equal settings once for all trials: each result has a folder named by the settings that determine it.

`shared/<stage>-<hash>/` is a separate run folder. The hash covers all settings of the stage and of the stages before it, so
trials with equal settings use the same folder: the first trial runs the stage while the others wait. Results of earlier stages
are linked into the folder; the stages are those of the jobs. Results in the campaign's own run are hard-linked as a start; the
stages detect by their ids and keys whether these are still valid.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from filelock import FileLock

from pad_ray.engines.kinds import fingerprint
from pad_ray.models import resolve
from pad_ray.recipe import Recipe
from pad_ray.refinement.collect import ATTEMPTS, FAILURES, Collected
from pad_ray.refinement.pipeline import CORRECT, ROWS
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.sandbox.judgement import rules_of
from pad_ray.schema import Outcome, content_id
from pad_ray.stages import refinement
from pad_ray.stages.base import Run
from pad_ray.stages.corpus import build_corpus, stored_corpus
from pad_ray.stages.drafts import make_drafts
from pad_ray.stages.questions import read_inputs, store_questions
from pad_ray.stages.student import train_student
from pad_ray.tasks import get_task
from pad_ray.training.config import MEANS, STUDENT
from pad_ray.training.model_card import TRAINED
from pad_ray.training.tokens import TOKENS
from pad_ray.training.train import CHECKPOINTS, Watch

SHARED = "shared"
DONE = "shared.json"
FACTS = ("ledger.json", "metrics.json")
QUESTIONS, DRAFTS, VERDICTS, FAULTS, CORPUS = "questions", "drafts", "verdicts", "faults", "corpus"


@dataclass(frozen=True)
class Made:
    """A stage's result: whether this call had to compute it, and the facts that later stages need."""

    new: bool
    facts: Mapping[str, Any]


Work = Callable[[Run, Mapping[str, Any], Watch | None], Made]


@dataclass(frozen=True)
class Stage:
    """One stage: the recipe's settings that it depends on, the parts of earlier folders that it reads, and its work.

    `adopts` names the parts of the campaign's own run with which the stage starts. `work` receives the facts of earlier stages.
    """

    name: str
    depends: Callable[[Recipe], object]
    reads: tuple[str, ...]
    work: Work
    adopts: tuple[str, ...] = ()


def _drafts(run: Run, facts: Mapping[str, Any], watch: Watch | None) -> Made:
    inputs = read_inputs(run.recipe)
    store_questions(run, inputs)
    tally = make_drafts(run, inputs.plan)
    return Made(tally.made + tally.judged_again > 0, {})


def _corpus(run: Run, facts: Mapping[str, Any], watch: Watch | None) -> Made:
    build_corpus(run, read_inputs(run.recipe))
    return Made(True, {})


def _student(run: Run, facts: Mapping[str, Any], watch: Watch | None) -> Made:
    before = run.folder.read_json(f"{STUDENT}/{TRAINED}", {}).get("key")
    trained = train_student(run, stored_corpus(run), watch)
    run.folder.delete(CHECKPOINTS)
    return Made(trained.key != before, {})


def _attempts(run: Run, facts: Mapping[str, Any], watch: Watch | None) -> Made:
    collected = refinement.collect(run, refinement.read_inputs(run))
    counted = {name: value for name, value in vars(collected).items() if name != "protections"}
    return Made(True, {"collected": counted})


def _injected(run: Run, facts: Mapping[str, Any], watch: Watch | None) -> Made:
    counted = dict(facts["collected"])
    outcomes = {Outcome(name): count for name, count in counted.pop("outcomes").items()}
    collected = Collected(**counted, protections=None)
    collected.outcomes.update(outcomes)
    refinement.inject(run, collected)
    return Made(True, {})


def _refined(run: Run, facts: Mapping[str, Any], watch: Watch | None) -> Made:
    refinement.train_refined(run, refinement.build_corpus(run), watch)
    run.folder.delete(CHECKPOINTS)
    return Made(True, {})


def _sections(*names: str) -> Callable[[Recipe], object]:
    return lambda recipe: [_plain(getattr(recipe, name)) for name in names]


def _plain(section: Any) -> object:
    return section.model_dump(mode="json") if hasattr(section, "model_dump") else section


def _draft_settings(recipe: Recipe) -> object:
    # Drafts depend on the teacher's weights, which may change in a folder of the same name, but not on its machines.
    teacher_settings = recipe.teacher.model_dump(mode="json", include={"kind", "model", "script", "base_url"})
    judged = [rules_of(recipe.sandbox), _golds(recipe)]
    return [teacher_settings, fingerprint(recipe.teacher), judged, _sections("questions", "seed", "synthesis")(recipe)]


def _golds(recipe: Recipe) -> str:
    """A hash of the gold answers of a published split, which may be corrected; generated ones depend only on the seed."""
    source = recipe.questions
    task = get_task(source.task)
    if source.split not in task.published:
        return ""
    questions = task.stream(source.split, recipe.data_dir, source.limit, recipe.seed)
    return content_id([(question.question_id, question.gold) for question in questions])


def _training(recipe: Recipe) -> object:
    return [recipe.training.model_dump(mode="json", exclude=MEANS), resolve(recipe.training.student).revision]


def _refinement(*fields: str) -> Callable[[Recipe], object]:
    return lambda recipe: recipe.refinement.model_dump(mode="json", include=set(fields))


def _attempt_settings(recipe: Recipe) -> object:
    fields = _refinement("questions", "samples", "temperature", "top_p", "max_source_characters")
    return [
        fields(recipe),
        recipe.evaluation.max_tokens,
        recipe.evaluation.engine.kind,
        recipe.evaluation.engine.script,
    ]


_REFINED = ("repair_share", "on_policy_share", "epochs", "learning_rate", "max_tokens")

TO_STUDENT = (
    Stage(
        "drafts",
        _draft_settings,
        (),
        _drafts,
        (DRAFTS, VERDICTS, FAULTS),
    ),
    Stage("corpus", _sections("corpus"), (QUESTIONS, DRAFTS, VERDICTS, FAULTS), _corpus),
    Stage("student", _training, (QUESTIONS, CORPUS, VERDICTS, TOKENS), _student, (STUDENT,)),
)
TO_REFINED = (
    *TO_STUDENT,
    Stage("attempts", _attempt_settings, (QUESTIONS, VERDICTS, CORPUS, STUDENT), _attempts),
    Stage("injected", _refinement("smoothing", "variants_per_program", "max_source_characters"), (CORRECT,), _injected),
    Stage(
        "refined",
        _refinement(*_REFINED),
        (QUESTIONS, VERDICTS, CORPUS, STUDENT, CORRECT, ATTEMPTS, FAILURES, ROWS, TOKENS),
        _refined,
    ),
)


@dataclass(frozen=True)
class Shared:
    """The shared folders of a campaign, for one trial, on a path that all nodes can access.

    With a unique `salt`, a trial shares and adopts nothing. `reused` collects the names of the stages that already existed.
    """

    root: RunDir
    progress: Progress
    salt: str = ""
    reused: list[str] = field(default_factory=list)

    def provide(self, recipe: Recipe, chain: Sequence[Stage], watch: Watch | None = None) -> RunDir:
        """Run the missing stages of a recipe, and wait for those that another trial is running.

        `watch` follows the training of the last stage, whose folder is returned.

        Raises:
            InputError, StageError: raised by the stages; committed work is kept.
        """
        key = self.salt
        facts: dict[str, Any] = {}
        earlier: list[RunDir] = []
        for stage in chain:
            key = content_id("shared", stage.name, key, stage.depends(recipe))
            folder = RunDir(self.root.path(f"{SHARED}/{stage.name}-{key}"))
            folder.local_path("").mkdir(parents=True, exist_ok=True)
            # A lock of the operating system, which releases it if the process dies.
            with FileLock(f"{folder.root}.lock"):
                run, watching = Run.tracked(recipe, folder, self.progress), watch if stage is chain[-1] else None
                made = self._make(run, stage, earlier, facts, watching)
            facts |= made.facts
            earlier.append(folder)
            self.reused.extend([] if made.new else [stage.name])
        return earlier[-1]

    def _make(
        self, run: Run, stage: Stage, earlier: Sequence[RunDir], facts: Mapping[str, Any], watch: Watch | None
    ) -> Made:
        folder = run.folder
        done = folder.read_json(DONE)
        if done is not None:
            return Made(False, done)
        if not self.salt:
            _adopt(self.root, folder, stage.adopts)
        _link(folder, stage.reads, earlier)
        made = stage.work(run, facts, watch)
        folder.write_json(DONE, made.facts)
        return made


def _adopt(root: RunDir, folder: RunDir, parts: Sequence[str]) -> None:
    """Start a stage from the campaign's own run. Files are replaced and never modified, so hard links are safe."""
    for part in parts:
        source, target = root.local_path(part), folder.local_path(part)
        if source.is_dir() and not target.exists():
            scratch = target.with_name(f"{target.name}.partial")
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.copytree(source, scratch, copy_function=_hard_link)
            scratch.rename(target)


def _hard_link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _link(folder: RunDir, parts: Sequence[str], earlier: Sequence[RunDir]) -> None:
    """Link the parts to the last earlier folder that wrote them, and copy the ledger and metrics so far."""
    for part in parts:
        sources = [
            one.local_path(part) for one in earlier if one.exists(part) and not one.local_path(part).is_symlink()
        ]
        if part == TOKENS:
            # Tokens are named by corpus, model and length, so all trainings on a corpus share one folder.
            sources = [earlier[-1].local_path(TOKENS)]
            sources[0].mkdir(exist_ok=True)
        link = folder.local_path(part)
        if sources and not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(sources[-1], link.parent))
    for name in FACTS:
        if earlier and earlier[-1].exists(name) and not folder.exists(name):
            folder.write_bytes(name, earlier[-1].read_bytes(name))
