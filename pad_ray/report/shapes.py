"""The shapes of `ledger.json`, `metrics.json` and `environment.json` that the page reads.

Fields that a stopped run may lack have a default; fields that the page does not show are ignored.
"""

from typing import Any

from pydantic import BaseModel, Field

GREEDY = "greedy"
Interval = tuple[float, float]


class Stage(BaseModel):
    """One line of the ledger: rows in = rows out + rows rejected + rows failed, all counted in `unit`."""

    stage: str
    unit: str = "rows"
    rows_in: int = 0
    rows_out: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    failed: int = 0
    balanced: bool = False
    seconds: float | None = None

    @property
    def unaccounted(self) -> int:
        """Rows in without a result; negative if more rows came out than went in."""
        return self.rows_in - self.rows_out - sum(self.rejected.values()) - self.failed


class Ledger(BaseModel):
    stages: list[Stage] = Field(default_factory=list)

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.stage == name), None)


class Cost(BaseModel):
    """The cost of one solution of a question, in tokens or seconds."""

    mean: float
    median: float | None = None
    percentile_95: float | None = None


class Rate(BaseModel):
    """A mean over questions, from 0 to 1."""

    value: float
    interval: Interval | None = None


class AtK(BaseModel):
    """Rates over k samples per question: `passed` selects by gold, `maj` by majority vote."""

    k: int
    passed: Rate = Field(alias="pass")
    maj: Rate


class Score(BaseModel):
    """The score of one student on one task with one strategy. Accuracies and `interval` are fractions.

    `exact` and `pad_rounded` are accuracies by other rules of equality; `warning` states the limitations of the score.
    """

    task: str
    split: str = ""
    student: str = ""
    strategy: str = ""
    prompt: str = ""
    questions: int
    correct: int
    accuracy: float
    interval: Interval | None = None
    protocol: str = ""
    exact: float | None = None
    pad_rounded: float | None = None
    executable_rate: float | None = None
    outcomes: dict[str, int] = Field(default_factory=dict)
    completion_tokens: int | None = None
    tokens_per_question: Cost | None = None
    seconds_per_question: Cost | None = None
    seconds: float | None = None
    at_k: list[AtK] = Field(default_factory=list)
    warning: str = ""

    @property
    def stage(self) -> str:
        """The ledger's stage of this score."""
        return f"evaluation.{self.student}" if self.strategy == GREEDY else f"evaluation.{self.student}.{self.strategy}"

    @property
    def tokens(self) -> float | None:
        """Generated tokens per question."""
        if self.tokens_per_question:
            return self.tokens_per_question.mean
        return self.completion_tokens / self.questions if self.completion_tokens and self.questions else None


class Paired(BaseModel):
    """Student or strategy `b` compared with `a` on the same questions of a task; `difference` is a fraction.

    `p_adjusted` is the p-value adjusted for a family of `comparisons`; `seeds` are the numbers of trainings pooled in a and b.
    """

    task: str = ""
    a: str = "before"
    b: str = "after"
    difference: float
    interval: Interval | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    comparisons: int = 1
    seeds: tuple[int, int] = (1, 1)
    fixed: int | None = None
    broken: int | None = None
    test: str = ""
    student: str = ""
    questions: int | None = None
    detectable: float | None = None
    warning: str = ""


class Subtask(BaseModel):
    questions: int
    accuracy: float
    interval: Interval | None = None


class General(BaseModel):
    """The scores of one student on a test set of several sub-tasks; `macro` is their unweighted mean."""

    task: str
    student: str = ""
    strategy: str = ""
    macro: float
    interval: Interval | None = None
    warning: str = ""
    subtasks: dict[str, Subtask] = Field(default_factory=dict)


class GeneralChange(Paired):
    """The difference of two macro averages and of each sub-task; `adjusted` are the p-values of the sub-tasks as a family."""

    subtasks: dict[str, Paired] = Field(default_factory=dict)
    adjusted: dict[str, float] = Field(default_factory=dict)


class Pooled(BaseModel):
    """One score of a system with several seeds; `seed_deviation` is the deviation between seeds, corrected for chance."""

    task: str
    student: str = ""
    strategies: list[str] = Field(default_factory=list)
    seeds: int
    questions: int
    accuracy: float
    interval: Interval | None = None
    by_seed: list[float] = Field(default_factory=list)
    seed_deviation: float
    warning: str = ""


class PathCount(BaseModel):
    drafts: int
    accepted: int


class Synthesis(BaseModel):
    drafts: int
    accepted: int | None = None
    accepted_share: float | None = Field(None, alias="yield")
    interval: Interval | None = None
    by_path: dict[str, PathCount] = Field(default_factory=dict)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    device_seconds: float | None = None


class Corpus(BaseModel):
    train_rows: int = 0
    validation_rows: int = 0
    questions: int | None = None
    hash: str = ""


class LossPoint(BaseModel):
    """A mean loss in nats per token at an optimizer step; `accuracy` is on validation questions."""

    step: int
    epoch: float | None = None
    loss: float
    accuracy: float | None = None


class Training(BaseModel):
    steps: int = 0
    best_validation_loss: float | None = None
    curve: list[LossPoint] = Field(default_factory=list)
    validation: list[LossPoint] = Field(default_factory=list)
    seconds: float | None = None


class ErrorShare(BaseModel):
    """Shares of one outcome, from 0 to 1: among the student's failures, and among the injected variants."""

    outcome: str
    student: float
    injected: float


class Refinement(BaseModel):
    drafts: int = 0
    shares: list[ErrorShare] = Field(default_factory=list)
    total_variation: float = 0.0
    student_failures: int = 0
    injected_variants: int = 0
    rows: dict[str, int] = Field(default_factory=dict)
    training: Training | None = None


class Sandbox(BaseModel):
    protections: dict[str, Any] = Field(default_factory=dict)


class Metrics(BaseModel):
    evaluation: list[Score] = Field(default_factory=list)
    paired: list[Paired] = Field(default_factory=list)
    paired_strategies: list[Paired] = Field(default_factory=list)
    general: list[General] = Field(default_factory=list)
    general_change: list[GeneralChange] = Field(default_factory=list)
    pooled: list[Pooled] = Field(default_factory=list)
    synthesis: Synthesis | None = None
    corpus: Corpus | None = None
    training: Training | None = None
    refinement: Refinement | None = None
    sandbox: Sandbox | None = None


class Environment(BaseModel):
    versions: dict[str, str] = Field(default_factory=dict)
    python: str = ""
    commit: str | None = None
    started: str = ""
