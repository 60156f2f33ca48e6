from dataclasses import replace
from itertools import islice

import pytest

from pad_ray.errors import InputError
from pad_ray.paths import PATHS
from pad_ray.paths.demonstrations import BORROWED, assert_not_in_test, load_sets
from pad_ray.paths.rationale import judge_rationale
from pad_ray.paths.socratic import judge_socratic
from pad_ray.sandbox import Candidate, Sandbox, judge
from pad_ray.schema import Outcome, PathKind
from pad_ray.tasks import get_task

# Number of sets of each kind.
OWN = {
    "arithmetic": {PathKind.PROGRAM: 2, PathKind.RATIONALE: 2, PathKind.SOCRATIC: 2},
    "coin_flip": {PathKind.PROGRAM: 1},
    "last_letters": {PathKind.PROGRAM: 1},
}
PUBLISHED = {
    "gsm8k": {PathKind.PROGRAM: 4, PathKind.RATIONALE: 2, PathKind.SOCRATIC: 2},
    "strategyqa": {PathKind.PROGRAM: 1, PathKind.RATIONALE: 1},
    "strategyqa_with_facts": {PathKind.PROGRAM: 1, PathKind.RATIONALE: 1},
}
OWN_KINDS = [(task, kind) for task, kinds in OWN.items() for kind in kinds]
PUBLISHED_KINDS = [(task, kind) for task, kinds in PUBLISHED.items() for kind in kinds]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def verdicts(demonstrations, kind, sandbox):
    problems = [(d.text, d.question.gold, d.question.answer_kind, d.question.text) for d in demonstrations]
    if kind is PathKind.PROGRAM:
        return judge(sandbox, [Candidate("d", *fields) for fields in problems])
    one = judge_rationale if kind is PathKind.RATIONALE else judge_socratic
    return [one("d", text, gold, answer_kind) for text, gold, answer_kind, _ in problems]


def check_sets(task, kind, data_dir, sandbox):
    """Every set has four demonstrations that parse as their kind and are right."""
    for shown in load_sets(task, kind, data_dir):
        assert [verdict.outcome for verdict in verdicts(shown, kind, sandbox)] == [Outcome.ACCEPTED] * 4
        parsed = [PATHS[kind]().parse(d.text) for d in shown]
        assert [(one.text, one.failure) for one in parsed] == [(d.text.strip(), None) for d in shown]


@pytest.mark.parametrize(("task", "kind"), OWN_KINDS)
def test_our_own_questions_are_solved(task, kind, sandbox):
    check_sets(task, kind, None, sandbox)


@pytest.mark.data
@pytest.mark.parametrize(("task", "kind"), PUBLISHED_KINDS)
def test_published_train_questions_are_solved(task, kind, sandbox, data_dir):
    check_sets(task, kind, data_dir, sandbox)
    assert {d.question.split for shown in load_sets(task, kind, data_dir) for d in shown} == {"train"}


def test_a_truncated_train_split_is_refused(tmp_path):
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k/train.jsonl").write_text('{"question": "How many is 3 and 4?", "answer": "#### 7"}\n')
    with pytest.raises(
        InputError, match=r"gsm8k: demonstrations use train row \d+, but the split has 1 rows; provide the whole split"
    ):
        load_sets("gsm8k", PathKind.PROGRAM, tmp_path)


@pytest.mark.data
@pytest.mark.parametrize("task", [*OWN, *PUBLISHED])
def test_sets_of_each_kind_differ(task, data_dir):
    for kind, count in (OWN | PUBLISHED)[task].items():
        sets = load_sets(task, kind, data_dir)
        questions = {d.question.question_id for shown in sets for d in shown}
        assert (len(sets), len(questions)) == (count, 4 * count)


@pytest.mark.parametrize("task", OWN)
def test_our_own_questions_are_in_no_split(task):
    for split in ("train", "validation"):
        split_questions = get_task(task).load(split, None, 2000)
        for kind in OWN[task]:
            assert_not_in_test(load_sets(task, kind, None), split_questions)


def test_generated_test_questions_are_not_shown():
    generate = get_task("arithmetic").generate
    for seed in range(3):
        tested = list(islice(generate("test", seed), 2000))
        assert_not_in_test(load_sets("arithmetic", PathKind.PROGRAM, None), tested)


@pytest.mark.data
@pytest.mark.parametrize("task", [*PUBLISHED, *BORROWED, "coin_flip", "last_letters"])
def test_published_test_questions_are_not_shown(task, data_dir):
    tested = get_task(task).load("test", data_dir)
    assert_not_in_test(load_sets(task, PathKind.PROGRAM, data_dir), tested)


def test_a_demonstration_from_the_test_questions_is_named():
    sets = load_sets("arithmetic", PathKind.PROGRAM, None)
    shown = sets[0][1].question
    tested = replace(shown, text=shown.text.upper().replace(" ", "  "), split="test")
    with pytest.raises(InputError, match=r"arithmetic: the demonstration 'A coat costs .* is a test question"):
        assert_not_in_test(sets, [tested])


@pytest.mark.data
def test_transfer_sets_borrow_demonstrations(data_dir):
    assert load_sets("svamp", PathKind.SOCRATIC, data_dir) == load_sets("gsm8k", PathKind.SOCRATIC, data_dir)


def test_the_error_for_a_task_without_demonstrations_says_where_to_add_them():
    with pytest.raises(InputError, match="bbh: no demonstrations; add"):
        load_sets("bbh", PathKind.PROGRAM, None)


def test_the_error_for_a_kind_without_demonstrations_says_where_to_add_them():
    with pytest.raises(InputError, match=r"coin_flip: no socratic demonstrations; add some to .*coin_flip.yaml"):
        load_sets("coin_flip", PathKind.SOCRATIC, None)
