"""Fixtures for the tests of synthesis: stored questions, a plan, and a scripted teacher."""

from types import SimpleNamespace

import pytest

from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint
from pad_ray.paths import Program
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.sandbox import SandboxConfig
from pad_ray.synthesis.config import CorpusConfig, SynthesisConfig
from pad_ray.synthesis.contamination import KnownTests
from pad_ray.synthesis.corpus import build
from pad_ray.synthesis.pipeline import SynthesisCall, synthesize
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import store
from pad_ray.tasks import get_task

QUESTIONS = get_task("arithmetic").load("train", None, 24)


def make_synthesis(folder, script, questions=QUESTIONS, paths=None, teacher=None, **changes):
    """A run folder with stored questions, and functions that run the stages."""
    config = SynthesisConfig(**{"samples": 6, "block_questions": 4, **changes})
    run = RunDir(str(folder))
    stored = store(run, questions)
    teacher = teacher or EngineConfig(kind="scripted", script=str(script))
    plan = Plan(tuple(paths or [Program()]), fingerprint(teacher), config, 0)
    messages = []

    def go(**options):
        progress = Progress()
        progress.say = messages.append
        changed = config.model_copy(update=options)
        return synthesize(SynthesisCall(run, plan, teacher, SandboxConfig(), changed, progress))

    def corpus(tests=(), **options):
        return build(run, plan, CorpusConfig(**options), 0, KnownTests.build(list(tests), 13))

    return SimpleNamespace(
        run=run, plan=plan, go=go, corpus=corpus, stored=stored, messages=messages, teacher=teacher, config=config
    )


@pytest.fixture
def synthesis(local_ray, tmp_path, script):
    """Creates a separate run for a test: `synthesis(questions=..., paths=..., samples=...)`."""
    return lambda **options: make_synthesis(tmp_path / "run", options.pop("script", script), **options)
