"""Settings for sampling drafts and for choosing the corpus from them."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pad_ray.schema import Objective, PathKind


class SynthesisConfig(BaseModel):
    """The requests to the teacher, and the size of a unit of work."""

    model_config = ConfigDict(extra="forbid")

    paths: list[PathKind] = Field([PathKind.PROGRAM], min_length=1, description="kinds of reasoning path to sample")
    samples: int = Field(4, ge=1, description="drafts per question and kind")
    demonstration_sets: int | None = Field(
        None, ge=1, description="sets of demonstrations to rotate over the samples; default: all sets of the task"
    )
    chat: bool = Field(False, description="send the prompt as chat turns, for a chat-tuned teacher")
    temperature: float = Field(0.7, ge=0, description="sampling temperature of the teacher; 0 is greedy")
    top_p: float = Field(0.95, gt=0, le=1, description="nucleus sampling (top-p) of the teacher")
    max_tokens: int = Field(256, ge=1, description="maximum length of a completion, in tokens")
    block_questions: int = Field(
        8, ge=1, description="questions in one unit of work; the most that is lost if a node dies"
    )
    verifiers: int | None = Field(
        None, ge=1, description="number of sandboxes that execute drafts; default: one per CPU not used by engines"
    )
    verifier_cpus: float = Field(0.5, gt=0, description="CPUs that Ray reserves for one verifier")
    retry_faults: bool = Field(
        False, description="request again the drafts for which the engine failed in an earlier run"
    )

    @model_validator(mode="after")
    def _distinct(self) -> "SynthesisConfig":
        if len(set(self.paths)) < len(self.paths):
            raise ValueError(f"`paths` names a kind twice: {', '.join(self.paths)}")
        return self


class CorpusConfig(BaseModel):
    """Which accepted drafts become training data."""

    model_config = ConfigDict(extra="forbid")

    objectives: list[Objective] | None = Field(
        None,
        min_length=1,
        description="training objectives: program, rationale, answer (label only), and from Socratic drafts "
        "decompose, solve_step, unified_socratic; default: each path unchanged",
    )
    max_per_question: int = Field(4, ge=1, description="maximum number of drafts kept per question and kind")
    balance: bool = Field(
        True,
        description="with several kinds, keep the same number of each for a question, as in Mixed Distillation",
    )
    validation_share: float = Field(
        0.1, gt=0, lt=1, description="share of the questions whose drafts are used only for validation"
    )
    max_characters: int | None = Field(None, ge=1, description="maximum length of a kept path, in characters")
    min_pass_rate: float = Field(0.0, ge=0, le=1, description="leave out questions that the teacher solves less often")
    max_pass_rate: float = Field(1.0, ge=0, le=1, description="leave out questions that the teacher solves more often")
    majority_share: float | None = Field(
        None, gt=0, le=1, description="questions without gold: keep the answer given by at least this share of drafts"
    )
    decontaminate: list[str] | None = Field(
        None,
        description="tasks whose test questions must not be taught; default: all available; []: only the run's own",
    )
    ngram: int = Field(13, ge=2, description="words per n-gram in the comparison with test questions")
    max_overlap: float = Field(
        0.5,
        gt=0,
        le=1,
        description="leave out questions that share at least this fraction of their n-grams with a test question",
    )
    masked_overlap: float | None = Field(
        None,
        gt=0,
        le=1,
        description="as `max_overlap`, for n-grams with masked numbers and names; default: count such questions, but keep them",
    )

    @model_validator(mode="after")
    def _taught(self) -> "CorpusConfig":
        objectives = self.objectives or []
        if len(set(objectives)) < len(objectives):
            raise ValueError(f"`objectives` names one twice: {', '.join(objectives)}")
        if Objective.REPAIR in objectives:
            raise ValueError(
                "`objectives` names repair, whose rows need a student's errors; run jobs/refine.py for them"
            )
        return self
