import pytest

from pad_ray.paths import PATHS
from pad_ray.paths.base import Demonstration, Message
from pad_ray.schema import PathKind


@pytest.fixture
def sets(question):
    return tuple((Demonstration(question(f"How  many {n}?"), f"path {n}\n"),) for n in (1, 2, 3))


@pytest.mark.parametrize("kind", PathKind)
def test_a_prompt_shows_solved_questions_and_ends_with_the_students_prompt(kind, sets, question):
    path = PATHS[kind](sets)
    shown = path.source(question("How many 1?"))
    assert path.prompt(question("And now?")) == f"{shown}path 1\n\n{path.source(question('And now?'))}"


@pytest.mark.parametrize("kind", PathKind)
def test_a_prompt_without_demonstrations_is_zero_shot(kind, question):
    path = PATHS[kind]()
    assert path.prompt(question("How many?"), sample_index=5) == path.source(question("How many?"))


def test_every_kind_has_its_own_cue(question):
    assert len({PATHS[kind]().source(question("How many?")) for kind in PathKind}) == len(PathKind)


def test_samples_cycle_through_the_sets(sets, question):
    path = PATHS[PathKind.RATIONALE](sets)
    prompts = [path.prompt(question("And now?"), index) for index in range(6)]
    assert prompts[:3] == prompts[3:]
    assert len(set(prompts)) == 3


@pytest.mark.parametrize("kind", PathKind)
def test_a_chat_shows_solved_questions_as_turns(kind, sets, question):
    path = PATHS[kind](sets, chat=True)
    cue = path.cue
    assert path.prompt(question("And now?"), 1) == (
        Message("user", f"Question: How many 2?\n{cue}"),
        Message("assistant", "path 2"),
        Message("user", f"Question: And now?\n{cue}"),
    )


def test_a_chat_may_talk_before_its_program_and_plain_text_may_not():
    assert "\n```" in PATHS[PathKind.PROGRAM]().stop
    assert "\n```" not in PATHS[PathKind.PROGRAM](chat=True).stop


def test_facts_precede_the_question(question):
    assert PATHS[PathKind.PROGRAM]().source(question("Is it?", ["It is."])) == "Question: It is. Is it?\nSolution:\n"


def test_a_prompt_never_contains_the_questions_own_solution(sets, question):
    path = PATHS[PathKind.PROGRAM](sets)
    first_question = sets[0][0].question
    assert path.prompt(first_question, 0) == path.source(first_question)
    assert "path 2" in path.prompt(first_question, 1)
