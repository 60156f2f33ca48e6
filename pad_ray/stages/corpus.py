"""Build the corpus of a run from its committed drafts, or read the corpus that an earlier job built."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pad_ray.errors import InputError
from pad_ray.evaluation.intervals import wilson
from pad_ray.recipe import Recipe
from pad_ray.run import ledger, metrics
from pad_ray.run.ledger import StageEntry, VerdictCounts
from pad_ray.run.records import CorpusSummary, PathCount, Yield
from pad_ray.schema import CorpusRow, Outcome, Question, content_id
from pad_ray.stages.base import Run
from pad_ray.stages.questions import RunInputs
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.card import CardFacts, write_card
from pad_ray.synthesis.contamination import KnownTests, load_tests
from pad_ray.synthesis.corpus import Corpus
from pad_ray.synthesis.plan import Plan


def build_corpus(run: Run, inputs: RunInputs) -> Corpus:
    """Build the corpus from the committed drafts, and write the ledger entries of synthesis and corpus."""
    recipe = run.recipe
    source = recipe.questions
    own = [question for test in inputs.test.values() for question in test]
    with run.progress.wait("corpus: the test questions that must not be taught, and the choice of drafts"):
        tests = load_tests(recipe.corpus.decontaminate, recipe.data_dir, recipe.seed, own, source.task, source.split)
        known = KnownTests.build(tests, recipe.corpus.ngram)
        corpus = corpora.build(run.folder, inputs.plan, recipe.corpus, recipe.seed, known)
    recorded = metrics.read(run.folder)
    drafts = _yield(corpus, recorded.synthesis or Yield(drafts=0))
    protections = recorded.sandbox.protections if recorded.sandbox else None
    metrics.update(run.folder, synthesis=drafts)
    judged = VerdictCounts(corpus.verified, corpus.faults)
    ledger.record(
        run.folder,
        StageEntry.of_verdicts("synthesis", "drafts", corpus.planned, judged, drafts.seconds, protections),
    )
    chosen = VerdictCounts(_choices(corpus), corpus.faults)
    accepted = corpus.verified[Outcome.ACCEPTED]
    ledger.record(run.folder, StageEntry.of_verdicts("corpus", "drafts", accepted, chosen, corpus.seconds))
    metrics.update(run.folder, corpus=_summary(corpus))
    write_card(run.folder, _card(recipe, inputs.plan, corpus, tests, protections))
    corpora.require_rows(corpus)
    return corpus


def _yield(corpus: Corpus, earlier: Yield) -> Yield:
    accepted = corpus.verified[Outcome.ACCEPTED]
    return Yield(
        drafts=corpus.drafts,
        accepted=accepted,
        share=accepted / max(1, corpus.drafts),
        interval=wilson(accepted, corpus.drafts) if corpus.drafts else (0.0, 1.0),
        by_path={
            path: PathCount(drafts=count, accepted=corpus.accepted_by_path[path])
            for path, count in corpus.by_path.items()
        },
        prompt_tokens=corpus.prompt_tokens,
        completion_tokens=corpus.completion_tokens,
        outcomes=corpus.verified,
        seconds=earlier.seconds,
        device_seconds=earlier.device_seconds,
    )


def _summary(corpus: Corpus) -> CorpusSummary:
    return CorpusSummary.model_validate({name: getattr(corpus, name) for name in CorpusSummary.model_fields})


def _choices(corpus: Corpus) -> dict[str, int]:
    """The accepted drafts by outcome in the corpus: kept, or dropped by a filter across drafts."""
    dropped = {name: n - corpus.verified[name] for name, n in corpus.final.items() if n > corpus.verified[name]}
    return {**dropped, Outcome.ACCEPTED: corpus.final[Outcome.ACCEPTED]}


def stored_corpus(run: Run) -> Corpus:
    """The corpus that an earlier job built in this run. If no job recorded its hash, the hash is computed from its row ids.

    Raises:
        InputError: the run has no corpus, or one without rows for training or validation.
    """
    folder = run.folder
    recorded = metrics.read(folder).corpus
    corpus = Corpus(hash=recorded.hash if recorded else "")
    for name in (corpora.TRAIN, corpora.VALIDATION):
        rows = sum(folder.row_count(part) for part in folder.parts(name))
        if not rows:
            raise InputError(f"{folder.path(name)}: no rows; make a corpus with jobs/synthesize.py and the same recipe")
        corpus.rows[f"{name.removeprefix('corpus/')}/any"] = rows
    if not corpus.hash:
        tables = (folder.read_table(name, CorpusRow, ["row_id"]) for name in (corpora.TRAIN, corpora.VALIDATION))
        corpus.hash = content_id("stored", [table["row_id"].to_pylist() for table in tables])
    return corpus


def _card(
    recipe: Recipe,
    plan: Plan,
    corpus: Corpus,
    tests: Sequence[Question],
    protections: dict[str, Any] | None,
) -> CardFacts:
    teacher, _, revision = plan.engine.partition("@")
    config = plan.config
    return CardFacts(
        task=recipe.questions.task,
        split=recipe.questions.split,
        teacher=teacher,
        teacher_revision=revision,
        corpus_hash=corpus.hash,
        planned=corpus.planned,
        accepted=corpus.verified[Outcome.ACCEPTED],
        questions=corpus.questions,
        rows={split: corpus.rows_of(split) for split in ("train", "validation")},
        dropped={name: n for name, n in corpus.final.items() if name != Outcome.ACCEPTED},
        tests=Counter(question.task for question in tests),
        contaminated=corpus.contaminated,
        overlaps=corpus.overlaps,
        compared=corpus.compared,
        languages=sorted(corpus.languages),
        ngram=recipe.corpus.ngram,
        max_overlap=recipe.corpus.max_overlap,
        masked_overlap=recipe.corpus.masked_overlap,
        samples=config.samples,
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=config.max_tokens,
        seed=plan.seed,
        demonstrations={path.kind.value: [len(examples) for examples in path.sets] for path in plan.paths},
        protections=protections,
    )
