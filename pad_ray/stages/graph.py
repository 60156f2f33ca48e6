"""What trials do not change is made once: each stage's result in a folder that the recipe's parts behind it name.

`shared/<stage>-<hash>/` is a run's folder of its own. The hash covers what determines the stage and all before it, so that
trials with equal parts come to the same folder: the first one makes it while others wait. What earlier stages made is linked
into it, and the stages themselves are those of every job. What the run itself holds is copied as a start, by hard links: the
stages know by their own ids and keys whether it is what they would make.
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
    """A stage's result: whether this call had to make it, and what later stages have to know of it."""

    new: bool
    facts: Mapping[str, Any]


Work = Callable[[Run, Mapping[str, Any], Watch | None], Made]


@dataclass(frozen=True)
class Stage:
    """One stage: what of the recipe it depends on, the parts of earlier folders that it reads, and what it does.

    `adopts` are parts of the campaign's own run that it starts from. `work` gets what earlier stages' facts say.
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


def _drafted(recipe: Recipe) -> object:
    # The teacher's machines are no matter of its drafts; its weights are, which may change in a folder of the same name.
    asked = recipe.teacher.model_dump(mode="json", include={"kind", "model", "script", "base_url"})
    judged = [rules_of(recipe.sandbox), _golds(recipe)]
    return [asked, fingerprint(recipe.teacher), judged, _sections("questions", "seed", "synthesis")(recipe)]


def _golds(recipe: Recipe) -> str:
    """What names the gold answers of a published split, where one may be corrected; generated ones follow from the seed."""
    asked = recipe.questions
    task = get_task(asked.task)
    if asked.split not in task.published:
        return ""
    questions = task.stream(asked.split, recipe.data_dir, asked.limit, recipe.seed)
    return content_id([(question.question_id, question.gold) for question in questions])


def _training(recipe: Recipe) -> object:
    return [recipe.training.model_dump(mode="json", exclude=MEANS), resolve(recipe.training.student).revision]


def _refinement(*fields: str) -> Callable[[Recipe], object]:
    return lambda recipe: recipe.refinement.model_dump(mode="json", include=set(fields))


def _asked(recipe: Recipe) -> object:
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
        _drafted,
        (),
        _drafts,
        (DRAFTS, VERDICTS, FAULTS),
    ),
    Stage("corpus", _sections("corpus"), (QUESTIONS, DRAFTS, VERDICTS, FAULTS), _corpus),
    Stage("student", _training, (QUESTIONS, CORPUS, VERDICTS, TOKENS), _student, (STUDENT,)),
)
TO_REFINED = (
    *TO_STUDENT,
    Stage("attempts", _asked, (QUESTIONS, VERDICTS, CORPUS, STUDENT), _attempts),
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
    """The shared folders of a campaign, on a path that all nodes see, for one trial.

    With a `salt` of its own a trial shares nothing and adopts nothing. `reused` names the stages that were there already, as
    they are come to.
    """

    root: RunDir
    progress: Progress
    salt: str = ""
    reused: list[str] = field(default_factory=list)

    def provide(self, recipe: Recipe, chain: Sequence[Stage], watch: Watch | None = None) -> RunDir:
        """Make the stages of a recipe that are not there yet, and wait for those that another trial is making.

        `watch` follows the training of the last one, whose folder is returned.

        Raises:
            InputError, StageError: as the stages do; what is committed stays.
        """
        key = self.salt
        facts: dict[str, Any] = {}
        earlier: list[RunDir] = []
        for stage in chain:
            key = content_id("shared", stage.name, key, stage.depends(recipe))
            folder = RunDir(self.root.path(f"{SHARED}/{stage.name}-{key}"))
            folder.local_path("").mkdir(parents=True, exist_ok=True)
            # Of the operating system: who dies while holding it sets it free.
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
    """Start a stage from what the campaign's own run holds. Its files are replaced and never changed, so links will do."""
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
    """Link the parts of the earlier folders that made them, the last one first, and copy what was counted so far."""
    for part in parts:
        made = [one.local_path(part) for one in earlier if one.exists(part) and not one.local_path(part).is_symlink()]
        if part == TOKENS:
            # Tokens are named by their corpus, model and length: all that train on a corpus use one folder.
            made = [earlier[-1].local_path(TOKENS)]
            made[0].mkdir(exist_ok=True)
        link = folder.local_path(part)
        if made and not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(made[-1], link.parent))
    for name in FACTS:
        if earlier and earlier[-1].exists(name) and not folder.exists(name):
            folder.write_bytes(name, earlier[-1].read_bytes(name))
