"""The stored solutions of a run: keep those that are still valid, and read others again from their text.

A manifest records the model, strategy and prompts, and the rules by which answers were read. If the rules have changed,
greedy solutions are read again from their stored text; those of other strategies, which read answers during their search, are
solved again. If only a gold answer has changed, the stored answer is compared with the new one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import ray

from pad_ray.decoding.base import Strategy, Tools, compared, read_again
from pad_ray.decoding.verifiers import NAMED
from pad_ray.engines.base import Engine
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint
from pad_ray.models import resolve
from pad_ray.paths import ReasoningPath
from pad_ray.run.folder import RunDir
from pad_ray.run.records import StudentRole
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig
from pad_ray.sandbox.judgement import judge_each, rules_of
from pad_ray.schema import PathKind, Question, Solution, Verdict, content_id, from_table

SOLUTIONS = "solutions"
MANIFEST = "manifest.json"
# Sandbox settings that were part of the key in manifests without rules.
SETTINGS_OF_KEY = {
    *("cpu_s", "wall_s", "memory_mib", "output_bytes", "program_bytes", "allowed_imports"),
    *("minimum", "uid", "interpreter", "disabled_layers"),
}


def solutions_folder(student: str, label: str) -> str:
    """Folder of a student's solutions by a strategy, relative to the task's folder."""
    return label if student == StudentRole.AFTER else f"{student}-{label}"


@dataclass(frozen=True)
class SolveSettings:
    """How a student answers: its paths, the maximum tokens of a path, and the number of live questions per engine.

    With `retry_faults`, questions with an engine or sandbox fault are solved again.
    """

    paths: Mapping[PathKind, ReasoningPath]
    max_tokens: int
    live_questions: int
    retry_faults: bool = False


@dataclass(frozen=True)
class StoredSolutions:
    """The solutions of one task by one strategy under the current settings, in the folder `place`."""

    run: RunDir
    place: str
    engine: EngineConfig
    sandbox: SandboxConfig
    settings: SolveSettings
    strategy: Strategy

    def keep_what_fits(
        self, questions: Sequence[Question], budgets: Mapping[str, int]
    ) -> tuple[dict[str, Any], dict[str, Solution]]:
        """Delete solutions of another model, strategy, prompt or budget. Read solutions again if the rules have changed, and
        compare them again if their gold answer has changed.

        Returns the manifest and the kept solutions by question.
        """
        before: dict[str, Any] = self.run.read_json(f"{self.place}/{MANIFEST}", {})
        by_id = {question.question_id: question for question in questions}
        key, earlier_key = self._keys(questions[0])
        rules = rules_of(self.sandbox)
        made_by = before
        if before.get("key") not in (key, earlier_key):
            made_by = {"models": self._models(), "strategy": self._settings()}
            self.run.delete(self.place)
        elif before.get("rules") != rules and self.strategy.single_path is not None:
            self._read_again(self.strategy.single_path, by_id)
        elif before.get("rules") != rules:
            self.run.delete(self.place)
        kept, deleted = self._keep(by_id, made_by.get("budgets", {}), budgets)
        seconds = made_by.get("seconds", 0.0) * (len(kept) / (len(kept) + deleted) if deleted else bool(kept))
        spent = {**made_by.get("budgets", {}), **budgets}
        made_by = {**made_by, "key": key, "rules": rules, "seconds": seconds, "budgets": spent}
        if made_by != before:
            self.run.write_json(f"{self.place}/{MANIFEST}", made_by)
        return made_by, {solution.question_id: solution for solution in kept}

    def _keys(self, question: Question) -> tuple[str, str]:
        """The key of model, strategy and prompts, and its form in manifests without rules."""
        example = replace(question, text="Question?", facts=[])
        prompts = [_plain_prompt(path.prompt(example)) for path in self.settings.paths.values()]
        settings = self._settings()
        parts = ["+".join(self._models()), settings, _models(settings)]
        rest = [prompts, self.settings.max_tokens]
        limits = self.sandbox.model_dump(mode="json", include=SETTINGS_OF_KEY)
        return content_id("ask", *parts, *rest), content_id("solve", *parts, limits, *rest)

    def _models(self) -> list[str]:
        named = (self.engine.model, self.strategy.second_model)
        return [fingerprint(self.engine.serving(name)) for name in named if name is not None]

    def _settings(self) -> dict[str, Any]:
        return self.strategy.model_dump(mode="json", exclude={"name"})

    def _keep(
        self, questions: Mapping[str, Question], spent: Mapping[str, int], budgets: Mapping[str, int]
    ) -> tuple[list[Solution], int]:
        """The kept solutions, compared with the current gold answers, and the number of deleted ones."""

        def fits(solution: Solution) -> bool:
            name = solution.question_id
            if self.settings.retry_faults and solution.outcome.is_fault:
                return False
            return name not in questions or spent.get(name) == budgets.get(name)

        left: list[Solution] = []
        deleted = 0
        for part in self.run.parts(self.place):
            solutions = from_table(Solution, self.run.read_part(part))
            kept = [
                compared(questions[one.question_id], one) if one.question_id in questions else one
                for one in solutions
                if fits(one)
            ]
            if kept != solutions:
                self.run.write_records(part, Solution, kept)
            left += kept
            deleted += len(solutions) - len(kept)
        return left, deleted

    def _read_again(self, path: PathKind, questions: Mapping[str, Question]) -> None:
        """Read the answers of each part again from its texts under the current rules."""
        parts = self.run.parts(self.place)
        workers = max(1, min(len(parts), int(ray.cluster_resources().get("CPU", 1.0))))
        task = ray.remote(num_cpus=1)(_read_parts)
        shared = ray.put((self.settings, path, dict(questions)))
        ray.get([task.remote(self.run.location, parts[one::workers], shared, self.sandbox) for one in range(workers)])


def _read_parts(
    location: str,
    parts: Sequence[str],
    shared: tuple[SolveSettings, PathKind, Mapping[str, Question]],
    sandbox: SandboxConfig,
) -> None:
    """Read the texts of parts again; solutions of questions that are no longer asked are dropped."""
    (settings, path, questions), run = shared, RunDir(location)
    with Sandbox(sandbox) as box:

        async def execute(candidates: Sequence[Candidate]) -> list[Verdict]:
            return judge_each(box, candidates)

        # Nothing is generated, so no engine is needed.
        tools = Tools(cast(Engine, None), execute, settings.paths, settings.max_tokens)
        for part in parts:
            solutions = [one for one in from_table(Solution, run.read_part(part)) if one.question_id in questions]
            read = [asyncio.run(read_again(questions[one.question_id], one, path, tools)) for one in solutions]
            run.write_records(part, Solution, read)


def _plain_prompt(prompt: Any) -> Any:
    return prompt if isinstance(prompt, str) else [asdict(message) for message in prompt]


def _models(settings: Any) -> list[str]:
    """The revisions of the models that a strategy's verifiers load: a retrained scorer gives new scores."""
    if isinstance(settings, dict):
        own = [resolve(settings["model"]).revision] if settings.get("model") and settings["kind"] in NAMED else []
        return own + [revision for value in settings.values() for revision in _models(value)]
    return [revision for item in settings for revision in _models(item)] if isinstance(settings, list) else []
