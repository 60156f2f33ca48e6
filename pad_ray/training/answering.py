"""The student answers the probes of a validation."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pad_ray.paths.reading import Answer, outcome_of, read_verdict
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig
from pad_ray.sandbox.judgement import judge_each
from pad_ray.schema import Objective, Outcome

if TYPE_CHECKING:
    from pad_ray.training.worker import WorkerState
from pad_ray.training.probes import Completion, Probe

# Prompts that a worker completes in one batch.
PROMPTS = 16


def accuracies(worker: "WorkerState") -> dict[str, float]:
    """The shares of probes that the student answers correctly, greedily; the first worker executes its programs.

    `accuracy` selects the checkpoint: it is the mean over the objectives with equal weights. If there are several, each has
    an `accuracy_<objective>` too.
    """
    import torch
    import torch.distributed as dist

    probes = worker.task.probes
    own = probes[worker.rank :: worker.workers]
    # Under ZeRO-3 all workers generate together, so all need the same number of rounds.
    rounds = -(-len(probes) // (worker.workers * PROMPTS))
    own_completions: list[Completion] = []
    for number in range(rounds):
        own_completions += _complete(worker, own[number * PROMPTS : (number + 1) * PROMPTS])
    gathered: list[Any] = [None] * worker.workers
    dist.all_gather_object(gathered, own_completions)
    completions = [gathered[place % worker.workers][place // worker.workers] for place in range(len(probes))]
    right = [0.0] * len(probes)
    if worker.rank == 0:
        right = [float(one) for one in answered_right(probes, completions, worker.task.sandbox)]
    return shares_right(probes, worker.over_workers(torch.tensor(right)).tolist())


def shares_right(probes: Sequence[Probe], right: Sequence[float]) -> dict[str, float]:
    """`accuracy`, and `accuracy_<objective>` if there are several objectives."""
    by_objective: dict[Objective, list[float]] = {}
    for probe, one in zip(probes, right, strict=True):
        by_objective.setdefault(probe.objective, []).append(one)
    each = {f"accuracy_{objective}": sum(some) / len(some) for objective, some in by_objective.items()}
    return {"accuracy": sum(each.values()) / len(each), **(each if len(each) > 1 else {})}


def _complete(worker: "WorkerState", probes: Sequence[Probe]) -> list[Completion]:
    """Greedy completions. Without probes, generate a dummy completion and return none."""
    import torch

    student = worker.student
    tokenizer = student.tokenizer
    tokenizer.padding_side = "right" if student.encodes else "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    prompts = [probe.prompt for probe in probes] or ["-"]
    inputs = tokenizer(prompts, padding=True, return_tensors="pt", return_token_type_ids=False).to(worker.engine.device)
    with torch.no_grad():
        generated = worker.engine.module.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=worker.config.validation_tokens,
            pad_token_id=tokenizer.pad_token_id,
            synced_gpus=worker.placement.stage == 3,
        )
    generated = generated if student.encodes else generated[:, inputs["input_ids"].shape[1] :]
    texts = tokenizer.batch_decode(generated, skip_special_tokens=True)
    ended = torch.isin(generated, _end_ids(worker).to(generated.device)).any(dim=1).tolist()
    return [Completion(text, not end) for text, end in zip(texts, ended, strict=True)][: len(probes)]


def _end_ids(worker: "WorkerState") -> Any:
    """The student's end-of-text tokens."""
    import torch

    given = worker.engine.module.generation_config.eos_token_id
    ids = [worker.student.tokenizer.eos_token_id] if given is None else given
    return torch.tensor(ids).flatten()


def answered_right(probes: Sequence[Probe], completions: Sequence[Completion], config: SandboxConfig) -> list[bool]:
    """Whether each probe is answered correctly; programs are executed in one batch."""
    readings = [probe.read(completion) for probe, completion in zip(probes, completions, strict=True)]
    executed = _executed([one for one in readings if isinstance(one, Candidate)], config)
    answers = [next(executed) if isinstance(one, Candidate) else one for one in readings]
    return [
        outcome_of(probe.question, answer)[0] is Outcome.ACCEPTED for probe, answer in zip(probes, answers, strict=True)
    ]


def _executed(programs: Sequence[Candidate], config: SandboxConfig) -> Iterator[Answer]:
    if not programs:
        return iter([])
    with Sandbox(config) as sandbox:
        verdicts = judge_each(sandbox, programs)
    return iter(
        [read_verdict(one.program, verdict, one.answer_kind) for one, verdict in zip(programs, verdicts, strict=True)]
    )
