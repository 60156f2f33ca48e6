"""The plan: which drafts there should be, by id, before any is made."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pad_ray.engines.base import Request, Sampling
from pad_ray.paths import ReasoningPath
from pad_ray.schema import PathKind, Question, content_id
from pad_ray.synthesis.config import SynthesisConfig


@dataclass(frozen=True, slots=True)
class PlannedDraft:
    """One draft to make; `request.request_id` is the draft's id."""

    path: PathKind
    sample_index: int
    request: Request


@dataclass(frozen=True)
class Plan:
    """All that decides which drafts a question gets.

    `engine` is the model and revision that the ids cover (`pad_ray.engines.kinds.fingerprint`).
    """

    paths: tuple[ReasoningPath, ...]
    engine: str
    config: SynthesisConfig
    seed: int

    @property
    def drafts_per_question(self) -> int:
        return len(self.paths) * self.config.samples

    def drafts(self, question: Question) -> Iterator[PlannedDraft]:
        """The drafts of a question; more samples keep the samples there are."""
        for path in self.paths:
            for index in range(self.config.samples):
                yield PlannedDraft(path.kind, index, self._request(question, path, index))

    def _request(self, question: Question, path: ReasoningPath, index: int) -> Request:
        prompt, config = path.prompt(question, index), self.config
        sampling = Sampling(config.temperature, config.top_p, config.max_tokens, path.stop)
        drawn = [sampling.temperature, sampling.top_p, sampling.max_tokens, list(sampling.stop)]
        shown = prompt if isinstance(prompt, str) else [asdict(message) for message in prompt]
        draft_id = content_id("draft", question.question_id, path.kind, shown, self.engine, drawn, self.seed, index)
        # vLLM and numpy take seeds below 2**31.
        return Request(draft_id, prompt, sampling, seed=int(draft_id[:8], 16) >> 1)
