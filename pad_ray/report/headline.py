"""The result of a run in one sentence, with the figures that support it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.evaluation.claims import ONE_TRAINING
from pad_ray.evaluation.families import holm
from pad_ray.report import text
from pad_ray.report.data import RunData
from pad_ray.run.records import GREEDY, GeneralChange, Paired, Score, StudentRole

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Headline:
    """The result of one comparison. `verdict` is better, worse or open; `before` and `after` are the compared scores."""

    sentence: str
    evidence: str
    verdict: str
    before: Score | None = None
    after: Score | None = None
    paired: Paired | None = None


def headlines(data: RunData) -> list[Headline]:
    """One headline per paired comparison, or a weaker statement if there is no comparison."""
    compared = [_compare(data, paired) for paired in as_family(data.metrics.paired)]
    return compared or [_untested(data)]


def score_of(data: RunData, task: str | None, student: str) -> Score | None:
    """The score of a student on a task; the greedy strategy's if there are several."""
    scores = [score for score in data.metrics.evaluation if score.student == student and task in (None, score.task)]
    return min(scores, key=lambda score: score.strategy != GREEDY, default=None)


def _compare(data: RunData, paired: Paired) -> Headline:
    before, after = score_of(data, paired.task, paired.a), score_of(data, paired.task, paired.b)
    verdict = verdict_of(paired)
    questions = _question_count(after) if after else f"{paired.task} questions"
    what = "Self-refinement" if paired.b == StudentRole.REFINED else "Distillation"
    opening = {
        "better": f"{what} made the student better at {questions}",
        "worse": f"{what} made the student worse at {questions}",
        "open": f"{what} made no detectable difference at {questions}",
    }[verdict]
    return Headline(
        sentence=f"{opening}{_accuracies(before, after)}.",
        evidence=" ".join(
            filter(None, (_intervals(before, after), evidence_of(paired), ONE_TRAINING, _prompts(before, after)))
        ),
        verdict=verdict,
        before=before,
        after=after,
        paired=paired,
    )


def _question_count(score: Score) -> str:
    return " ".join(filter(None, (text.count(score.questions), score.task, score.split, "questions")))


def _accuracies(before: Score | None, after: Score | None) -> str:
    if not (before and after):
        return ""
    return f": {text.percent(before.accuracy)} before, {text.percent(after.accuracy)} after"


def as_family(pairs: Sequence[Paired]) -> list[Paired]:
    """The comparisons with Holm's adjusted p-values as one family; a single comparison is not adjusted."""
    if len(pairs) < 2:
        return list(pairs)
    adjusted = holm([pair.p_value for pair in pairs])
    return [
        pair.model_copy(update={"p_adjusted": p_value, "comparisons": len(pairs)})
        for pair, p_value in zip(pairs, adjusted, strict=True)
    ]


def verdict_of(paired: Paired) -> str:
    """better or worse if the test, adjusted for its family, is significant, else open."""
    p_value = paired.p_value if paired.p_adjusted is None else paired.p_adjusted
    if p_value >= SIGNIFICANT:
        return "open"
    return "better" if paired.difference > 0 else "worse"


def _intervals(before: Score | None, after: Score | None) -> str:
    if not (before and after):
        return ""
    return (
        f"95\u00a0% intervals: {text.percent_interval(before.interval)} before, "
        f"{text.percent_interval(after.interval)} after."
    )


def evidence_of(paired: Paired) -> str:
    """The difference with its interval, p-value and flips as a sentence."""
    return f"{difference_of(paired)} by the {paired.test} test{_adjusted(paired)}{_flips(paired)}."


def difference_of(paired: Paired | GeneralChange) -> str:
    """The difference with its interval and p-value."""
    spread = f"95\u00a0% interval {text.points_interval(paired.interval)}"
    return f"Paired difference: {text.points(paired.difference)} points ({spread}), {text.p_value(paired.p_value)}"


def _adjusted(paired: Paired) -> str:
    if paired.p_adjusted is None:
        return ""
    return f" ({text.p_value(paired.p_adjusted)} by Holm's adjustment for {paired.comparisons} comparisons)"


def _flips(paired: Paired) -> str:
    return f"; {text.count(paired.fixed)} answers fixed, {text.count(paired.broken)} broken"


def _prompts(before: Score | None, after: Score | None) -> str:
    if not (before and after) or before.prompt == after.prompt:
        return ""
    return f"The student read a {before.prompt} prompt before and a {after.prompt} prompt after."


def _untested(data: RunData) -> Headline:
    before, after = (_first_score(data, student) for student in (StudentRole.BEFORE, StudentRole.AFTER))
    if after:
        return _alone(after, "After", "before", before)
    if before:
        return _alone(before, "Before", "after", after)
    synthesis = data.metrics.synthesis
    if synthesis is None or synthesis.accepted is None:
        return Headline("Nothing has been measured in this run yet.", "", "open")
    spread = f" (95\u00a0% interval {text.percent_interval(synthesis.interval)})"
    return Headline(
        sentence=f"{text.count(synthesis.accepted)} of {text.count(synthesis.drafts)} drafts were accepted.",
        evidence=f"Yield {text.percent(synthesis.share)}{spread}. No student has been scored.",
        verdict="open",
    )


def _first_score(data: RunData, student: str) -> Score | None:
    """The student's score on the first test set of the recipe that has one, else on any."""
    own = (score_of(data, task, student) for task in data.own_tests)
    return next(filter(None, own), None) or score_of(data, None, student)


def _alone(score: Score, when: str, other: str, compared: Score | None) -> Headline:
    spread = f"95\u00a0% interval: {text.percent_interval(score.interval)}. "
    missing = "No test compares the two." if compared else f"There is no score of the student {other} to compare with."
    sentence = (
        f"{when} distillation the student answers {text.percent(score.accuracy)} of {_question_count(score)} correctly."
    )
    return Headline(sentence, f"{spread}{missing}", "open")


def missing(data: RunData) -> list[str]:
    """The parts that the run does not have yet, in the order of the stages."""
    metrics = data.metrics
    parts = {
        "the recipe": data.recipe,
        "the environment": data.environment,
        "the ledger": data.ledger,
        "questions": data.questions,
        "drafts": data.outcomes.kept.count or data.outcomes.thrown,
        "the corpus": data.corpus_rows,
        "the training record": metrics.training,
        "the student's score before": score_of(data, None, StudentRole.BEFORE),
        "the student's score after": score_of(data, None, StudentRole.AFTER),
        "the paired comparison": metrics.paired,
        "the sandbox's protections": metrics.sandbox,
    }
    return [name for name, part in parts.items() if not part]
