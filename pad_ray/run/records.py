"""The typed results of a run's stages: the sections of `metrics.json` and `environment.json`.

Stages write these records; tables, pages and campaigns read them. Rates are fractions, and intervals are at 95 %. A field that
earlier versions did not write has a default.
"""

import json
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir

Interval = tuple[float, float]

GREEDY = "greedy"
"""The label of the strategy by which students are compared."""


class StudentRole(StrEnum):
    """The students of a run: before training, after it, and after self-refinement. The value is the label in scores."""

    BEFORE = "before"
    AFTER = "after"
    REFINED = "refined"

    @property
    def folder(self) -> str:
        """Folder of the weights, relative to the run. Raises ValueError for the base student, which has none."""
        if self is StudentRole.BEFORE:
            raise ValueError("the base student is not stored in the run")
        return "student" if self is StudentRole.AFTER else self.value


TRAINED_ROLES = (StudentRole.AFTER, StudentRole.REFINED)


class Record(BaseModel):
    """A JSON object. Unknown fields are kept, so that an older version of the program does not lose what a newer one wrote."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


R = TypeVar("R", bound=Record)


def read_record(run: RunDir, name: str, record: type[R]) -> R | None:
    """A JSON file of a run; None if it does not exist. Raises InputError if it has another shape."""
    try:
        content = run.read_json(name)
        return None if content is None else record.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3])
        raise InputError(f"{run.path(name)} cannot be read: {wrong}; run the job again") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{run.path(name)} cannot be read: {error}; run the job again") from error


class Cost(Record):
    """The cost of one solution of a question, in tokens or seconds.

    Attributes:
        mean: over all solutions.
        median: half of them cost less.
        percentile_95: 95 % of them cost less.
    """

    mean: float
    median: float
    percentile_95: float


class ErrorClass(StrEnum):
    """Classes of outcomes, from correct solutions to faults of the infrastructure."""

    RIGHT = "right"
    WRONG_VALUE = "wrong_value"
    CRASH = "crash"
    LIMIT = "limit"
    FORBIDDEN = "forbidden"
    NO_USABLE_ANSWER = "no_usable_answer"
    LEFT_OUT = "left_out"
    FAULT = "fault"


class ClassShare(Record):
    """One class of a run.

    Attributes:
        error: the class.
        count: number of solutions in the class.
        share: of all solutions of the run.
        interval: of the share, Wilson's; too narrow if a question has several solutions.
        outcomes: count by outcome, most frequent first; only outcomes that occur.
    """

    error: ErrorClass
    count: int
    share: float
    interval: Interval
    outcomes: dict[str, int]


class Taxonomy(Record):
    """All solutions of a run by class.

    Attributes:
        solutions: number of solutions.
        classes: every class, including empty ones, in the order of `ErrorClass`; their counts add up to `solutions`.
    """

    solutions: int
    classes: tuple[ClassShare, ...]

    def count(self, error: ErrorClass) -> int:
        """The number of solutions in a class."""
        return next(share.count for share in self.classes if share.error is error)


class Rate(Record):
    """A rate over k solutions per question.

    Attributes:
        k: number of solutions that are combined.
        value: mean over questions.
        interval: of the value, by a bootstrap over questions.
        questions: number of distinct questions.
        samples: number of solutions of all questions; more solutions give a more precise value.
    """

    k: int
    value: float
    interval: Interval
    questions: int
    samples: int


class AtK(Record):
    """pass@k, which selects by gold, and maj@k, a majority vote."""

    k: int
    passed: Rate = Field(alias="pass")
    maj: Rate


class Score(Record):
    """The score of one student on one task with one strategy. Rates are means over questions.

    Attributes:
        task, split: the questions.
        student, strategy: their labels; `prompt` says how many examples the prompt shows.
        protocol: the name under which scores on these questions are comparable.
        questions: number of distinct questions.
        samples: number of solutions; more than `questions` if a strategy was sampled.
        correct: number of correct solutions.
        accuracy: share of correct solutions, by the project's rule (`pad_ray.tasks.answers.equal`).
        interval: of the accuracy.
        interval_method: Wilson's with one solution per question, else a bootstrap over questions.
        exact: share of answers that equal gold without tolerance.
        pad_rounded: share of answers that equal gold after rounding both to integers, as in PaD (2305.13888).
        executable_rate: share of solutions that finished and returned a value.
        outcomes: number of solutions by outcome; only outcomes that occur.
        errors: solutions by class of error.
        completion_tokens: generated tokens of all solutions.
        tokens_per_question: generated tokens of one solution of a question.
        seconds_per_question: from question to answer, for one solution.
        warning: limitations of the score; empty if there are none.
        at_k: pass@k and maj@k of a sampling strategy.
        seconds: of all solutions together.
    """

    task: str = ""
    split: str = ""
    student: str = ""
    strategy: str = ""
    prompt: str = ""
    protocol: str = ""
    questions: int
    samples: int = 0
    correct: int
    accuracy: float
    interval: Interval
    interval_method: str = ""
    exact: float | None = None
    pad_rounded: float | None = None
    executable_rate: float | None = None
    outcomes: dict[str, int] = Field(default_factory=dict)
    errors: Taxonomy | None = None
    completion_tokens: int = 0
    tokens_per_question: Cost | None = None
    seconds_per_question: Cost | None = None
    warning: str = ""
    at_k: list[AtK] = Field(default_factory=list)
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        return self.task, self.student, self.strategy

    @property
    def stage(self) -> str:
        """The ledger's stage of this score."""
        return evaluation_stage(self.student, self.strategy)

    @property
    def tokens(self) -> float | None:
        """Generated tokens per question; None if they were not counted."""
        if self.tokens_per_question:
            return self.tokens_per_question.mean
        return self.completion_tokens / self.questions if self.completion_tokens else None


def evaluation_stage(student: str, strategy: str) -> str:
    """The ledger's stage of the scores of a student with a strategy."""
    return f"evaluation.{student}" if strategy == GREEDY else f"evaluation.{student}.{strategy}"


class Paired(Record):
    """`b` compared with `a`, two students or two strategies of one student, on the same questions.

    Attributes:
        task, student: what is compared; `student` is empty if a and b are students.
        questions: number of distinct questions, the unit of pairing and resampling.
        difference: accuracy of b minus accuracy of a.
        interval: of the difference.
        fixed: questions that b answers correctly more often than a; with one answer each, those that only b answers correctly.
        broken: questions that a answers correctly more often than b.
        p_value: two-sided, of the hypothesis that the two do not differ.
        test: name of the test.
        detectable: for planning: the smallest true difference that this number of questions, with this spread, detects in 80 %
            of all repetitions.
        warning: why the difference does not support a claim; empty if it does.
        seeds: numbers of trainings pooled in a and in b.
        p_adjusted: p-value adjusted for a family of `comparisons`.
    """

    task: str = ""
    student: str = ""
    a: str = ""
    b: str = ""
    questions: int
    difference: float
    interval: Interval
    fixed: int
    broken: int
    p_value: float
    test: str
    detectable: float
    warning: str = ""
    seeds: tuple[int, int] = (1, 1)
    p_adjusted: float | None = None
    comparisons: int = 1

    @property
    def key(self) -> tuple[str, ...]:
        return self.task, self.student, self.a, self.b


class Subtask(Record):
    """The accuracy of one student on one sub-task."""

    questions: int
    accuracy: float
    interval: Interval


class General(Record):
    """The scores of one student on a test set of several sub-tasks, which all have the same weight.

    Attributes:
        subtasks: accuracy by sub-task.
        macro: mean accuracy of the sub-tasks.
        interval: of `macro`, from the sub-tasks' intervals.
        questions: number of distinct questions in all sub-tasks.
        warning: limitations of the average; empty if there are none.
    """

    task: str = ""
    student: str = ""
    strategy: str = ""
    subtasks: dict[str, Subtask]
    macro: float
    interval: Interval
    questions: int
    warning: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        return self.task, self.student, self.strategy


class GeneralChange(Record):
    """The change of a student's macro average over sub-tasks by training, on the same questions.

    Attributes:
        subtasks: paired test by sub-task.
        adjusted: their p-values as a family, which limits the false discovery rate (Benjamini and Hochberg 1995).
        difference: macro average of b minus that of a.
        interval: of `difference`, normal; questions are the random sample within each sub-task.
        p_value: two-sided, of the hypothesis that the macro average did not change.
        detectable: for planning: the smallest true difference of the average that this number of questions detects in 80 % of
            all repetitions.
        warning: why the difference does not support a claim; empty if it does.
    """

    task: str = ""
    a: str = ""
    b: str = ""
    subtasks: dict[str, Paired]
    adjusted: dict[str, float]
    difference: float
    interval: Interval
    p_value: float
    detectable: float
    warning: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        return self.task, self.a, self.b


class Pooled(Record):
    """The accuracy of a system over seeds and questions.

    Attributes:
        seeds: number of pooled runs.
        questions: number of distinct questions, the same in every run.
        by_seed: accuracy of each run, in the given order.
        accuracy: mean over the runs.
        interval: of the mean accuracy over random seeds and questions, by Student's t.
        standard_error: of the accuracy.
        degrees_of_freedom: of the standard error; few if the seeds differ, because there are few seeds.
        question_deviation: standard deviation between questions of the probability of a correct answer.
        seed_deviation: standard deviation of the accuracy between seeds, without the part that chance explains.
        rest_deviation: standard deviation that neither question nor seed explains.
        warning: limitations of the score; empty if there are none.
    """

    task: str = ""
    student: str = ""
    strategies: list[str] = Field(default_factory=list)
    seeds: int
    questions: int
    by_seed: tuple[float, ...]
    accuracy: float
    interval: Interval
    standard_error: float
    degrees_of_freedom: float
    question_deviation: float
    seed_deviation: float
    rest_deviation: float
    warning: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        return self.task, self.student, *self.strategies


class PathCount(Record):
    drafts: int
    accepted: int

    @property
    def share(self) -> float:
        return self.accepted / self.drafts


class Yield(Record):
    """The drafts of a run; the fields after `drafts` and the seconds are known once all drafts are judged.

    Attributes:
        share: accepted drafts of all drafts; `yield` in the file.
        by_path: counts by kind of path.
        prompt_tokens, completion_tokens: of all drafts.
        outcomes: drafts by verdict.
        seconds: of all calls of the stage.
        device_seconds: seconds in which engines worked, summed over engines.
    """

    drafts: int
    accepted: int | None = None
    share: float | None = Field(None, alias="yield")
    interval: Interval = (0.0, 1.0)
    by_path: dict[str, PathCount] = Field(default_factory=dict)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    outcomes: dict[str, int] = Field(default_factory=dict)
    seconds: float = 0.0
    device_seconds: float = 0.0


class CorpusSummary(Record):
    """A corpus: its rows in all and by split and objective, and the questions that were compared with known test sets.

    `contaminated` counts omitted questions by test set, `overlaps` all questions that resemble a test question, by kind. `hash`
    covers every row id and its split.
    """

    train_rows: int = 0
    validation_rows: int = 0
    rows: dict[str, int] = Field(default_factory=dict)
    questions: int | None = None
    contaminated: dict[str, int] = Field(default_factory=dict)
    overlaps: dict[str, int] = Field(default_factory=dict)
    compared: int = 0
    hash: str = ""


class LossPoint(Record):
    """A mean loss in nats per token at an optimizer step; `accuracy` is on validation questions.

    The loss of each objective is in the additional field `loss_<objective>`.
    """

    step: int
    epoch: float | None = None
    loss: float
    accuracy: float | None = None


class TrainingSummary(Record):
    """A finished training; losses are in nats per token, `left_out` counts rows that were too long."""

    left_out: int = 0
    steps: int = 0
    best_validation_loss: float | None = None
    best_accuracy: float | None = None
    curve: list[LossPoint] = Field(default_factory=list)
    validation: list[LossPoint] = Field(default_factory=list)
    seconds: float = 0.0
    workers: int = 1
    zero_stage: int = 0
    offload: str = ""


class ErrorShare(Record):
    """Shares of one outcome among the student's failures and among the injected variants."""

    outcome: str
    student: float
    injected: float


class RefinementSummary(Record):
    """Self-refinement so far: the student's drafts, the injected variants, the corpus of repairs and the training.

    `total_variation` is the distance of both distributions of errors: 0 if they are equal, 1 if they share nothing.
    """

    drafts: int = 0
    outcomes: dict[str, int] = Field(default_factory=dict)
    on_policy_rows: int = 0
    on_policy_left_out: dict[str, int] = Field(default_factory=dict)
    mix: dict[str, float] = Field(default_factory=dict)
    injected: dict[str, Any] = Field(default_factory=dict)
    shares: list[ErrorShare] = Field(default_factory=list)
    total_variation: float = 0.0
    student_failures: int = 0
    injected_variants: int = 0
    rows: dict[str, int] = Field(default_factory=dict)
    hash: str = ""
    training: TrainingSummary | None = None


class SandboxSummary(Record):
    """The layers of protection around executed programs (`pad_ray.sandbox.Protections`)."""

    protections: dict[str, Any] = Field(default_factory=dict)


class VerificationSummary(Record):
    """The verdicts of a file of programs; `verified` and `seconds` count the last call alone."""

    outcomes: dict[str, int]
    verified: int
    seconds: float


ENVIRONMENT = "environment.json"


class Environment(Record):
    """The software of a run; `versions` by package, `started` as an ISO date and time."""

    versions: dict[str, str] = Field(default_factory=dict)
    python: str = ""
    commit: str | None = None
    started: str = ""
