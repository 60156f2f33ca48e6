"""Program paths (PaD, program-of-thought): the answer is the return value of a Python function `solution()`."""

import re
from dataclasses import dataclass
from itertools import islice

from pad_ray.paths.base import ParsedPath, ReasoningPath, without_thoughts
from pad_ray.paths.requirements import required
from pad_ray.paths.source import Parser, lines_of, returns, segments_of, statement_end
from pad_ray.schema import PathKind

FUNCTION = re.compile(r"def\s+solution\b")
_INDENTED_FUNCTION = re.compile(r"^[ \t]*def\s+solution\b", re.M)
_FENCE = re.compile(r"^\s*```(?:python)?\s*\n")
_GLUED = re.compile(r"(?<=\S)(?:`{3,}|</\w{1,20}>|\[/\w{1,20}\])")
NEXT_QUESTION = "Question:"
FUNCTIONS_READ = 8
"""If a completion has more than twice this number of `solution` functions, only this number of the first and last are read."""
CUTS = 8


class Program(ReasoningPath):
    """A path that is executed. The sandbox decides whether its text is a program at all (`pad_ray.sandbox.judge`)."""

    kind = PathKind.PROGRAM
    cue = "Solution:"
    next_question = (f"\n{NEXT_QUESTION}", "\n```")

    def parse(self, completion: str) -> ParsedPath:
        return ParsedPath(*_read(completion))


def parse(completion: str) -> str:
    """The program in a completion: its last function `solution` that is valid Python and returns something, after the
    imports, constants, functions and classes that it needs. Everything else is removed, including fences.

    A function that is not valid Python is cut after a `return` that ends its body, or else kept unchanged. A completion
    without `def solution` is only stripped, so that its verdict can say what is wrong.
    """
    return _read(completion)[0]


def is_complete(completion: str) -> bool:
    """True if text follows the program: then the program is whole even if the token limit cut the completion."""
    return _read(completion)[1]


@dataclass(frozen=True)
class _Function:
    """A function `solution`: lines `start` to `end` of a segment. `rank` is 2 if it is valid Python and returns
    something, 1 if it is valid Python, else 0. `ended` is True if text follows it in its last line.
    """

    segment: int
    start: int
    end: int
    text: str
    rank: int
    ended: bool = False


def _read(completion: str) -> tuple[str, bool]:
    """The program in a completion, and whether text follows it."""
    spoken = _spoken(completion)
    segments = segments_of(lines_of(spoken), FUNCTION)
    parser = Parser()
    function = _last_function(segments, parser)
    if function is None:
        return _FENCE.sub("", completion.replace("\r\n", "\n")).split("\n```")[0].strip(), False
    follows = function.ended or function.segment + 1 < len(segments) or function.end < len(segments[function.segment])
    follows = follows or not completion.rstrip().endswith(spoken.rstrip())  # thoughts do
    place = range(function.start, function.end)
    return required(function.text, segments, function.segment, place, parser), follows


def _spoken(completion: str) -> str:
    """A completion without its thoughts, unless only they contain a function `solution`."""
    spoken = without_thoughts(completion)
    return spoken if _INDENTED_FUNCTION.search(spoken) else completion


def _last_function(segments: list[list[str]], parser: Parser) -> _Function | None:
    """The last of the best-ranked `solution` functions; those after a new question do not count."""
    starts = [
        (segment, number)
        for segment, lines in enumerate(segments)
        for number, line in enumerate(lines)
        if FUNCTION.match(line)
    ]
    best = last = None
    for segment, number in starts[:FUNCTIONS_READ] + starts[FUNCTIONS_READ:][-FUNCTIONS_READ:]:
        if last is not None:
            if segment == last.segment and number < last.end:
                continue
            if _has_new_question(segments, last, segment, number):
                break
        last = _function(segments[segment], segment, number, parser)
        if best is None or last.rank >= best.rank:
            best = last
    return best


def _has_new_question(segments: list[list[str]], last: _Function, segment: int, number: int) -> bool:
    """Whether there is a new question between a function and the next one."""
    if segment == last.segment:
        between = segments[segment][last.end : number]
    else:
        whole = [line for lines in segments[last.segment + 1 : segment] for line in lines]
        between = [*segments[last.segment][last.end :], *whole, *segments[segment][:number]]
    return any(line.startswith(NEXT_QUESTION) for line in between)


def _function(lines: list[str], segment: int, number: int, parser: Parser) -> _Function:
    """The function whose `def` is line `number`, as far as it is valid Python."""
    start = number
    while start and lines[start - 1].startswith("@"):
        start -= 1
    nodes, end = parser.statement(lines, start)
    text = "\n".join(lines[start:end]).rstrip()
    if nodes:
        return _Function(segment, start, end, text, 1 + returns(nodes))
    for cut in (*_unglued(text), *_ended_bodies(lines[start:end], number - start)):
        if nodes := parser.parse(cut):
            return _Function(segment, start, start + cut.count("\n") + 1, cut, 1 + returns(nodes), ended=True)
    return _Function(segment, start, end, text, 0)


def _unglued(text: str) -> list[str]:
    """A function's text up to each fence or closing tag in the middle of a line."""
    return [text[: match.start()].rstrip() for match in islice(_GLUED.finditer(text), CUTS)]


def _ended_bodies(lines: list[str], head: int) -> list[str]:
    """A function's text up to each `return` at the body's own indentation, after which no code runs; the last one first."""
    first = next((line for line in lines[head + 1 :] if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    if not indent:
        return []
    ends = [number for number, line in enumerate(lines) if line.startswith((f"{indent}return ", f"{indent}return("))]
    body = [line.removeprefix(indent) if line.startswith(indent) else line.lstrip() for line in lines]
    below = [statement_end(body, number) for number in ends[-CUTS:]]
    return ["\n".join(lines[:end]).rstrip() for end in reversed(below)]
