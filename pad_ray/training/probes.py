"""Validation questions that a student answers while it is trained, so that accuracy can pick the best checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pad_ray.errors import DeadEndError, StageError
from pad_ray.paths import PATHS
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig, judge
from pad_ray.schema import Outcome, PathKind, Question, Verdict
from pad_ray.synthesis.questions import TRAIN as QUESTIONS
from pad_ray.synthesis.rows import WHOLE
from pad_ray.synthesis.verify import READERS

if TYPE_CHECKING:
    from pad_ray.training.worker import Worker

# Prompts that a worker completes at once.
PROMPTS = 16
KINDS = {objective: kind for kind, objective in WHOLE.items()}


@dataclass(frozen=True)
class Probe:
    """A question and the kind of path that is asked for."""

    question: Question
    path: PathKind

    @property
    def prompt(self) -> str:
        return PATHS[self.path]().source(self.question)


def choose_probes(run: RunDir, folder: str, count: int) -> list[Probe]:
    """`count` questions of the corpus in `folder`, those with the smallest ids, as programs where it has any.

    Raises:
        DeadEndError: no row of `folder` holds a whole path.
        StageError: the run does not hold its questions.
    """
    if not count:
        return []
    by_objective: dict[str, set[str]] = {}
    for part in run.parts(folder):
        for row in run.read_part(part, ["question_id", "objective"]).to_pylist():
            by_objective.setdefault(row["objective"], set()).add(row["question_id"])
    kind = next((objective for objective in KINDS if objective in by_objective), None)
    if kind is None:
        raise DeadEndError(
            f"training: {folder} has no row with a whole path, so its questions cannot be answered; leave out "
            "--training.validation_questions"
        )
    wanted = set(sorted(by_objective[kind])[:count])
    found = [question for question in run.iter_records(QUESTIONS, Question) if question.question_id in wanted]
    if len(found) < len(wanted):
        raise StageError(
            f"training: {QUESTIONS} holds {len(found)} of {len(wanted)} questions of {folder}; leave out "
            "--training.validation_questions"
        )
    return [Probe(question, KINDS[kind]) for question in found]


def accuracy(worker: "Worker") -> float:
    """The share of the probes that the student answers right, greedily; its programs are executed by the first worker."""
    import torch
    import torch.distributed as dist

    probes = worker.task.probes
    own = probes[worker.rank :: worker.workers]
    # Under ZeRO-3 all workers generate together, so that all have to do so equally often.
    rounds = -(-len(probes) // (worker.workers * PROMPTS))
    texts: list[str] = []
    for number in range(rounds):
        texts += _complete(worker, own[number * PROMPTS : (number + 1) * PROMPTS])
    gathered: list[Any] = [None] * worker.workers
    dist.all_gather_object(gathered, texts)
    answers = [
        (probes[rank + worker.workers * place], text)
        for rank, completed in enumerate(gathered)
        for place, text in enumerate(completed)
    ]
    right = _count_right(answers, worker.task.sandbox) if worker.rank == 0 else 0
    return float(worker.over_workers(torch.tensor(float(right)))) / len(probes)


def _complete(worker: "Worker", probes: Sequence[Probe]) -> list[str]:
    """Greedy completions. Without probes, one that nobody reads."""
    import torch

    student = worker.student
    tokenizer = student.tokenizer
    tokenizer.padding_side = "right" if student.encodes else "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    prompts = [probe.prompt for probe in probes] or ["-"]
    inputs = tokenizer(prompts, padding=True, return_tensors="pt", return_token_type_ids=False).to(worker.engine.device)
    with torch.no_grad():
        made = worker.engine.module.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=worker.config.validation_tokens,
            pad_token_id=tokenizer.pad_token_id,
            synced_gpus=worker.placement.stage == 3,
        )
    made = made if student.encodes else made[:, inputs["input_ids"].shape[1] :]
    return list(tokenizer.batch_decode(made, skip_special_tokens=True))[: len(probes)]


def _count_right(answers: Sequence[tuple[Probe, str]], config: SandboxConfig) -> int:
    verdicts = [_read(probe, text) for probe, text in answers if probe.path is not PathKind.PROGRAM]
    programs = [_candidate(probe, text) for probe, text in answers if probe.path is PathKind.PROGRAM]
    if programs:
        with Sandbox(config) as sandbox:
            verdicts += judge(sandbox, programs)
    return sum(verdict.outcome is Outcome.ACCEPTED for verdict in verdicts)


def _candidate(probe: Probe, text: str) -> Candidate:
    # Without the question's text the check for hard-coded answers is off: a student is scored on its answer alone.
    question = probe.question
    program = PATHS[probe.path]().parse(text).text
    return Candidate(question.question_id, program, question.gold, question.answer_kind, question_text=None)


def _read(probe: Probe, text: str) -> Verdict:
    question = probe.question
    path = PATHS[probe.path]().parse(text).text
    return READERS[probe.path](question.question_id, path, question.gold, question.answer_kind)
