"""Is a train question a test question in disguise?

A question is compared with every test question at hand by its words: equal text, or the share of its n-grams that occur
in one test question. n-grams of 13 words are those of GPT-3 (Brown et al. 2020, 2005.14165, appendix C); a share of the
question, instead of a single hit, spares questions that have a stock phrase in common.

Not covered: paraphrases, translations, and a known problem with another number or name every few words. Where either
question is shorter than n words, as most of StrategyQA's are, only equality counts.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from pad_ray.schema import Question
from pad_ray.tasks import TASKS, Task, get_task
from pad_ray.tasks.files import MissingFileError, data_folder

IN_DOMAIN = "indomain_"
"""Splits of this prefix divide the questions of the same task's `test` split."""

Hashes = NDArray[np.uint64]
Owners = NDArray[np.uint32]

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Overlap:
    """The test question that a text resembles most. `share` is of the text's n-grams, in (0, 1]; 1 where `exact`."""

    question_id: str
    task: str
    share: float
    exact: bool


@dataclass(frozen=True)
class KnownTests:
    """An index of test questions, 12 bytes an n-gram: sorted 64-bit hashes, each beside the question that it is of.

    It can be pickled, and its arrays are shared between the workers of a node where Ray stores it.
    """

    ngram: int
    owners: tuple[tuple[str, str], ...]
    """Id and task of every test question."""
    texts: Hashes
    text_owners: Owners
    grams: Hashes
    gram_owners: Owners

    @classmethod
    def build(cls, questions: Iterable[Question], ngram: int = 13) -> "KnownTests":
        """Index test questions by n-grams of `ngram` words; the first of equal ones is the one that is found.

        Questions of a task that makes some from templates are found by equal text alone: all of them share n-grams.
        """
        owners: list[tuple[str, str]] = []
        texts: list[Hashes] = []
        grams: list[Hashes] = []
        for question in questions:
            words = _words(question.text)
            owners.append((question.question_id, question.task))
            texts.append(_hashes([" ".join(words)] if words else []))
            grams.append(np.unique(_ngrams([] if _from_templates(question.task) else words, ngram)))
        return cls(ngram, tuple(owners), *_sorted(texts), *_sorted(grams))

    def overlap(self, text: str) -> Overlap | None:
        """The test question with the same words, or else the one with most of the text's n-grams; None without any."""
        words = _words(text)
        same = self._found(_hashes([" ".join(words)]), self.texts, self.text_owners)
        if same.size:
            return self._overlap(int(same.min()), 1.0, exact=True)
        grams = np.unique(_ngrams(words, self.ngram))
        found, counts = np.unique(self._found(grams, self.grams, self.gram_owners), return_counts=True)
        if not found.size:
            return None
        best = int(counts.argmax())
        return self._overlap(int(found[best]), float(counts[best]) / grams.size, exact=False)

    def _found(self, wanted: Hashes, known: Hashes, owners: Owners) -> Owners:
        """The owners of every wanted hash, one after the other."""
        first, last = np.searchsorted(known, wanted, "left"), np.searchsorted(known, wanted, "right")
        hits = np.flatnonzero(last > first)
        return np.concatenate([owners[:0], *(owners[first[hit] : last[hit]] for hit in hits)])

    def _overlap(self, owner: int, share: float, *, exact: bool) -> Overlap:
        return Overlap(*self.owners[owner], share, exact)


def load_tests(
    tasks: Sequence[str] | None,
    data_dir: str | Path | None,
    seed: int,
    own: Iterable[Question],
    train_task: str = "",
    train_split: str = "train",
) -> list[Question]:
    """The questions that must not be taught: `own`, a run's own test questions, then the test splits of `tasks`, once each.

    With None these are the published test splits whose files are in `data_dir`, and none without a `data_dir`: nothing
    is downloaded unless a task is named. Where the train questions are an in-domain split of `train_task`, whose `test`
    split contains them, its `indomain_test` split takes the place of `test`; `own` is never thinned out.

    Raises:
        InputError: a task does not exist or has no test split, the data folder does not exist, or a file is broken.
    """
    questions = list(own)
    for task in TASKS.values() if tasks is None else map(get_task, tasks):
        split = _test_split(task, train_task, train_split)
        if tasks is not None:
            questions += task.load(split, data_dir, None, seed)
        elif data_dir and split in task.published:
            questions += _at_hand(task, split, data_dir)
    return list({question.question_id: question for question in questions}.values())


def _test_split(task: Task, train_task: str, train_split: str) -> str:
    in_domain = task.name == train_task and train_split.startswith(IN_DOMAIN)
    return f"{IN_DOMAIN}test" if in_domain else "test"


def _at_hand(task: Task, split: str, data_dir: str | Path) -> list[Question]:
    """The questions of a split, none where its file is not there; a file that is there and broken is an error."""
    folder = data_folder(data_dir)
    try:
        return task.load(split, folder)
    except MissingFileError:
        return []


def _from_templates(task: str) -> bool:
    return task in TASKS and bool(TASKS[task].generated)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def _ngrams(words: list[str], n: int) -> Hashes:
    return _hashes([" ".join(words[start : start + n]) for start in range(len(words) - n + 1)])


def _hashes(texts: list[str]) -> Hashes:
    return np.fromiter(
        (xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) for text in texts), np.uint64, len(texts)
    )


def _sorted(hashes: list[Hashes]) -> tuple[Hashes, Owners]:
    """The hashes of all questions in order, and the index of the question that each is of."""
    owners = np.repeat(np.arange(len(hashes), dtype=np.uint32), [part.size for part in hashes])
    values = np.concatenate([np.empty(0, np.uint64), *hashes])
    order = np.argsort(values, kind="stable")
    return values[order], owners[order]
