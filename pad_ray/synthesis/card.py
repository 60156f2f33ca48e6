"""The dataset card of the corpus, `corpus/README.md`, in the format of the Hugging Face hub.

Its front matter (https://huggingface.co/docs/hub/datasets-cards) makes the folder readable for `datasets.load_dataset`;
its body gives the origin of every row, the omitted drafts with reasons, and the licences.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from pad_ray.models.catalog import find
from pad_ray.run.folder import RunDir
from pad_ray.schema import SCHEMA_VERSION
from pad_ray.synthesis.contamination import MASKED_NGRAM, NEAR
from pad_ray.tasks import get_task

CARD = "corpus/README.md"
UNKNOWN_LICENCE = "unknown; see the model's own card"

# The hub's identifiers of the licences of tasks and known models; `unknown` for all others.
_HUB_LICENCES = {
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
    "apache-2.0": "apache-2.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0",
    "gemma": "gemma",
}
_SIZES = {"n<1K": 1_000, "1K<n<10K": 10_000, "10K<n<100K": 100_000, "100K<n<1M": 1_000_000, "1M<n<10M": 10_000_000}


OVERLAPS = {"equal": "equal text", "ngrams": "n-grams", "masked": "n-grams, numbers and names apart"}
"""Kinds of overlap with a test question, with their labels on the card."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """The facts about a corpus on its card.

    `rows` counts rows by split (`train`, `validation`) and objective, `questions` the questions with a row. `accepted` counts
    drafts with an accepting verdict; `dropped` counts drafts without a row, by outcome. `tests` counts the compared test
    questions, `contaminated` the train questions omitted because of them, both by task. `overlaps` counts those of the
    `compared` train questions that resemble a test question, kept or not, by kind of overlap. `demonstrations` maps a kind of
    path to the number of solved questions in each of its sets. `protections` are the sandbox's; None if nothing was executed.
    """

    task: str
    split: str
    teacher: str
    teacher_revision: str
    corpus_hash: str
    planned: int
    accepted: int
    questions: int
    rows: Mapping[str, Mapping[str, int]]
    dropped: Mapping[str, int]
    tests: Mapping[str, int]
    contaminated: Mapping[str, int]
    overlaps: Mapping[str, int]
    compared: int
    languages: Sequence[str]
    ngram: int
    max_overlap: float
    masked_overlap: float | None
    samples: int
    temperature: float
    top_p: float
    max_tokens: int
    seed: int
    demonstrations: Mapping[str, Sequence[int]]
    protections: Mapping[str, object] | None


def write_card(run: RunDir, facts: CardFacts) -> str:
    """Write the card next to the corpus and return its text. Raises InputError if `facts.task` is not a task."""
    text = render_card(facts)
    run.write_text(CARD, text)
    return text


def render_card(facts: CardFacts) -> str:
    """The text of the card, which depends only on the facts. Raises InputError if `facts.task` is not a task."""
    task, known = get_task(facts.task), find(facts.teacher)
    licence = known.licence if known else None
    rows = {split: counts for split, counts in facts.rows.items() if sum(counts.values())}
    front = _front_matter(facts, rows, [_hub_licence(task.licence), _hub_licence(licence)])
    tests, contaminated = _by_task(facts.tests), _by_task(facts.contaminated)
    body = _environment().from_string(_BODY)
    return f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n" + body.render(
        facts=facts,
        task=task,
        licence=licence or UNKNOWN_LICENCE,
        rows=rows,
        total=sum(sum(counts.values()) for counts in rows.values()),
        dropped=sorted(facts.dropped.items(), key=lambda item: (-item[1], item[0])),
        tests=[(name, tests[name], contaminated[name]) for name in sorted(tests)],
        overlaps=[(label, facts.overlaps.get(kind, 0)) for kind, label in OVERLAPS.items()],
        near=facts.masked_overlap or NEAR,
        masked_ngram=MASKED_NGRAM,
        schema_version=SCHEMA_VERSION,
    )


def _front_matter(facts: CardFacts, rows: Mapping[str, Mapping[str, int]], licences: list[str]) -> dict[str, Any]:
    distinct = list(dict.fromkeys(licences))
    # A pattern without a matching file would make the whole folder unreadable, so splits without rows are omitted.
    data_files = [{"split": split, "path": f"{split}/*.parquet"} for split in rows]
    return {
        "pretty_name": f"{facts.task}, solved by {facts.teacher}",
        "license": distinct[0] if len(distinct) == 1 else distinct,
        "language": list(facts.languages),
        "task_categories": ["text-generation"],
        "size_categories": [_size(sum(sum(counts.values()) for counts in rows.values()))],
        "tags": ["synthetic", "reasoning", "distillation"],
        "configs": [{"config_name": "default", "data_files": data_files}],
    }


def _hub_licence(licence: str | None) -> str:
    return _HUB_LICENCES.get(licence or "", "unknown")


def _size(rows: int) -> str:
    return next((name for name, limit in _SIZES.items() if rows < limit), "n>10M")


def _by_task(counts: Mapping[str, int]) -> Counter[str]:
    """Counts by task, with the counts of sub-tasks (`bbh/<sub-task>`) added up."""
    summed: Counter[str] = Counter()
    for name, count in counts.items():
        summed[name.split("/", 1)[0]] += count
    return summed


def _environment() -> Environment:
    # Markdown, not HTML.
    environment = Environment(undefined=StrictUndefined, finalize=_cell, trim_blocks=True, keep_trailing_newline=True)
    environment.filters["state"] = _state
    return environment


def _state(value: object) -> str:
    """The state of a protection, from a field of `pad_ray.sandbox.Protections`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value)) or "none"
    return "absent" if value in (None, "") else str(value)


def _cell(value: object) -> str:
    """A value that cannot break out of a line or a table."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(str(value).split()).replace("|", "\\|")


_BODY = """\
# {{ facts.task }}, solved by {{ facts.teacher }}

Training data for a small student, written by a larger teacher: {{ total }} rows for {{ facts.questions }} questions.
Every row comes from a draft that was judged right.

```python
from datasets import load_dataset

corpus = load_dataset("path/to/this/folder")
```

| column | content |
|---|---|
| `source` | what the student reads |
| `target` | what the student is trained to write |
| `objective` | what the row teaches |
| `question_id`, `draft_id`, `row_id` | content hashes: equal ids are equal content |

Corpus hash `{{ facts.corpus_hash }}`, version {{ schema_version }} of the data model.

## Rows

{{ facts.planned }} drafts were planned, {{ facts.accepted }} were accepted individually, and these rows remain:

| split | objective | rows |
|---|---|---|
{% for split, counts in rows.items() %}
{% for objective, count in counts | dictsort %}
| {{ split }} | {{ objective }} | {{ count }} |
{% endfor %}
{% endfor %}

The split is by question: no question is on both sides.

## What was left out

{% if dropped %}
| outcome | drafts |
|---|---|
{% for outcome, count in dropped %}
| {{ outcome }} | {{ count }} |
{% endfor %}
{% else %}
Nothing.
{% endif %}

## Decontamination

{% if tests %}
Every question is left out that equals a test question, or shares {{ "%.0f%%" | format(facts.max_overlap * 100) }} or more of
its n-grams of {{ facts.ngram }} words with one. Paraphrases are not found. Questions that share
{{ "%.0f%%" | format(near * 100) }} or more of their n-grams of {{ masked_ngram }} words, numbers and names apart,
are {{ "kept" if facts.masked_overlap is none else "left out too" }}.

| test set | test questions | questions left out |
|---|---|---|
{% for name, count, left_out in tests %}
| {{ name }} | {{ count }} | {{ left_out }} |
{% endfor %}

| overlap with a test question | train questions | share |
|---|---|---|
{% for label, count in overlaps %}
| {{ label }} | {{ count }} | {{ "%.1f %%" | format(100 * count / facts.compared if facts.compared else 0) }} |
{% endfor %}
{% else %}
The questions were not compared with any test set.
{% endif %}

## Questions

The `{{ facts.split }}` split of {{ task.name }}: {{ task.description }}.
Source: {{ task.source }}. Licence: {{ task.licence }}.

## Teacher

`{{ facts.teacher }}`, revision `{{ facts.teacher_revision or "unknown" }}`. Licence: {{ licence }}.

{{ facts.samples }} samples per question and kind, temperature {{ facts.temperature }}, top-p {{ facts.top_p }}, at most
{{ facts.max_tokens }} tokens, seed {{ facts.seed | string }}.
{% for kind, sets in facts.demonstrations | dictsort %}
{% if sets | sum %}
Demonstrations of kind {{ kind }}: {{ sets | join(" + ") }} solved questions, in {{ sets | length }} set(s) by turns.
{% else %}
Kind {{ kind }} was requested without demonstrations.
{% endif %}
{% endfor %}

## Execution

{% if facts.protections %}
Programs were executed in a sandbox with at least these protections:

| protection | state |
|---|---|
{% for name, state in facts.protections | dictsort %}
| {{ name }} | {{ state | state }} |
{% endfor %}
{% else %}
Nothing was executed.
{% endif %}

## Licences

Rows hold text of the questions and of the teacher, so the terms of both apply.
"""
