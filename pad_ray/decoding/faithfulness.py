"""The step verifier `faithfulness`: how close a line's meaning is to a sentence of its question.

S = max over the question's sentences u of (1 + cos(e(line), e(u))) / 2, ROSCOE's faithfulness (2212.07919) as used by PaD
(2305.13888, section 3.3). Not covered: a line can be close to the question and compute the wrong thing.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.verifiers import Execute, ReasoningStep, VerifierConfig
from pad_ray.models import resolve
from pad_ray.paths.base import asked_text
from pad_ray.schema import Question, storable
from pad_ray.tasks.languages import languages

EMBEDDER = "all-minilm-l6-v2"
MAX_TOKENS = 256
"""The embedder's training length; the rest of a line is ignored."""
MAX_CHARACTERS = 2_000
BATCH = 64
REMEMBERED = 100_000
"""Size of the embedding cache, at 1.5 KiB per embedding: lines and question sentences repeat often."""
DECIMALS = 4
"""Scores are rounded: an embedding's last bits depend on its batch, but results must not."""


class FaithfulnessVerifier:
    """Embeds with a sentence encoder on the CPU: the normalised mean of the last layer's token vectors."""

    def __init__(self, config: VerifierConfig) -> None:
        from transformers import AutoModel, AutoTokenizer

        folder = resolve(config.model or EMBEDDER).path
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).float().eval()
        self.known: dict[str, Any] = {}
        self.embed = Batcher(self._embed)

    async def scores(self, question: Question, steps: Sequence[ReasoningStep], execute: Execute) -> Sequence[float]:
        """One score per step; all steps are compared with the sentences of the question."""
        sentences = question_sentences(question)
        vectors = await self.embed([*sentences, *(readable(step.line) for step in steps)])
        targets, lines = vectors[: len(sentences)], vectors[len(sentences) :]
        return [round(max((1 + float(line @ sentence)) / 2 for sentence in targets), DECIMALS) for line in lines]

    def _embed(self, texts: list[str]) -> Sequence[Any]:
        """The unit vector of every text, from the cache if it is there."""
        new = sorted({text for text in texts if text not in self.known}, key=len)
        if len(self.known) + len(new) > REMEMBERED:
            self.known.clear()
            new = sorted(set(texts), key=len)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            self.known.update(zip(batch, self._forward(batch), strict=True))
        return [self.known[text] for text in texts]

    def _forward(self, texts: list[str]) -> Any:
        import torch

        inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            states = self.model(**inputs).last_hidden_state
        inside = inputs["attention_mask"].unsqueeze(-1)
        means = (states * inside).sum(1) / inside.sum(1)
        return torch.nn.functional.normalize(means, dim=-1)


@cache
def _sentence_end() -> re.Pattern[str]:
    """Matches the end of a sentence in any known language: a blank after its sign; a danda or wide sign needs no blank."""
    ends = sorted({sign for language in languages().values() for sign in language.sentence_ends})
    alone = "।॥" + "".join(sign for sign in ends if unicodedata.east_asian_width(sign) in "WF")
    return re.compile(rf"(?<=[{re.escape(''.join(ends))}])\s+|(?<=[{alone}])(?![」』”’）{alone}\s])")


def question_sentences(question: Question) -> list[str]:
    """The sentences of a question as shown in the prompt, including facts; at least one."""
    return [sentence for sentence in _sentence_end().split(asked_text(question)) if sentence] or [""]


def readable(line: str) -> str:
    """A line in a form that suits an embedder trained on sentences: identifiers are split into words."""
    return " ".join(storable(line[:MAX_CHARACTERS]).replace("_", " ").split())
