"""A run folder like those of the jobs, quick to write, with a ledger that matches its tables."""

import json
import random
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from pad_ray.schema import (
    AnswerKind,
    CorpusRow,
    Draft,
    Objective,
    Outcome,
    PathKind,
    Question,
    Solution,
    Verdict,
    content_id,
    to_table,
)

PROGRAM = '''def solution():
    """{question}"""
    apples_at_first = {a}
    apples_bought = {b}
    apples_eaten = 3  # one a day, from Monday to Wednesday
    result = apples_at_first + apples_bought * 2 - apples_eaten
    return result
'''
FEEDBACK = {
    Outcome.ACCEPTED: "",
    Outcome.WRONG_ANSWER: "The program runs, but its answer is not the expected one.",
    Outcome.NAME_ERROR: "NameError: name 'apples_left' is not defined (line 6)",
    Outcome.SYNTAX_ERROR: "SyntaxError: '(' was never closed (line 5)",
    Outcome.TIMEOUT: "The program did not finish within 2 s.",
    Outcome.NO_ANSWER: "solution() returned None.",
    Outcome.FORBIDDEN: "The program tried to open a file.",
}
WEIGHTS = {
    Outcome.ACCEPTED: 40,
    Outcome.WRONG_ANSWER: 38,
    Outcome.NAME_ERROR: 9,
    Outcome.SYNTAX_ERROR: 7,
    Outcome.NO_ANSWER: 4,
    Outcome.TIMEOUT: 1.5,
    Outcome.FORBIDDEN: 0.5,
}
DRAFTS_PER_QUESTION = 4


def apples(question: int) -> tuple[int, int]:
    return question % 50 + 3, question % 7 + 2


def make_questions(split: str, number: int, text: str) -> list[Question]:
    questions = []
    for index in range(number):
        a, b = apples(index)
        asked = text or (
            f"Mara has {a} apples. She buys {b} bags with two apples each, and eats one apple a day from Monday to "
            f"Wednesday. How many apples does she have on Thursday, if she gives none away?"
        )
        key = content_id(split, index)
        questions.append(Question(key, "arithmetic", split, asked, str(a + 2 * b - 3), AnswerKind.NUMBER, []))
    return questions


def make_drafts(questions: list[Question], number: int, text: str) -> list[Draft]:
    drafts = []
    for index in range(number):
        question = questions[index // DRAFTS_PER_QUESTION]
        a, b = apples(index // DRAFTS_PER_QUESTION)
        program = text or PROGRAM.format(question=question.text, a=a, b=b)
        key = content_id("draft", index)
        drafts.append(
            Draft(key, question.question_id, PathKind.PROGRAM, program, index % 4, "stop", 310, 96, -0.2, "scripted")
        )
    return drafts


def make_verdicts(questions: list[Question], drafts: list[Draft]) -> list[Verdict]:
    gold = {question.question_id: question.gold for question in questions}
    answers = {Outcome.WRONG_ANSWER: lambda draft: "7", Outcome.ACCEPTED: lambda draft: gold[draft.question_id]}
    chance = random.Random(17)
    outcomes = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=len(drafts))
    return [
        Verdict(draft.draft_id, outcome, answers.get(outcome, lambda draft: None)(draft), FEEDBACK[outcome], 1.6)
        for draft, outcome in zip(drafts, outcomes, strict=True)
    ]


def write_part(run: Path, folder: str, record: type, rows: list) -> None:
    """Write rows in two parts, like a stage with several blocks."""
    (run / folder).mkdir(parents=True, exist_ok=True)
    half = (len(rows) + 1) // 2
    for index, part in enumerate((rows[:half], rows[half:])):
        pq.write_table(to_table(record, part), run / folder / f"part-{index:05d}.parquet")


def write_tests(run: Path, task: str, questions: list[Question]) -> None:
    (run / "questions" / "test").mkdir(parents=True, exist_ok=True)
    pq.write_table(to_table(Question, questions), run / "questions" / "test" / f"{task}.parquet")


def stage(name: str, unit: str, rows_in: int, rows_out: int, rejected: dict[str, int], seconds: float) -> dict:
    return {
        "stage": name,
        "unit": unit,
        "rows_in": rows_in,
        "rows_out": rows_out,
        "rejected": rejected,
        "failed": rows_in - rows_out - sum(rejected.values()),
        "balanced": True,
        "seconds": seconds,
    }


def score(student: str, prompt: str, correct: int, interval: list[float], outcomes: dict[str, int]) -> dict:
    return {
        "task": "arithmetic",
        "split": "test",
        "student": student,
        "strategy": "greedy",
        "prompt": prompt,
        "questions": 200,
        "correct": correct,
        "accuracy": correct / 200,
        "interval": interval,
        "executable_rate": 0.71 if student == "before" else 0.965,
        "outcomes": outcomes,
        "completion_tokens": 18_344,
        "seconds": 93.2,
    }


def evaluated(score: dict) -> dict:
    wrong = {name: number for name, number in score["outcomes"].items() if name != "accepted"}
    return stage(f"evaluation.{score['student']}", "questions", 200, score["correct"], wrong, 93.2)


EVALUATION = [
    score(
        "before",
        "4-shot",
        12,
        [0.0344, 0.102],
        {"accepted": 12, "wrong_answer": 130, "syntax_error": 41, "timeout": 17},
    ),
    score("after", "0-shot", 72, [0.2966, 0.4286], {"accepted": 72, "wrong_answer": 121, "syntax_error": 7}),
]
PAIRED = {
    "task": "arithmetic",
    "a": "before",
    "b": "after",
    "questions": 200,
    "difference": 0.3,
    "interval": [0.231, 0.366],
    "p_value": 3.2e-15,
    "fixed": 63,
    "broken": 3,
    "test": "exact McNemar",
    "detectable": 0.11,
}
RECIPE = {
    "seed": 17,
    "questions": {"task": "arithmetic", "limit": 100, "test_limit": 200, "test_tasks": []},
    "teacher": {
        "model": "qwen2.5-coder-1.5b",
        "sampling": {"temperature": 0.7, "top_p": 0.95, "samples": 4, "max_new_tokens": 256},
        "api_key": "sk-not-for-the-page",
    },
    "sandbox": {"timeout_s": 2.0, "memory_mib": 512, "strict": True},
    "corpus": {"cap_per_question": 2, "validation_share": 0.1},
    "training": {
        "student": "smollm2-135m",
        "epochs": 3,
        "batch_size": 8,
        "learning_rate": 0.0002,
        "warmup_share": 0.03,
    },
}
ENVIRONMENT = {
    "versions": {
        "ray": "2.60.0",
        "torch": "2.13.0+cpu",
        "transformers": "5.19.0",
        "vllm": "0.32.0",
        "deepspeed": "0.19.8",
    },
    "python": "3.11.2",
    "commit": "9f3c1e07d2b84a66a1c5",
    "started": "2026-01-14T09:12:44+00:00",
}
PROTECTIONS = {
    "mode": "strict",
    "launcher": "bwrap",
    "landlock": "abi 7 fs+tcp+scope",
    "seccomp_zygote": True,
    "seccomp_child": True,
    "selftest": "3/3 blocked",
    "notes": [],
}


def training(steps: int) -> dict:
    noise = random.Random(3)
    curve = [
        {
            "step": step,
            "epoch": 3 * step / steps,
            "loss": 0.28 + 1.1 / (1 + step / 12) + noise.gauss(0, 0.025),
            "learning_rate": 2e-4,
        }
        for step in range(1, steps + 1)
    ]
    validation = [{"step": steps * (n + 1) // 3, "epoch": n + 1, "loss": (0.44, 0.38, 0.372)[n]} for n in range(3)]
    return {"steps": steps, "best_validation_loss": 0.372, "curve": curve, "validation": validation, "seconds": 512.7}


def write_run(run: Path, drafts: int = 400, question: str = "", text: str = "", steps: int = 180) -> Path:
    """Write a complete run; `question` and `text`, if given, are the text of every question and every draft."""
    run.mkdir(parents=True, exist_ok=True)
    asked = make_questions("train", -(-drafts // DRAFTS_PER_QUESTION), question)
    tests = make_questions("test", 200, question)
    made = make_drafts(asked, drafts, text)
    verdicts = make_verdicts(asked, made)
    accepted = [draft for draft, verdict in zip(made, verdicts, strict=True) if verdict.outcome == Outcome.ACCEPTED]
    kept, dropped = accepted[::2] + accepted[1::4], accepted[3::4]
    corpus = [
        CorpusRow(
            content_id("row", draft.draft_id), draft.question_id, draft.draft_id, Objective.PROGRAM, "q", draft.text
        )
        for draft in kept
    ]
    duplicates = [
        Verdict(draft.draft_id, Outcome.DUPLICATE, None, "A draft of this question says the same.", 0.0)
        for draft in dropped
    ]
    rejected = [verdict for verdict in verdicts if verdict.outcome != Outcome.ACCEPTED] + duplicates
    for folder, record, rows in (
        ("questions/train", Question, asked),
        ("drafts", Draft, made),
        ("verdicts", Verdict, verdicts),
        ("rejected", Verdict, rejected),
        ("corpus/train", CorpusRow, corpus[5:]),
        ("corpus/validation", CorpusRow, corpus[:5]),
    ):
        write_part(run, folder, record, rows)
    write_tests(run, "arithmetic", tests)
    counts = Counter(str(verdict.outcome) for verdict in verdicts)
    passed = counts.pop("accepted")
    stages = [
        stage("questions", "questions", len(asked) + len(tests), len(asked) + len(tests), {}, 1.2),
        stage("synthesis", "drafts", drafts, passed, dict(counts), 1312.4),
        stage("corpus", "programs", passed, len(corpus), {"duplicate": len(dropped)}, 3.3),
        stage("training", "rows", len(corpus[5:]), len(corpus[5:]), {}, 512.7),
        *(evaluated(score) for score in EVALUATION),
    ]
    metrics = {
        "evaluation": EVALUATION,
        "paired": [PAIRED],
        "synthesis": {
            "drafts": drafts,
            "accepted": passed,
            "yield": passed / drafts,
            "interval": [0.35, 0.43],
            "by_path": {"program": {"drafts": drafts, "accepted": passed}},
        },
        "corpus": {
            "train_rows": len(corpus) - 5,
            "validation_rows": 5,
            "questions": len(asked),
            "hash": "5be1c0ffee55aa01",
        },
        "training": training(steps),
        "sandbox": {"protections": PROTECTIONS},
    }
    for name, content in (("ledger", {"stages": stages}), ("metrics", metrics), ("environment", ENVIRONMENT)):
        (run / f"{name}.json").write_text(json.dumps(content))
    (run / "recipe.yaml").write_text(yaml.safe_dump(RECIPE, sort_keys=False))
    return run


def write_solutions(run: Path, label: str, right: Collection[int], tests: int = 200, *, chosen: bool = True) -> None:
    """Write a strategy's answers to the first test questions; those with a number in `right` are correct.

    The first of two paths is chosen; without `chosen` the choice is not recorded, as in runs of earlier versions.
    """
    solutions = []
    for number, question in enumerate(make_questions("test", tests, "")):
        a, b = apples(number)
        program = PROGRAM.format(question=question.text, a=a, b=b)
        correct = number in right
        path = program if correct else program.replace("return result", "return apples")
        solutions.append(
            Solution(
                question.question_id,
                label,
                [path, "def solution():\n    return unlikely"],
                Outcome.ACCEPTED if correct else Outcome.NAME_ERROR,
                question.gold if correct else None,
                question.gold,
                correct,
                "" if correct else "NameError: name 'apples' is not defined",
                60,
                0.5,
                path if chosen else "",
            )
        )
    write_part(run, f"solutions/arithmetic/{label}", Solution, solutions)


@pytest.fixture
def make_pair(tmp_path: Path) -> Callable[..., list[str]]:
    """Builds two runs whose students answer the questions with the given numbers correctly; the second has other settings."""

    def make(left: Collection[int], right: Collection[int], tests: int = 200) -> list[str]:
        runs = []
        for name, answered in (("programs", left), ("mixed", right)):
            run = write_run(tmp_path / name, drafts=40)
            write_solutions(run, "greedy", answered, tests)
            runs.append(run)
        recipe = RECIPE | {"seed": 18, "training": RECIPE["training"] | {"epochs": 5, "rationale_weight": 0.5}}
        (runs[1] / "recipe.yaml").write_text(yaml.safe_dump(recipe))
        return [str(run) for run in runs]

    return make


CAMPAIGN = {
    "name": "greedy or not",
    "kind": "decode",
    "objectives": [{"name": "accuracy", "direction": "max"}, {"name": "tokens", "direction": "min"}],
    "parameters": [
        {"name": "evaluation.samples", "kind": "int", "low": 1, "high": 16, "log": True},
        {"name": "evaluation.temperature", "kind": "float", "low": 0.1, "high": 1.2},
        {"name": "evaluation.kind", "kind": "choice", "values": ["vote", "mixed"]},
    ],
    "default_trial": "t0",
    "best_trial": "t3",
    "pareto": ["t1", "t3"],
    "test": {
        "default": {"correct": 60, "n": 200, "accuracy": 0.3, "low": 0.24, "high": 0.37},
        "best": {"correct": 76, "n": 200, "accuracy": 0.38, "low": 0.32, "high": 0.45},
        "difference": 0.08,
        "difference_low": 0.01,
        "difference_high": 0.15,
        "p_value": 0.03,
        "beats_default": True,
        "sentence": "The best settings beat the default at 200 test questions: 38.0 % against 30.0 %.",
    },
}


def make_trials() -> list[dict]:
    chance = random.Random(5)
    trials = []
    for number in range(24):
        samples = chance.choice([1, 2, 4, 8, 16])
        setting = {
            "evaluation.samples": samples,
            "evaluation.temperature": round(chance.uniform(0.1, 1.2), 2),
            "evaluation.kind": chance.choice(["vote", "mixed"]),
        }
        found = {"accuracy": 0.24 + 0.02 * samples**0.5 + chance.gauss(0, 0.02), "tokens": 60.0 * samples}
        trials.append(
            {"trial": f"t{number}", "state": "completed", "parameters": setting, "values": found, "seconds": 61}
        )
    trials[7] |= {"state": "stopped", "values": {"accuracy": 0.11}, "reused": ["synthesis"]}
    trials[9] |= {"state": "failed", "values": {}, "error": "engine <b>dies</b> again and again"}
    return trials


@pytest.fixture
def make_campaign(tmp_path: Path) -> Callable[..., Path]:
    def make(trials: list[dict] | None = None, run: Path = tmp_path / "campaign-run", **changes: object) -> Path:
        folder = run / "campaign"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "campaign.json").write_text(json.dumps(CAMPAIGN | changes))
        (folder / "trials.jsonl").write_text("".join(json.dumps(trial) + "\n" for trial in trials or make_trials()))
        return run

    return make


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    def make(**options: object) -> Path:
        return write_run(tmp_path / "arithmetic-smollm2", **options)

    return make
