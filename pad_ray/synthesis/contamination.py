"""Finds train questions that are nearly equal to a test question.

A question is compared by its words with every available test question: equal text, or the share of its n-grams that occur
in one test question. GPT-3 uses n-grams of 13 words (Brown et al. 2020, 2005.14165, appendix C). A share, instead of a single
hit, spares questions that only have a stock phrase in common. In scripts without spaces a word is a character, and n-grams
are 50 % longer.

To find a known problem with different numbers and names, shorter n-grams are compared, with `#` for each number and `@` for
each capitalized word.

Not covered: paraphrases, translations, and different names in scripts without capital letters. If either question is shorter
than n words, like most of StrategyQA, only equality counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from pad_ray.schema import Question
from pad_ray.tasks import TASKS, Task, get_task
from pad_ray.tasks.files import MissingFileError, data_folder
from pad_ray.tasks.languages import is_unspaced, languages, words_of, written_words

IN_DOMAIN = "indomain_"
"""Splits with this prefix are parts of the same task's `test` split."""

Hashes = NDArray[np.uint64]
Owners = NDArray[np.uint32]

MASKED_NGRAM = 5
NEAR = 0.5
"""Minimum share of a question's masked n-grams for a near duplicate. This finds 317 of 720 train questions of SVAMP's own
split and 36 of GSM8K's 7,473 (2 cores, no GPU); n-grams of 4 words find 366 of the 720, n-grams of 3 words 443."""
MOST_WORDS = 4_000
"""Maximum number of words compared per question."""
_NUMBER, _NAME = "#", "@"


@dataclass(frozen=True, slots=True)
class Overlap:
    """The test question most similar to a text. `share` is a share of the text's n-grams, in (0, 1]; 1 if `exact`.

    `masked`: the n-grams are those of the text with masked numbers and names.
    """

    question_id: str
    task: str
    share: float
    exact: bool
    masked: bool = False

    @property
    def kind(self) -> str:
        """The name under which reports count it."""
        return "masked" if self.masked else "equal" if self.exact else "ngrams"


@dataclass(frozen=True)
class KnownTests:
    """An index of test questions with 12 bytes per n-gram: sorted 64-bit hashes, each with the index of its question.

    It can be pickled. In Ray's object store its arrays are shared between the workers of a node.
    """

    ngram: int
    owners: tuple[tuple[str, str], ...]
    """Id and task of every test question."""
    texts: Hashes
    text_owners: Owners
    grams: Hashes
    gram_owners: Owners
    masked_grams: Hashes
    masked_owners: Owners

    @classmethod
    def build(cls, questions: Iterable[Question], ngram: int = 13) -> "KnownTests":
        """Index test questions by n-grams of `ngram` words; of equal questions the first is found.

        Questions of a task with generated splits are found only by equal text, because questions from templates share n-grams.
        """
        owners: list[tuple[str, str]] = []
        texts: list[Hashes] = []
        grams: list[Hashes] = []
        masked: list[Hashes] = []
        for question in questions:
            words = words_of(question.text)[:MOST_WORDS]
            from_templates = _from_templates(question.task)
            owners.append((question.question_id, question.task))
            texts.append(_hashes([" ".join(words)] if words else []))
            grams.append(np.unique(_ngrams([] if from_templates else words, ngram)))
            masked.append(np.unique(_ngrams([] if from_templates else _masked(question.text), MASKED_NGRAM)))
        return cls(ngram, tuple(owners), *_sorted(texts), *_sorted(grams), *_sorted(masked))

    def overlap(self, text: str) -> Overlap | None:
        """The test question with the same words, or else with most of the text's n-grams; None if there is neither."""
        words = words_of(text)[:MOST_WORDS]
        same = self._found(_hashes([" ".join(words)]), self.texts, self.text_owners)
        if same.size:
            return self._overlap(int(same.min()), 1.0, exact=True)
        best = self._best(_ngrams(words, self.ngram), self.grams, self.gram_owners)
        return self._overlap(*best, exact=False) if best else None

    def masked_overlap(self, text: str) -> Overlap | None:
        """The test question with most of the text's n-grams after masking numbers and names, or None."""
        best = self._best(_ngrams(_masked(text), MASKED_NGRAM), self.masked_grams, self.masked_owners)
        return self._overlap(*best, exact=False, masked=True) if best else None

    def _best(self, wanted: Hashes, known: Hashes, owners: Owners) -> tuple[int, float] | None:
        """The owner of most wanted hashes, and their share."""
        wanted = np.unique(wanted)
        owner_indices, counts = np.unique(self._found(wanted, known, owners), return_counts=True)
        if not owner_indices.size:
            return None
        best = int(counts.argmax())
        return int(owner_indices[best]), float(counts[best]) / wanted.size

    def _found(self, wanted: Hashes, known: Hashes, owners: Owners) -> Owners:
        """The owners of all wanted hashes, concatenated."""
        first, last = np.searchsorted(known, wanted, "left"), np.searchsorted(known, wanted, "right")
        sizes = last - first
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        hash_owners: Owners = owners[np.repeat(first, sizes) + within]
        return hash_owners

    def _overlap(self, owner: int, share: float, *, exact: bool, masked: bool = False) -> Overlap:
        return Overlap(*self.owners[owner], share, exact, masked)


def load_tests(
    tasks: Sequence[str] | None,
    data_dir: str | Path | None,
    seed: int,
    own: Iterable[Question],
    train_task: str = "",
    train_split: str = "train",
) -> list[Question]:
    """The questions that must not be taught, without repeats: `own`, the run's test questions, then the test splits of `tasks`.

    If `tasks` is None, these are the published test splits whose files are in `data_dir`, or none without a `data_dir`:
    nothing is downloaded unless a task is named. If the train questions are an in-domain split of `train_task`, whose `test`
    split contains them, the split `indomain_test` replaces `test`; `own` is always included in full.

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
    """The questions of a split; none if its file is missing. A broken file is an error."""
    folder = data_folder(data_dir)
    try:
        return task.load(split, folder)
    except MissingFileError:
        return []


def _from_templates(task: str) -> bool:
    return task in TASKS and bool(TASKS[task].generated)


def _masked(text: str) -> list[str]:
    """The words of a text with numbers and names masked; a capital letter at the start of a sentence counts as a name."""
    numbers = _number_words()
    masked: list[str] = []
    for original in written_words(text)[:MOST_WORDS]:
        word = original.lower()
        if word[0].isdigit() or word in numbers:
            word = _NUMBER
        elif original[0].isupper():
            word = _NAME
        if not (word in (_NUMBER, _NAME) and masked and masked[-1] == word):
            masked.append(word)
    return masked


@cache
def _number_words() -> frozenset[str]:
    """Number words of all languages: detecting a text's language would cost more than masking a few words too many."""
    return frozenset(word for language in languages().values() for word in language.number_words)


def _ngrams(words: list[str], n: int) -> Hashes:
    if is_unspaced(words):
        n += n // 2
    return _hashes([" ".join(words[start : start + n]) for start in range(len(words) - n + 1)])


def _hashes(texts: list[str]) -> Hashes:
    return np.fromiter(
        (xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) for text in texts), np.uint64, len(texts)
    )


def _sorted(hashes: list[Hashes]) -> tuple[Hashes, Owners]:
    """The sorted hashes of all questions, and for each the index of its question."""
    owners = np.repeat(np.arange(len(hashes), dtype=np.uint32), [part.size for part in hashes])
    values = np.concatenate([np.empty(0, np.uint64), *hashes])
    order = np.argsort(values, kind="stable")
    return values[order], owners[order]
