"""Solutions and questions for tests of statistics; they differ only in the counted fields."""

from pad_ray.schema import AnswerKind, Outcome, Question, Solution

RIGHT, WRONG, CRASH = Outcome.ACCEPTED, Outcome.WRONG_ANSWER, Outcome.NAME_ERROR


def question(name, task="svamp", split="test", kind=AnswerKind.NUMBER):
    return Question(str(name), task, split, "How many?", "1", kind, [])


def solution(name, outcome, answer=None, gold="1", tokens=10, seconds=0.1):
    return Solution(str(name), "greedy", [""], outcome, answer, gold, outcome is RIGHT, "", tokens, seconds)


def run(table):
    """One solution per 1 or 0; each row of the table is a question."""
    return [
        solution(name, RIGHT if right else WRONG, "1" if right else "2")
        for name, row in enumerate(table)
        for right in (row if isinstance(row, list | tuple) else [row])
    ]
