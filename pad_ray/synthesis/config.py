"""How drafts are sampled and which of them become the corpus."""

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pad_ray.schema import Objective, PathKind


class SynthesisConfig(BaseModel):
    """What a teacher is asked for, and the size of a unit of work."""

    model_config = ConfigDict(extra="forbid")

    paths: list[PathKind] = Field([PathKind.PROGRAM], min_length=1, description="kinds of reasoning path to sample")
    samples: int = Field(4, ge=1, description="drafts of every question and kind")
    demonstration_sets: int | None = Field(
        None, ge=1, description="sets of demonstrations to rotate over the samples; default: all that the task has"
    )
    chat: bool = Field(False, description="ask with the turns of a chat, for a teacher that was tuned on them")
    temperature: float = Field(0.7, ge=0, description="sampling temperature of the teacher; 0 is greedy")
    top_p: float = Field(0.95, gt=0, le=1, description="nucleus of the teacher's sampling")
    max_tokens: int = Field(256, ge=1, description="longest completion, in tokens")
    block_questions: int = Field(
        8, ge=1, description="questions in one unit of work: what is lost at most when a node dies"
    )
    verifiers: int | None = Field(
        None, ge=1, description="sandboxes that execute drafts side by side; default: one a CPU that engines leave free"
    )
    verifier_cpus: float = Field(0.5, gt=0, description="CPUs that Ray reserves for one verifier")
    retry_faults: bool = Field(
        False, description="ask again for drafts that the engine failed to make in an earlier run"
    )

    @model_validator(mode="after")
    def _distinct(self) -> "SynthesisConfig":
        if len(set(self.paths)) < len(self.paths):
            raise ValueError(f"`paths` names a kind twice: {', '.join(self.paths)}")
        return self


class CorpusConfig(BaseModel):
    """Which accepted drafts a student learns from."""

    model_config = ConfigDict(extra="forbid")

    objectives: list[Objective] | None = Field(
        None,
        min_length=1,
        description="what the kept drafts teach: program, rationale, answer (label only), and from Socratic drafts "
        "decompose, solve_step, unified_socratic; default: each path as it is written",
    )
    max_per_question: int = Field(4, ge=1, description="drafts of one question and kind that are kept")
    balance: bool = Field(
        True,
        description="keep as many of each kind for a question, as Mixed Distillation does, where there are several",
    )
    validation_share: float = Field(0.1, gt=0, lt=1, description="share of the questions whose drafts only validate")
    max_characters: int | None = Field(None, ge=1, description="longest path that is kept, in characters")
    min_pass_rate: float = Field(0.0, ge=0, le=1, description="leave out questions that the teacher solves more rarely")
    max_pass_rate: float = Field(1.0, ge=0, le=1, description="leave out questions that the teacher solves more often")
    majority_share: float | None = Field(
        None, gt=0, le=1, description="questions without gold: keep the answer that at least this share of drafts gives"
    )
    decontaminate: list[str] | None = Field(
        None, description="tasks whose test questions must not be taught; default: all at hand; [] only the run's own"
    )
    ngram: int = Field(13, ge=2, description="words of an n-gram that is compared with test questions")
    max_overlap: float = Field(
        0.5, gt=0, le=1, description="share of a question's n-grams in one test question from which on it is left out"
    )
    masked_overlap: float | None = Field(
        None,
        gt=0,
        le=1,
        description="as `max_overlap`, of n-grams without numbers and names; default: such questions are counted and kept",
    )

    @model_validator(mode="after")
    def _taught(self) -> "CorpusConfig":
        objectives = self.objectives or []
        if len(set(objectives)) < len(objectives):
            raise ValueError(f"`objectives` names one twice: {', '.join(objectives)}")
        if Objective.REPAIR in objectives:
            raise ValueError("`objectives` names repair, whose rows need a student's errors: jobs/refine.py makes them")
        return self
