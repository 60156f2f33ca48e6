"""A recipe: everything a run is asked to do, composed of the config class of each folder."""

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
    """Read from a YAML file that says what differs from the defaults; the command line has the last word."""

    # First, because the fields below may name what they add.
    extensions: list[str] = Field(
        default_factory=list,
        description="modules of your own that add tasks and paths; imported in every worker too, from the working directory",
    )
    run_dir: str = Field("runs/run", description="folder or URI that holds everything of this run")
    data_dir: str | None = Field(
        default_factory=lambda: os.environ.get("PAD_RAY_DATA") or None,
        description="folder of published data sets; default: the environment variable PAD_RAY_DATA, then the hub",
    )
    seed: int = Field(0, description="seed of questions, sampling, splits and training")
    questions: QuestionsConfig = Field(default_factory=QuestionsConfig, description="what is asked")
    teacher: EngineConfig = Field(default_factory=EngineConfig, description="who writes drafts")
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig, description="how programs are executed")
    synthesis: SynthesisConfig = Field(default_factory=SynthesisConfig, description="the drafts")
    corpus: CorpusConfig = Field(default_factory=CorpusConfig, description="which drafts a student learns from")
    refinement: RefinementConfig = Field(default_factory=RefinementConfig, description="how a student learns to repair")
    training: TrainingConfig = Field(default_factory=TrainingConfig, description="the student")
    tracking: TrackingConfig = Field(default_factory=TrackingConfig, description="where progress is written besides")
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig, description="how students are measured")
    tuning: TuningConfig = Field(default_factory=TuningConfig, description="what a campaign varies and looks for")
    sizing: SizingConfig = Field(default_factory=SizingConfig, description="what `--dry-run` reckons with")

    @field_validator("extensions")
    @classmethod
    def _imported(cls, modules: list[str]) -> list[str]:
        extensions.load(modules)
        return modules


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, or the one that ships under this name (`demo`).

    Command-line overrides, such as `--questions.limit 48` or `--run-dir runs/a`, have the last word.

    Raises:
        InputError: the file is missing or is no YAML mapping, a key is given twice, or a field is unknown or wrong; it names
            line, or field and value.
    """
    shipped = f"see the recipes that ship; each is found by its name: {', '.join(recipes())}"
    values = read_mapping(find_recipe(path), "recipe", shipped)
    return read_settings(Recipe, overrides, values, str(path))
