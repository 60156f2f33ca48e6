"""Compare the losses of our loop with a plain PyTorch loop on the same rows: ZeRO stages x workers x packed and padded.

`python -m tests.training.matrix` prints the largest relative difference of each of the 16 cases.
"""

import itertools
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.schema import Objective
from pad_ray.training.batches import epoch_steps, steps_in_epoch
from pad_ray.training.config import TrainingConfig
from pad_ray.training.loop import learning_rate
from pad_ray.training.tokens import open_tokens, tokenise
from pad_ray.training.train import TrainingRun, train
from tests.training.conftest import FOLDERS, corpus_rows, write_corpus

STEPS = 30
LARGEST_DIFFERENCE = 1e-3


def plain_losses(run, config, steps, seed=0, corpus="hash"):
    """The losses of `steps` steps: one padded batch per step, torch's AdamW, no Ray, no DeepSpeed, no code of the loop.

    Only the rows of each step and the learning rates come from our code.
    """
    from transformers import AutoModelForCausalLM

    tokens = tokenise(run, FOLDERS, corpus, config.student, config.max_tokens)
    table = open_tokens(run, tokens.folder, "train")
    weight = config.rationale_weight if table.mixed else None
    in_epoch = steps_in_epoch(len(table), config.rows_per_step)
    total = min(config.epochs * in_epoch, config.max_steps or sys.maxsize)
    model = AutoModelForCausalLM.from_pretrained(config.student, dtype=torch.float32).train()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=config.weight_decay)
    losses = []
    for step in range(steps):
        epoch = epoch_steps(table, config.rows_per_step, seed, step // in_epoch, paired=weight is not None)
        examples = [table.example(row) for row in epoch[step % in_epoch]]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step, total)
        loss = plain_loss(model, examples, weight, config.objective_weights)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
        optimizer.step()
        losses.append(loss.item())
    return losses


def plain_loss(model, examples, weight, others=None):
    """The mean losses of objectives, weighted by their share of tokens, and by `weight` for rationales and programs."""
    by_objective = {}
    for example in examples:
        by_objective.setdefault(list(Objective)[example.objective], []).append(example)
    counted = {
        objective: (others or {}).get(objective, 1.0) * sum(row.target_tokens for row in rows)
        for objective, rows in by_objective.items()
    }
    shares = {objective: count / sum(counted.values()) for objective, count in counted.items()}
    if weight is not None:
        both = {Objective.RATIONALE: weight, Objective.PROGRAM: 1 - weight}
        together = sum(shares.get(objective, 0.0) for objective in both)
        shares |= {objective: part * together for objective, part in both.items() if objective in shares}
    return sum(share * _mean_loss(model, by_objective[objective]) for objective, share in shares.items())


def _mean_loss(model, examples):
    ids = [torch.tensor(example.ids.astype(np.int64)) for example in examples]
    labels = [row.clone() for row in ids]
    for row, example in zip(labels, examples, strict=True):
        row[: -example.target_tokens] = -100
    pad = torch.nn.utils.rnn.pad_sequence
    mask = pad([torch.ones_like(row) for row in ids], batch_first=True)
    padded = pad(labels, batch_first=True, padding_value=-100)
    return model(input_ids=pad(ids, batch_first=True), attention_mask=mask, labels=padded).loss


def difference(found, expected):
    return max(abs(a - b) / b for a, b in zip(found, expected, strict=True))


def main() -> None:
    """Make a tiny student and a corpus, and compare."""
    import ray

    os.environ.update(HF_HUB_OFFLINE="1", RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0")
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    folder = Path(tempfile.mkdtemp())
    student = make_student(folder)
    expected = None
    worst = 0.0
    stages = [int(word) for word in sys.argv[1:]] or [0, 1, 2, 3]
    for stage, workers, packing in itertools.product(stages, [1, 2], [True, False]):
        run = RunDir(str(folder / f"run-{stage}-{workers}-{packing}"))
        rows = corpus_rows(60, objectives=(Objective.PROGRAM, Objective.RATIONALE))
        write_corpus(run, rows, corpus_rows(4, "test"))
        config = TrainingConfig(
            student=str(student), precision="float32", learning_rate=2e-3, epochs=9, max_steps=STEPS, rows_per_step=8,
            tokens_per_pass=400, rationale_weight=0.3, zero_stage=stage, workers=workers, packing=packing,
            validate_every_steps=STEPS, cpus_per_worker=0.5,
        )  # fmt: skip
        expected = expected or plain_losses(run, config, STEPS)
        trained = train(TrainingRun(run, FOLDERS, "hash", config, 0), Progress())
        found = difference([entry["loss"] for entry in trained.curve], expected)
        worst = max(worst, found)
        print(f"ZeRO {stage}, {workers} workers, {'packed' if packing else 'padded'}: {found:.1e}", flush=True)
    ray.shutdown()
    print(f"losses {expected[0]:.3f} ... {expected[-1]:.3f}; largest difference {worst:.1e}")
    sys.exit(worst > LARGEST_DIFFERENCE)


def make_student(folder):
    """Create the tiny student of the tests."""
    from tests.conftest import make_tiny_student

    return make_tiny_student(folder / "tiny-student")


if __name__ == "__main__":
    main()
