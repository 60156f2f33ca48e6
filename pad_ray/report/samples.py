"""Choose the drafts that the page shows: some of every outcome, with question, program, feedback and gold."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from pad_ray.report import text
from pad_ray.report.counts import TAKEN, Outcomes
from pad_ray.report.filters import Filter
from pad_ray.report.yields import states
from pad_ray.run.folder import RunDir
from pad_ray.sandbox import SandboxConfig
from pad_ray.sandbox.static import Rejection, parse
from pad_ray.schema import AnswerKind, Draft, Outcome, PathKind, Question, Verdict, from_table
from pad_ray.synthesis.corpus import REJECTED
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS
from pad_ray.synthesis.verify import UNREADABLE, read_path

MOST_BYTES = 2_000_000
"""Maximum HTML size of all samples, so that a page stays under 3 MB whatever the drafts contain."""
FRAME_BYTES = 1_300
"""Upper bound of a sample's HTML size without its texts."""

# Steps are counted without blank lines; a parsed path in words has none.
_LINE = re.compile(r"(?:\bline|^step) (\d{1,6})\b")
_NAME = re.compile(r"^(?:NameError|UnboundLocalError): .*?'(\w+)'")
_ROWS = TypeVar("_ROWS", Question, Draft, Verdict)


@dataclass(frozen=True)
class Sample:
    """A draft with everything that explains its outcome.

    `fate` is its outcome, or `TAKEN` if it is in the corpus. `code` is the judged text as HTML, of a program the function;
    `line` is the failing line, from 1, if known.
    """

    question: Question
    draft: Draft
    outcome: Outcome
    fate: str
    value: str | None
    feedback: str
    code: Markup
    line: int | None
    stated: int

    @property
    def size(self) -> int:
        """Maximum bytes on the page."""
        facts = sum(text.weight(fact, 400) for fact in self.question.facts[:10])
        others = sum(text.weight(item, 400) for item in (self.feedback, self.value or "", self.question.gold))
        return len(self.code.encode()) + text.weight(self.question.text) + facts + others + FRAME_BYTES


def choose(run: RunDir, outcomes: Outcomes, question_parts: list[str]) -> list[Sample]:
    """Samples by outcome, accepted ones first, then by frequency; outcomes take turns until the room is used up."""
    groups = [outcomes.kept, *sorted(outcomes.thrown.values(), key=lambda tally: -tally.count)]
    queues = [tally.draft_ids for tally in groups]
    loaded = _load(run, [draft_id for queue in queues for draft_id in queue], outcomes.final, question_parts)
    longest = max(map(len, queues), default=0)
    turns = [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]
    chosen: dict[str, Sample] = {}
    room = MOST_BYTES
    for draft_id in turns:
        if draft_id in loaded:
            sample = _sample(*loaded[draft_id], outcomes.kept_as)
            if sample.size > room:
                break
            room -= sample.size
            chosen[draft_id] = sample
    return [chosen[draft_id] for queue in queues for draft_id in queue if draft_id in chosen]


def _load(
    run: RunDir, draft_ids: list[str], final: bool, question_parts: list[str]
) -> dict[str, tuple[Question, Draft, Verdict]]:
    """Question, draft and verdict by draft id; ids for which one of them is missing in the run are left out."""
    drafts = {draft.draft_id: draft for draft in _rows(run, Draft, "draft_id", draft_ids, FAULTS, DRAFTS)}
    question_ids = {draft.question_id for draft in drafts.values()}
    questions = {
        question.question_id: question
        for folder in sorted({part.rpartition("/")[0] for part in question_parts})
        for question in _rows(run, Question, "question_id", question_ids, folder)
    }
    # `rejected` comes last, because it has the final outcome of a draft.
    folders = (VERDICTS, REJECTED) if final else (VERDICTS,)
    verdicts = {verdict.draft_id: verdict for verdict in _rows(run, Verdict, "draft_id", draft_ids, *folders)}
    known = [key for key in draft_ids if key in drafts and key in verdicts and drafts[key].question_id in questions]
    return {key: (questions[drafts[key].question_id], drafts[key], verdicts[key]) for key in known}


def _rows(run: RunDir, record: type[_ROWS], key: str, ids: Iterable[str], *folders: str) -> list[_ROWS]:
    wanted = set(ids)
    return [row for folder in folders for row in from_table(record, run.select(folder, record, key, wanted))]


def _sample(question: Question, draft: Draft, verdict: Verdict, kept_as: str) -> Sample:
    path = read_path(draft)
    judged = draft.text if path is UNREADABLE else path.text
    line = failing_line(judged, verdict.feedback) if verdict.outcome is not Outcome.ACCEPTED else None
    return Sample(
        question=question,
        draft=draft,
        outcome=verdict.outcome,
        fate=kept_as if verdict.outcome is Outcome.ACCEPTED else verdict.outcome.value,
        value=verdict.value,
        feedback=verdict.feedback,
        code=shown(draft.path, judged, line),
        line=line,
        stated=states(" ".join([*question.facts, question.text]), numbers=question.answer_kind is AnswerKind.NUMBER),
    )


def shown(path: PathKind, judged: str, line: int | None = None) -> Markup:
    """A path as escaped HTML, with syntax highlighting for programs, and with the failing line marked."""
    return text.program(judged, line) if path is PathKind.PROGRAM else text.lines(judged, line)


def failing_line(judged: str, feedback: str) -> int | None:
    """The line that the feedback names, or the first line that reads the name that is missing according to the feedback.

    Not covered: errors whose message names neither, such as a division by zero.
    """
    lines = len(judged.splitlines())
    if named := _LINE.search(feedback):
        number = int(named[1])
    elif missing := _NAME.match(feedback):
        number = _first_read(judged, missing[1])
    else:
        return None
    return number if 1 <= number <= lines else None


def _first_read(program: str, name: str) -> int:
    """The first line that reads a name; 0 if there is none."""
    tree = parse(program, SandboxConfig().program_bytes)
    if isinstance(tree, Rejection):
        return 0
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    reads = (node.lineno for node in nodes if node.id == name and _is_read(node))
    return min(reads, default=0)


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)


def filters(samples: Sequence[Sample], totals: Mapping[str, int], sets: Mapping[str, int], unit: str) -> list[Filter]:
    """The filters of the samples; `totals` counts all drafts by outcome, `sets` the sets of demonstrations by path."""
    outcomes = Counter(sample.fate for sample in samples)
    candidates = [
        Filter.of("outcome", "Outcome", outcomes, totals),
        Filter.of("path", "Path", Counter(sample.draft.path.value for sample in samples)),
        Filter.of("set", "Demonstrations", Counter(filter(None, (shown_set(sample, sets) for sample in samples)))),
        Filter.of(
            "stated",
            f"Question states ({unit})",
            Counter(str(sample.stated) for sample in sorted(samples, key=_stated)),
        ),
    ]
    return [one for one in candidates if len(one.options) > 1]


def _stated(sample: Sample) -> int:
    return sample.stated


def shown_set(sample: Sample, sets: Mapping[str, int]) -> str:
    """The set of demonstrations in a sample's prompt; empty if unknown."""
    number = sets.get(sample.draft.path.value)
    return f"set {sample.draft.sample_index % number + 1}" if number else ""


def links(samples: Sequence[Sample]) -> dict[str, str]:
    """The fate of the samples that a bar opens, by the bar's key; the bar of accepted drafts opens those in the corpus."""
    fates = {sample.fate: sample.fate for sample in samples}
    return fates | ({Outcome.ACCEPTED.value: TAKEN} if TAKEN in fates else {})
