"""A recipe: the complete configuration of a run, composed of each folder's config class."""

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, field_validator

from pad_ray import extensions
from pad_ray.engines.config import EngineConfig
from pad_ray.evaluation.config import EvaluationConfig
from pad_ray.refinement.config import RefinementConfig
from pad_ray.run.tracking import TrackingConfig
from pad_ray.sandbox import SandboxConfig
from pad_ray.settings import Settings, read_settings
from pad_ray.shipped import find_recipe, recipes
from pad_ray.stages.config import SizingConfig
from pad_ray.strict_yaml import read_mapping
from pad_ray.synthesis.config import CorpusConfig, SynthesisConfig
from pad_ray.tasks.config import QuestionsConfig
from pad_ray.training.config import TrainingConfig
from pad_ray.tuning.config import TuningConfig


class Recipe(Settings):
    """Read from a YAML file that states what differs from the defaults; the command line overrides it."""

    # Must stay first: the fields below may refer to what these modules register.
    extensions: list[str] = Field(
        default_factory=list,
        description="your modules that add tasks and paths; also imported in every worker, from the working directory",
    )
    run_dir: str = Field("runs/run", description="folder or URI that holds everything of this run")
    data_dir: str | None = Field(
        default_factory=lambda: os.environ.get("PAD_RAY_DATA") or None,
        description="folder of published data sets; default: the environment variable PAD_RAY_DATA, then the hub",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="seed of questions, sampling, splits and training")
    questions: QuestionsConfig = Field(default_factory=QuestionsConfig, description="train and test questions")
    teacher: EngineConfig = Field(default_factory=EngineConfig, description="engine that writes the drafts")
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig, description="how programs are executed")
    synthesis: SynthesisConfig = Field(default_factory=SynthesisConfig, description="how drafts are sampled")
    corpus: CorpusConfig = Field(default_factory=CorpusConfig, description="which drafts a student learns from")
    refinement: RefinementConfig = Field(default_factory=RefinementConfig, description="how a student learns to repair")
    training: TrainingConfig = Field(default_factory=TrainingConfig, description="how the student is trained")
    tracking: TrackingConfig = Field(default_factory=TrackingConfig, description="where progress is logged")
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig, description="how students are measured")
    tuning: TuningConfig = Field(default_factory=TuningConfig, description="what a campaign varies and optimises")
    sizing: SizingConfig = Field(
        default_factory=SizingConfig, description="assumptions of the estimates of `--dry-run`"
    )

    @field_validator("extensions")
    @classmethod
    def _imported(cls, modules: list[str]) -> list[str]:
        extensions.load(modules)
        return modules


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, or the shipped recipe of this name (such as `demo`).

    Command-line overrides such as `--questions.limit 48` or `--run-dir runs/a` take precedence.

    Raises:
        InputError: the file is missing or not a YAML mapping, a key occurs twice, or a field is unknown or invalid; the
            message names the line, or the field and its value.
    """
    shipped = f"see the shipped recipes, which can be given by name: {', '.join(recipes())}"
    values = read_mapping(find_recipe(path), "recipe", shipped)
    return read_settings(Recipe, overrides, values, str(path))
