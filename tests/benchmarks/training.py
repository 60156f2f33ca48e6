"""Our training loop compared with the transformers Trainer with padding: target tokens per second, and peak memory.

    python -m tests.benchmarks.training [--workers 1] [--steps 5] [--student smollm2-135m] [--rows-per-step 16]
        [--precision bfloat16]

Both train the same student under Ray Train and DeepSpeed (ZeRO 1, the same precision with float32 masters, torch's AdamW,
the same settings) on the same rows in the same order, half programs of `arithmetic`, half rationales of GSM8K (--data-dir or
PAD_RAY_DATA), as many a step. The Trainer has each worker's rows of a step in one padded batch. The first step, which
warms up, is left out. Exit status 0: ours is at least 1.3 times as fast.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import numpy as np

from pad_ray.models import resolve
from pad_ray.paths import Program, Rationale
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.schema import CorpusRow, Objective
from pad_ray.tasks import arithmetic, get_task
from pad_ray.training.config import TrainingConfig
from pad_ray.training.train import TrainingRun, train

WANTED_RATIO = 1.3
FOLDERS = {"train": "corpus/train", "validation": "corpus/validation"}
THREADS = os.cpu_count() or 1


def corpus(count: int, data_dir: str) -> list[CorpusRow]:
    """Rows of mixed lengths, alternating programs and rationales."""
    rows = []
    lines = (Path(data_dir) / "gsm8k/train.jsonl").read_text().splitlines()
    questions = get_task("gsm8k").load("train", data_dir, count, 0)
    answers = {item["question"].strip(): item["answer"] for item in map(json.loads, lines)}
    for problem, question in zip(islice(arithmetic.generate("train", 0), count // 2), questions, strict=False):
        programs = problem.question
        rows.append(row(programs.question_id, Objective.PROGRAM, Program().source(programs), problem.reference_program))
        rationale = answers[question.text.strip()]
        rows.append(row(question.question_id, Objective.RATIONALE, Rationale().source(question), rationale))
    return rows


def row(question_id: str, objective: Objective, source: str, target: str) -> CorpusRow:
    return CorpusRow(f"{question_id}-{objective}", question_id, "d", objective, source, target)


class Speeds:
    """Receives the tracked values of the loop."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []

    def log(self, step: int, values: dict[str, float]) -> None:
        if "seconds" in values:
            self.steps.append({"step": step, **values})


def ours(run: RunDir, config: TrainingConfig) -> dict[str, float]:
    speeds = Speeds()
    train(TrainingRun(run, FOLDERS, "hash", config, 0), Progress(track=lambda stage: nullcontext(speeds)))
    steps = speeds.steps[1:]
    tokens = sum(step["target_tokens_per_s"] * step["seconds"] for step in steps)
    seconds = sum(step["seconds"] for step in steps)
    losses = [step["loss"] for step in speeds.steps]
    return {"tokens": tokens, "seconds": seconds, "peak_memory_mib": steps[-1]["peak_memory_mib"], "losses": losses}


def examples(run: RunDir, config: TrainingConfig) -> list[dict[str, list[int]]]:
    """The rows of our first steps in their order, with labels only for the target."""
    from pad_ray.training.batches import epoch_steps
    from pad_ray.training.tokens import open_tokens, tokenise

    table = open_tokens(run, tokenise(run, FOLDERS, "hash", config.student, config.max_tokens).folder, "train")
    ordered = np.concatenate(epoch_steps(table, config.rows_per_step, 0, 0, paired=True)[: config.max_steps])
    found = []
    for example in map(table.example, ordered.tolist()):
        prompt = len(example.ids) - example.target_tokens
        found.append({"input_ids": example.ids.tolist(), "labels": [-100] * prompt + example.ids[prompt:].tolist()})
    return found


def trainer_worker(arguments: dict) -> None:
    """The function that Ray Train runs on every worker: the Trainer, as in its documentation."""
    import ray.train
    import torch
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    config, rows = arguments["config"], arguments["rows"]
    weights = resolve(config.student).path
    tokenizer = AutoTokenizer.from_pretrained(weights)
    per_worker = config.rows_per_step // config.workers
    ends = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            ends.append(time.monotonic())

    settings = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=per_worker,
        max_steps=config.max_steps,
        learning_rate=config.learning_rate,
        max_grad_norm=config.gradient_clip,
        bf16=config.precision == "bfloat16",
        use_cpu=not torch.cuda.is_available(),
        deepspeed=arguments["deepspeed"],
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        train_sampling_strategy="sequential",
    )
    trainer = Trainer(
        model=AutoModelForCausalLM.from_pretrained(weights, dtype=getattr(torch, config.precision)),
        args=settings,
        train_dataset=rows,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        callbacks=[Clock()],
    )
    trainer.train()
    after_first = rows[config.rows_per_step :]
    tokens = sum(sum(label != -100 for label in one["labels"]) for one in after_first)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    measured = {"tokens": tokens, "seconds": ends[-1] - ends[0], "peak_memory_mib": peak, "losses": losses}
    if ray.train.get_context().get_world_rank() == 0:
        Path(arguments["result"]).write_text(json.dumps(measured))


def theirs(config: TrainingConfig, rows: list[dict[str, list[int]]]) -> dict[str, float]:
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from pad_ray.training.deepspeed_config import Placement, deepspeed_settings

    settings = deepspeed_settings(config, Placement(1, "none"))
    settings["train_micro_batch_size_per_gpu"] = config.rows_per_step // config.workers
    environment = {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": str(max(1, THREADS // config.workers))}
    # Ray Train keeps only metrics that are reported with a checkpoint.
    result = Path(tempfile.mkdtemp()) / "result.json"
    trainer = TorchTrainer(
        trainer_worker,
        train_loop_config={"config": config, "rows": rows, "deepspeed": settings, "result": str(result)},
        scaling_config=ScalingConfig(num_workers=config.workers, resources_per_worker={"CPU": 0.5}),
        run_config=RunConfig(storage_path=tempfile.mkdtemp(), worker_runtime_env={"env_vars": environment}),
    )
    trainer.fit()
    found: dict[str, float] = json.loads(result.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--student", default="smollm2-135m")
    parser.add_argument("--rows-per-step", type=int, default=16)
    parser.add_argument("--precision", default="bfloat16", choices=["float32", "bfloat16"])
    parser.add_argument("--data-dir", default=os.environ.get("PAD_RAY_DATA"))
    asked = parser.parse_args()

    import ray

    ray.init(address="local", num_cpus=THREADS, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    run = RunDir(tempfile.mkdtemp())
    rows = corpus(asked.steps * asked.rows_per_step, asked.data_dir)
    run.write_records("corpus/train/part-00000.parquet", CorpusRow, rows)
    run.write_records("corpus/validation/part-00000.parquet", CorpusRow, rows[:2])
    config = TrainingConfig(
        student=asked.student, workers=asked.workers, rows_per_step=asked.rows_per_step, max_steps=asked.steps, epochs=1,
        warmup_share=0.0, zero_stage=1, precision=asked.precision, cpus_per_worker=0.5,
    )  # fmt: skip
    packed = ours(run, config)
    padded = theirs(config, examples(run, config))
    ray.shutdown()
    report(packed, padded)


def report(packed: dict, padded: dict) -> None:
    rates = [side["tokens"] / side["seconds"] for side in (packed, padded)]
    for name, side, rate in zip(("ours", "Trainer"), (packed, padded), rates, strict=True):
        losses = " ".join(f"{loss:.3f}" for loss in side["losses"])
        print(f"{name}: {rate:.1f} target tokens/s, peak {side['peak_memory_mib']:.0f} MiB a worker; losses {losses}")
    print(f"ratio {rates[0] / rates[1]:.2f}, memory {packed['peak_memory_mib'] / padded['peak_memory_mib']:.2f}")
    sys.exit(rates[0] < WANTED_RATIO * rates[1])


if __name__ == "__main__":
    main()
