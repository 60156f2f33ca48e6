"""A real DeepSpeed on two workers, under a real Ray Train, on a tiny student."""

import json

import pytest
import torch

from pad_ray.errors import StageError
from pad_ray.paths import Program
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.schema import CorpusRow, Objective
from pad_ray.tasks import arithmetic
from pad_ray.training.batches import collate, encode, epoch_order, steps_of
from pad_ray.training.config import TrainingConfig
from pad_ray.training.train import train

FOLDERS = {"train": "corpus/train", "validation": "corpus/validation"}
ROWS = 20


@pytest.fixture(scope="module")
def config(tiny_student):
    return TrainingConfig(
        student=str(tiny_student),
        epochs=2,
        workers=2,
        rows_per_step=8,
        rows_per_pass=3,
        learning_rate=2e-3,
        warmup_share=0.0,
        precision="float32",
        zero_stage=2,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = RunDir(str(tmp_path_factory.mktemp("training")))
    problems = arithmetic.generate("train", 0)
    for folder, count in {"corpus/train": ROWS, "corpus/validation": 4}.items():
        rows = [_row(next(problems)) for _ in range(count)]
        run.write_records(f"{folder}/part-00000.parquet", CorpusRow, rows)
    return run


def _row(problem):
    question = problem.question
    source = Program().source(question)
    return CorpusRow(
        question.question_id,
        question.question_id,
        "d",
        Objective.PROGRAM,
        source,
        problem.reference_program,
    )


@pytest.fixture(scope="module")
def trained(local_ray, run, config):
    return train(run, FOLDERS, "hash", config, seed=0, progress=Progress())


def test_the_loss_is_that_of_a_plain_pytorch_loop_on_the_same_rows(trained, run, config, tiny_student):
    assert [entry["loss"] for entry in trained.curve] == pytest.approx(
        _plain_losses(run, config, tiny_student), rel=1e-3
    )


def _plain_losses(run, config, student):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(student)
    model = AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32).train()
    examples, _ = encode(run.read_records("corpus/train", CorpusRow), tokenizer, config.max_tokens)
    steps = [step for epoch in range(2) for step in steps_of(epoch_order(ROWS, 0, epoch), config.rows_per_step)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=0.0)
    losses = []
    for number, step in enumerate(steps):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * min(1.0, (len(steps) - number) / (len(steps) - 1))
        batch = collate([examples[row] for row in step], tokenizer.pad_token_id)
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def test_the_validation_loss_falls_and_its_best_is_kept(trained):
    losses = [entry["loss"] for entry in trained.validation]
    assert losses[-1] < losses[0]
    assert trained.best_validation_loss == min(losses)
    assert (trained.rows, trained.left_out, trained.steps) == (ROWS, 0, 6)


def test_the_student_loads_in_transformers_with_its_tokenizer(trained, run, tiny_student):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = run.local_path("student")
    model = AutoModelForCausalLM.from_pretrained(folder)
    before = AutoModelForCausalLM.from_pretrained(tiny_student)
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), before.parameters(), strict=True))
    text = "def solution():\n    result = 3"
    tokenizers = [AutoTokenizer.from_pretrained(path) for path in (folder, tiny_student)]
    assert tokenizers[0](text) == tokenizers[1](text)


def test_the_same_work_is_not_done_again(trained, run, config):
    checkpoints = sorted(run.local_path("checkpoints").iterdir())
    assert train(run, FOLDERS, "hash", config, seed=0, progress=Progress()) == trained
    assert sorted(run.local_path("checkpoints").iterdir()) == checkpoints


def test_rows_that_are_all_too_long_are_an_error_before_any_worker_starts(run, config):
    short = config.model_copy(update={"max_tokens": 8})
    with pytest.raises(StageError, match=r"none of the 20 rows of corpus/train fits into 8 tokens; raise --training"):
        train(run, FOLDERS, "hash", short, seed=0, progress=Progress())


def test_what_was_trained_is_written_down(trained, run):
    assert json.loads(run.read_bytes("student/training.json"))["key"] == trained.key
