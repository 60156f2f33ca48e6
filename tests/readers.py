"""All functions that read a model's text outside the sandbox's child process, each as one call on that text."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from pad_ray.decoding import calculator, execution, faithfulness, steps
from pad_ray.paths import PATHS, equations, rationale, socratic
from pad_ray.paths import program as programs
from pad_ray.refinement import feedback as feedbacks
from pad_ray.refinement.mutations import MUTATIONS, variants
from pad_ray.refinement.rows import repair_source
from pad_ray.refinement.source import Source, stated_numbers
from pad_ray.report import samples
from pad_ray.report import text as page
from pad_ray.sandbox import normalised_program_hash, results, sandbox, static
from pad_ray.sandbox.hard_coded import is_hard_coded
from pad_ray.sandbox.question_facts import question_numbers
from pad_ray.schema import AnswerKind, PathKind, Question, storable
from pad_ray.synthesis.contamination import KnownTests
from pad_ray.tasks import answers

LONGEST_BYTES = 1 << 15
"""The longest program that any recipe allows (`SandboxConfig.program_bytes`)."""
QUESTION = 'Ann has 16 eggs and eats three. How many does she have? Note that "eggs" means "one hundred and 3/4".'
GOLDS = {AnswerKind.NUMBER: "18", AnswerKind.YES_NO: "yes", AnswerKind.OPTION: "A", AnswerKind.TEXT: "ao"}
VARIANTS = 3
"""Maximum number of variants per program and mutation."""


@dataclass(frozen=True)
class Reader:
    """One function. `raises` lists its documented errors; `parses` is true if it rejects long texts."""

    name: str
    call: Callable[[str], object]
    raises: tuple[type[Exception], ...] = ()
    parses: bool = False


def readers() -> list[Reader]:
    """All readers, by folder."""
    return [*_of_sandbox(), *_of_paths(), *_of_answers(), *_of_refinement(), *_of_decoding(), *_of_pages()]


def _tree(text: str) -> ast.Module | None:
    tree = static.parse(text, LONGEST_BYTES)
    return tree if isinstance(tree, ast.Module) else None


def _on_tree(call: Callable[[ast.Module], object]) -> Callable[[str], object]:
    def parse_first(text: str) -> object:
        tree = _tree(text)
        return None if tree is None else call(tree)

    return parse_first


def _of_sandbox() -> Iterator[Reader]:
    yield Reader("static.parse", _tree, parses=True)
    yield Reader("static.defines_solution", _on_tree(static.defines_solution), parses=True)
    yield Reader("static.imports_allowed", _on_tree(lambda tree: static.imports_allowed(tree, ("math",))), parses=True)
    for kind in AnswerKind:
        yield Reader(
            f"is_hard_coded, {kind}", _on_tree(lambda tree, kind=kind: is_hard_coded(tree, kind, QUESTION)), parses=True
        )
    yield Reader("question_numbers", question_numbers)
    yield Reader("normalised_program_hash", normalised_program_hash, parses=True)
    yield Reader("results.clean", results.clean)
    yield Reader("sandbox.kind_of", sandbox.kind_of)
    yield Reader("sandbox.unfit", lambda text: sandbox.unfit(text, LONGEST_BYTES))


def _of_paths() -> Iterator[Reader]:
    for kind in PathKind:
        yield Reader(f"paths.{kind}.parse", PATHS[kind]().parse)
    yield Reader("program.is_complete", programs.is_complete)
    yield Reader("equations.check", equations.check)
    yield Reader("equations.shape", equations.shape)
    yield Reader("equations.calculate", equations.calculate)
    yield Reader("rationale.up_to_answer", rationale.up_to_answer)
    for kind in AnswerKind:
        yield Reader(
            f"judge_rationale, {kind}", lambda text, kind=kind: rationale.judge_rationale("d", text, GOLDS[kind], kind)
        )
    yield Reader(
        "judge_socratic", lambda text: socratic.judge_socratic("d", text, GOLDS[AnswerKind.NUMBER], AnswerKind.NUMBER)
    )
    yield Reader("socratic.pairs", socratic.pairs, (ValueError,))
    yield Reader("socratic.step_examples", lambda text: socratic.step_examples(_question(), text), (ValueError,))
    yield Reader("socratic.read_sub_questions", socratic.read_sub_questions)
    yield Reader("socratic.read_step", socratic.read_step)


def _of_answers() -> Iterator[Reader]:
    for kind in AnswerKind:
        yield Reader(f"extract_final_answer, {kind}", lambda text, kind=kind: answers.extract_final_answer(kind, text))
        yield Reader(f"equal, {kind}", lambda text, kind=kind: answers.equal(kind, text, GOLDS[kind]))
        yield Reader(f"agreeing, {kind}", lambda text, kind=kind: _agreeing(kind, text))


def _agreeing(kind: AnswerKind, text: str) -> object:
    answer = answers.canonical_answer(kind, text)
    return answers.agreeing(kind, [answer, answer, GOLDS[kind]])


def _of_refinement() -> Iterator[Reader]:
    for mutation in MUTATIONS:
        yield Reader(
            f"mutations.{mutation.name}", lambda text, mutation=mutation: _mutated(text, mutation), parses=True
        )
    yield Reader("stated_numbers", stated_numbers)
    yield Reader("feedback.told", feedbacks.told)
    yield Reader("feedback.reveals", lambda text: feedbacks.reveals(text, "18", AnswerKind.NUMBER))
    yield Reader("repair_source", lambda text: repair_source(QUESTION, text, text))


def _mutated(text: str, mutation: object) -> list[str]:
    source = Source.read(text, QUESTION)
    return [] if source is None else list(islice(variants(source, mutation, seed=0), VARIANTS))


def _of_decoding() -> Iterator[Reader]:
    yield Reader("execution.probe", execution.probe)
    for kind in PathKind:
        yield Reader(f"steps.steps_of, {kind}", lambda text, kind=kind: steps.steps_of(kind, text))
        yield Reader(f"steps.is_finished, {kind}", lambda text, kind=kind: steps.is_finished(kind, text))
    yield Reader("steps.without_end", steps.without_end)
    yield Reader("calculator.with_value", calculator.with_value)
    yield Reader("faithfulness.readable", faithfulness.readable)
    yield Reader("faithfulness.question_sentences", lambda text: faithfulness.question_sentences(_question(text)))
    tests = KnownTests.build([_question()])
    yield Reader("contamination.overlap", lambda text: tests.overlap(storable(text)))


def _of_pages() -> Iterator[Reader]:
    yield Reader("page.program", page.program)
    yield Reader("page.lines", page.lines)
    yield Reader("page.weight", page.weight)
    yield Reader(
        "samples.failing_line",
        lambda text: samples.failing_line(text, "NameError: name 'x' is not defined"),
        parses=True,
    )


def _question(text: str = QUESTION) -> Question:
    return Question("q", "gsm8k", "train", storable(text), "18", AnswerKind.NUMBER, ())
