"""The plan: the ids of all drafts to generate, known before any is generated."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pad_ray.engines.base import Request, Sampling
from pad_ray.paths import ReasoningPath
from pad_ray.schema import PathKind, Question, content_id
from pad_ray.synthesis.config import SynthesisConfig


@dataclass(frozen=True, slots=True)
class PlannedDraft:
    """One draft to generate; `request.request_id` is the draft's id."""

    path: PathKind
    sample_index: int
    request: Request


@dataclass(frozen=True)
class Plan:
    """Everything that determines the drafts of a question.

    `engine` identifies model and revision, which are part of the ids (`pad_ray.engines.kinds.fingerprint`).
    """

    paths: tuple[ReasoningPath, ...]
    engine: str
    config: SynthesisConfig
    seed: int

    @property
    def drafts_per_question(self) -> int:
        return len(self.paths) * self.config.samples

    def drafts(self, question: Question) -> Iterator[PlannedDraft]:
        """The drafts of a question; with more samples the earlier ones keep their ids."""
        for path in self.paths:
            for index in range(self.config.samples):
                yield PlannedDraft(path.kind, index, self._request(question, path, index))

    def _request(self, question: Question, path: ReasoningPath, index: int) -> Request:
        prompt, config = path.prompt(question, index), self.config
        sampling = Sampling(config.temperature, config.top_p, config.max_tokens, path.stop)
        sampling_settings = [sampling.temperature, sampling.top_p, sampling.max_tokens, list(sampling.stop)]
        prompt_content = prompt if isinstance(prompt, str) else [asdict(message) for message in prompt]
        draft_id = content_id(
            "draft", question.question_id, path.kind, prompt_content, self.engine, sampling_settings, self.seed, index
        )
        # vLLM and numpy require seeds below 2**31.
        return Request(draft_id, prompt, sampling, seed=int(draft_id[:8], 16) >> 1)
