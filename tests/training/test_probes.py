"""Validation questions in training: their choice, the reading of answers, and the accuracy."""

import asyncio
from types import SimpleNamespace

import pytest
import torch

from pad_ray.decoding.base import solve_question
from pad_ray.decoding.greedy import Greedy
from pad_ray.errors import DeadEndError
from pad_ray.run.folder import RunDir
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.schema import Objective, Question
from pad_ray.tasks import arithmetic
from pad_ray.training.answering import _complete, answered_right, shares_right
from pad_ray.training.config import TrainingConfig
from pad_ray.training.probes import Completion, Probe, choose_probes
from pad_ray.training.students import load_student
from tests.decoding.engines import WrittenEngine, make_question, tools
from tests.training.conftest import corpus_rows, write_corpus

PROGRAM, RATIONALE, SOCRATIC, ANSWER = (
    Objective.PROGRAM,
    Objective.RATIONALE,
    Objective.UNIFIED_SOCRATIC,
    Objective.ANSWER,
)
RIGHT = "def solution():\n    return 3 * 4\n"
CASES = [
    (PROGRAM, RIGHT, False, True),
    (PROGRAM, f"```python\n{RIGHT}```\n", False, True),
    (PROGRAM, f"{RIGHT}\nQuestion: And of 3 trees?\nSolution:\ndef sol", True, True),
    (PROGRAM, "def solution():\n    return 12", True, False),
    (PROGRAM, "def solution():\n    return 7\n", False, False),
    (RATIONALE, "3 trees of 4: 3 * 4 = 12\n#### 12", False, True),
    # As in an evaluation, only the answer counts, not the steps.
    (RATIONALE, "<<3*4=13>> and one less\n#### 12", False, True),
    (RATIONALE, "3 trees of 4. The answer is 12.", False, True),
    (RATIONALE, "3 * 4 = 12\n#### 12\n\nQuestion: And of 3 bushes?\nAnswer:\n#### 9", True, True),
    (RATIONALE, "She has 12 apples. She eats 2 of the 12", True, False),
    (RATIONALE, "3 + 4 = 7\n#### 7", False, False),
    (SOCRATIC, "How many? ** 3 * 4 = 12\n#### 12", False, True),
    (SOCRATIC, "3 * 4 = 12\n#### 12", False, True),
    (SOCRATIC, "How many? ** 3 * 4 = 12 apples", True, False),
    (ANSWER, "#### 12", False, True),
    (ANSWER, "12", False, True),
    (ANSWER, "#### 7", False, False),
]


def test_training_and_evaluation_read_answers_in_the_same_way():
    probes = [Probe(make_question(), objective) for objective, *_ in CASES]
    completions = [Completion(text, cut) for _, text, cut, _ in CASES]
    expected = [right for *_, right in CASES]
    assert answered_right(probes, completions, SandboxConfig()) == expected
    with Sandbox() as sandbox:
        assert asyncio.run(evaluated(probes, completions, sandbox)) == expected


async def evaluated(probes, completions, sandbox):
    """The results of an evaluation of the same completions, which an engine cuts at the start of the next question."""
    solutions = []
    for probe, completion in zip(probes, completions, strict=True):
        text, ended, _ = completion.text.partition("\nQuestion:")
        engine = WrittenEngine(lambda request, text=text: text, "length" if completion.cut and not ended else "stop")
        solutions.append(await solve_question(probe.question, Greedy(path=probe.kind), tools(engine, sandbox)))
    return [solution.correct for solution in solutions]


def test_every_objective_that_answers_questions_is_probed(tmp_path):
    objectives = (PROGRAM, RATIONALE, ANSWER, Objective.DECOMPOSE, Objective.REPAIR)
    run = RunDir(str(tmp_path))
    write_corpus(run, corpus_rows(2), corpus_rows(4, "test", objectives))
    problems = arithmetic.generate("test", 0)
    questions = [next(problems).question for _ in range(4)]
    run.write_records("questions/train/part-000000.parquet", Question, questions)
    probes = choose_probes(run, "corpus/validation", 3)
    asked = sorted(question.question_id for question in questions)[:3]
    assert [(probe.objective, probe.question.question_id) for probe in probes] == [
        (objective, name) for objective in (PROGRAM, RATIONALE, ANSWER) for name in asked
    ]
    assert [probe.prompt.rsplit("\n", 2)[1] for probe in probes[::3]] == ["Solution:", "Answer:", "Final answer:"]
    assert choose_probes(run, "corpus/validation", 0) == []


def test_a_corpus_without_answers_cannot_be_probed(tmp_path):
    run = RunDir(str(tmp_path))
    write_corpus(run, corpus_rows(2), corpus_rows(2, "test", (Objective.DECOMPOSE,)))
    with pytest.raises(DeadEndError, match="no row with a whole path"):
        choose_probes(run, "corpus/validation", 3)


def test_all_objectives_weigh_the_same_in_the_accuracy():
    probes = [Probe(make_question(str(number)), PROGRAM) for number in range(4)]
    assert shares_right(probes, [1, 1, 1, 0]) == {"accuracy": 0.75}
    probes += [Probe(make_question("5"), RATIONALE)]
    assert shares_right(probes, [1, 1, 1, 0, 0]) == {
        "accuracy": 0.375,
        "accuracy_program": 0.75,
        "accuracy_rationale": 0.0,
    }


@pytest.fixture
def worker(tiny_student):
    config = TrainingConfig(precision="float32", validation_tokens=6)
    student = load_student(tiny_student, config)
    student.model.eval()
    engine = SimpleNamespace(module=student.model, device="cpu")
    return SimpleNamespace(student=student, engine=engine, config=config, placement=SimpleNamespace(stage=0))


def test_an_answer_is_cut_unless_the_student_ends_it(worker):
    probes = [Probe(make_question(), PROGRAM), Probe(make_question("How many pears and plums?"), RATIONALE)]
    made = _complete(worker, probes)
    assert [one.cut for one in made] == [True, True]
    (first,) = _complete(worker, probes[:1])
    inputs = worker.student.tokenizer(probes[0].prompt, return_tensors="pt")
    with torch.no_grad():
        following = int(worker.student.model(inputs["input_ids"]).logits[0, -1].argmax())
    worker.student.model.generation_config.eos_token_id = [following]
    (ended,) = _complete(worker, probes[:1])
    assert (first.cut, ended.cut) == (True, False)
    assert len(ended.text) < len(first.text)
