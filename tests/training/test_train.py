"""Real DeepSpeed under real Ray Train, with two workers and a tiny student."""

import json
import math

import pytest
import torch
from safetensors import safe_open

from pad_ray.errors import DeadEndError, StageError
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.schema import Objective, Question
from pad_ray.tasks import arithmetic
from pad_ray.training.config import LoraConfig, TrainingConfig
from pad_ray.training.train import TrainingRun, Watch, train
from tests.training.conftest import FOLDERS, corpus_rows, write_corpus
from tests.training.matrix import plain_losses

QUESTIONS = 10


@pytest.fixture(scope="module")
def config(tiny_student):
    return TrainingConfig(
        student=str(tiny_student),
        epochs=2,
        workers=2,
        rows_per_step=8,
        tokens_per_pass=300,
        learning_rate=2e-3,
        warmup_share=0.0,
        precision="float32",
        zero_stage=2,
        rationale_weight=0.3,
        cpus_per_worker=0.5,
    )


@pytest.fixture
def make_run(tmp_path):
    """A run of programs and rationales, with the questions of its validation rows."""

    def make(name="run", objectives=(Objective.PROGRAM, Objective.RATIONALE)):
        return fill(RunDir(str(tmp_path / name)), objectives)

    return make


def fill(run, objectives):
    write_corpus(run, corpus_rows(QUESTIONS, objectives=objectives), corpus_rows(4, "test", objectives))
    problems = arithmetic.generate("test", 0)
    run.write_records("questions/train/part-000000.parquet", Question, [next(problems).question for _ in range(4)])
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return fill(RunDir(str(tmp_path_factory.mktemp("training"))), (Objective.PROGRAM, Objective.RATIONALE))


@pytest.fixture(scope="module")
def trained(local_ray, run, config):
    return train(TrainingRun(run, FOLDERS, "hash", config, 0), Progress())


def test_the_loss_equals_that_of_a_plain_pytorch_loop_on_the_same_rows(trained, run, config):
    assert [entry["loss"] for entry in trained.curve] == pytest.approx(plain_losses(run, config, 6), rel=1e-3)


def test_programs_and_rationales_have_their_own_losses(trained):
    for entry in [*trained.curve, *trained.validation]:
        assert entry["loss"] == pytest.approx(0.3 * entry["loss_rationale"] + 0.7 * entry["loss_program"])


def test_other_objectives_have_the_weights_of_the_recipe(local_ray, make_run, config):
    run = make_run(objectives=(Objective.PROGRAM, Objective.RATIONALE, Objective.ANSWER, Objective.REPAIR))
    changes = {"objective_weights": {Objective.ANSWER: 2.0, Objective.REPAIR: 0.25}, "max_steps": 3}
    changes |= {"validation_questions": 2, "validation_tokens": 4}
    weighed = config.model_copy(update=changes)
    trained = train(TrainingRun(run, FOLDERS, "four objectives", weighed, 0), Progress())
    expected = plain_losses(run, weighed, 3, corpus="four objectives")
    assert [entry["loss"] for entry in trained.curve] == pytest.approx(expected, rel=1e-4)
    asked = {name for name in trained.validation[-1] if name.startswith("accuracy")}
    assert asked == {"accuracy", "accuracy_program", "accuracy_rationale", "accuracy_answer"}


def test_the_validation_loss_falls_and_the_best_checkpoint_is_kept(trained):
    losses = [entry["loss"] for entry in trained.validation]
    assert losses[-1] < losses[0]
    assert trained.best_validation_loss == min(losses)
    assert (trained.rows, trained.left_out, trained.steps) == (2 * QUESTIONS, 0, 6)


def test_the_student_loads_in_transformers_with_its_tokenizer(trained, run, tiny_student):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = run.local_path("student")
    model = AutoModelForCausalLM.from_pretrained(folder)
    before = AutoModelForCausalLM.from_pretrained(tiny_student)
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), before.parameters(), strict=True))
    text = "def solution():\n    result = 3"
    tokenizers = [AutoTokenizer.from_pretrained(path) for path in (folder, tiny_student)]
    assert tokenizers[0](text) == tokenizers[1](text)
    assert tokenizers[0].chat_template == tokenizers[1].chat_template
    assert (folder / "generation_config.json").exists()
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert "lm_head.weight" not in weights.keys()  # noqa: SIM118


def test_the_model_card_names_corpus_and_recipe(trained, run):
    card = run.read_bytes("student/README.md").decode()
    assert "corpus `hash`" in card
    assert "learning_rate: 0.002" in card


def test_the_same_work_is_not_done_again(trained, run, config):
    checkpoints = sorted(run.local_path("checkpoints").iterdir())
    assert train(TrainingRun(run, FOLDERS, "hash", config, 0), Progress()) == trained
    assert sorted(run.local_path("checkpoints").iterdir()) == checkpoints


def test_the_training_is_recorded(trained, run):
    assert json.loads(run.read_bytes("student/training.json"))["key"] == trained.key


def test_adapters_of_an_encoder_decoder_are_merged_and_judged_by_executed_accuracy(
    local_ray, make_run, config, tiny_t5
):
    from transformers import AutoModelForSeq2SeqLM

    run = make_run(objectives=(Objective.PROGRAM,))
    changes = {"student": str(tiny_t5), "lora": LoraConfig(rank=2), "epochs": 1, "validation_questions": 3}
    changes |= {"validation_tokens": 8, "zero_stage": "auto"}
    result = train(TrainingRun(run, FOLDERS, "hash", config.model_copy(update=changes), 0, into="refined"), Progress())
    assert result.best_accuracy == 0.0
    merged = AutoModelForSeq2SeqLM.from_pretrained(run.local_path("refined"))
    assert not any("lora" in name for name, _ in merged.named_parameters())
    before = AutoModelForSeq2SeqLM.from_pretrained(tiny_t5)
    assert any(not torch.equal(a, b) for a, b in zip(merged.parameters(), before.parameters(), strict=True))


def test_a_loss_that_is_not_finite_ends_training_and_keeps_the_last_checkpoint(local_ray, make_run, config):
    run = make_run()
    changes = {"learning_rate": 1e30, "gradient_clip": 1e30, "checkpoint_every_steps": 1, "workers": 1}
    with pytest.raises(DeadEndError, match=r"training: step \d: the loss is .*(nan|inf).*--training.learning_rate"):
        train(TrainingRun(run, FOLDERS, "hash", config.model_copy(update=changes), 0), Progress())
    (meta,) = run.local_path("checkpoints").glob("*/checkpoint_*/meta.json")
    assert all(math.isfinite(entry["loss"]) for entry in json.loads(meta.read_text())["history"]["curve"])
    assert not run.exists("student")


def test_a_watcher_can_end_a_run_which_keeps_its_checkpoint(local_ray, make_run, config):
    run, seen = make_run(), []

    def validated(entry):
        seen.append(entry)
        watch.ended.set()

    watch = Watch(validated)
    changes = {"epochs": 400, "patience": 10_000, "validate_every_steps": 2}
    with pytest.raises(StageError, match="ended from outside"):
        train(TrainingRun(run, FOLDERS, "hash", config.model_copy(update=changes), 0), Progress(), watch)
    assert seen[0]["step"] == 2 and seen[0]["loss"] > 0
    (meta,) = run.local_path("checkpoints").glob("*/checkpoint_*/meta.json")
    # Without the watcher it would take 1,200 steps.
    assert json.loads(meta.read_text())["step"] < 600
    assert not run.exists("student")


def test_rows_that_are_all_too_long_are_an_error_before_any_worker_starts(local_ray, run, config):
    short = config.model_copy(update={"max_tokens": 8})
    with pytest.raises(DeadEndError, match=r"none of the 20 rows of corpus/train fits into 8 tokens; raise --training"):
        train(TrainingRun(run, FOLDERS, "hash", short, 0), Progress())


def test_an_empty_corpus_is_an_error_before_any_worker_starts(local_ray, tmp_path, config):
    with pytest.raises(StageError, match="training: corpus/train has no rows"):
        train(TrainingRun(RunDir(str(tmp_path)), FOLDERS, "hash", config, 0), Progress())
