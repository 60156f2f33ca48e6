"""Python inside other text: segments between fences, ends of statements, and bounded parsing.

A model's text may be hostile. Reading takes time linear in its length, and a `Parser` parses only a bounded number of short
statements: CPython's parser needs at most 30 MB and 0.1 s for any text of `STATEMENT_CHARACTERS` characters.
"""

import ast
import re
import symtable
import warnings

FILE_NAME = "<program>"
# The parser warns about "\d" and "1if"; these warnings about style must not become errors under -W error.
warnings.filterwarnings("ignore", module=FILE_NAME)

CHARACTERS = 1 << 17
"""Maximum number of characters read from a completion."""
STATEMENT_CHARACTERS = 1 << 15
"""Maximum length of one statement: no sandbox accepts a longer program."""
ATTEMPTS = 200
ATTEMPTED_CHARACTERS = 1 << 17

_INVISIBLE = re.compile(
    "[\ufeff\u200b\u2060\u00ad\u200e\u200f]|(?<=[\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?=[\x00-\x7f])"
)
_WIDE_INDENT = re.compile("^[ \t]*[\u00a0\u3000][ \t\u00a0\u3000]*", re.M)
_FENCE = re.compile(r"\s*(?:(?:[-*+>]|\d{1,3}[.)])\s+)*(?:`{3,}|~{3,})")
_TURN = re.compile(r"(<\|[^|\n]{1,40}\|>|<｜[^｜\n]{1,40}｜>|<(?:start_of_turn|end_of_turn|bos|eos)>)")
_TRIPLE = ('"""', "'''")
_TOKEN = re.compile(r"#.*|'''|\"\"\"|\"(?:\\.|[^\"\\])*(?:\"|$)|'(?:\\.|[^'\\])*(?:'|$)|[(\[{]|[)\]}]|\\$")
_MARGIN = ("#", ")", "]", "}")
_CLAUSE = re.compile(r"(?:else|elif|except|finally)\b.*:")


def lines_of(completion: str) -> list[str]:
    """The lines of a completion, up to `CHARACTERS`, without invisible characters; each chat token gets its own line."""
    text = completion[:CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _WIDE_INDENT.sub(lambda match: match[0].replace("\u3000", "\u00a0\u00a0").replace("\u00a0", " "), text)
        text = _INVISIBLE.sub("", text)
    if "<" in text:
        text = _TURN.sub(r"\n\1\n", text)
    return text.split("\n")


def segments_of(lines: list[str], head: re.Pattern[str]) -> list[list[str]]:
    """The lines between fences and chat tokens, in order. A segment whose `head` is indented, as in a list, is dedented."""
    segments: list[list[str]] = [[]]
    for line in lines:
        if _FENCE.match(line) or _TURN.match(line):
            segments.append([])
        else:
            segments[-1].append(line)
    return [_at_margin(segment, head) for segment in segments]


def _at_margin(lines: list[str], head: re.Pattern[str]) -> list[str]:
    """Dedented lines of an indented segment, such as a list item. Methods of a class keep their indentation."""
    first = next((line for line in lines if line.strip()), "")
    indented = next((line for line in lines if head.match(line.lstrip())), first)
    width = len(indented) - len(indented.lstrip())
    if not width or any(line.startswith(("class ", "def ", "async def ")) for line in lines):
        return lines
    return [line[min(width, len(line) - len(line.lstrip())) :] for line in lines]


def block_end(lines: list[str], start: int) -> int:
    """The first line after `start` that is neither indented nor blank nor a comment nor a closing bracket."""
    inside = (" ", "\t", *_MARGIN)
    below = range(start + 1, len(lines))
    return next(
        (number for number in below if lines[number].strip() and not lines[number].startswith(inside)), len(lines)
    )


def statement_end(lines: list[str], start: int, limit: int = STATEMENT_CHARACTERS) -> int:
    """The first unindented line after `start` that does not continue a bracket, string, backslash or decorator; reads at most
    `limit` characters.
    """
    state = State()
    left = min(STATEMENT_CHARACTERS, limit)
    for number in range(start, len(lines)):
        if number > start and state.free and _begins(lines[number]):
            return number
        left -= len(lines[number]) + 1
        if left < 0:
            return number
        state.read(lines[number])
    return len(lines)


class State:
    """The constructs still open after a line: brackets, a triple-quoted string, a backslash, a decorator."""

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""
        self.continued = False

    @property
    def free(self) -> bool:
        """Whether a statement may end here."""
        return not (self.depth or self.quote or self.continued)

    def read(self, line: str) -> None:
        """Read one line. A decorator continues on the next line."""
        self.continued = self.free and line.startswith("@")
        position = self._closed(line) if self.quote else 0
        while 0 <= position < len(line) and (token := _TOKEN.search(line, position)):
            position = token.end()
            if token[0] in _TRIPLE:
                self.quote = token[0]
                position = self._closed(line, position)
            elif token[0] in "([{":
                self.depth += 1
            elif token[0] in ")]}":
                self.depth = max(0, self.depth - 1)
            elif token[0] == "\\":
                self.continued = True

    def _closed(self, line: str, position: int = 0) -> int:
        """The position after the end of the open string, or -1 if it stays open."""
        while (end := line.find(self.quote, position)) >= 0:
            before = line[position:end]
            if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                self.quote = ""
                return end + 3
            position = end + 1
        return -1


class Parser:
    """Finds and parses statements of one completion within a budget of `ATTEMPTS` and `ATTEMPTED_CHARACTERS`."""

    def __init__(self) -> None:
        self._attempts = ATTEMPTS
        self._characters = ATTEMPTED_CHARACTERS

    @property
    def exhausted(self) -> bool:
        """Whether the budget is used up."""
        return self._attempts <= 0 or self._characters <= 0

    def parse(self, text: str) -> list[ast.stmt]:
        """The statements of a text; none if it is not Python or too long, or if the budget is used up."""
        if self.exhausted or len(text) > STATEMENT_CHARACTERS:
            return []
        self._attempts -= 1
        self._characters -= len(text)
        try:
            return ast.parse(text, FILE_NAME).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []

    def statement(self, lines: list[str], start: int) -> tuple[list[ast.stmt], int]:
        """The parsed statement at `start`, and the line after it; no statement if the lines are not Python.

        Two ends are tried: the line at which brackets and strings are closed, then the end of the indented block.
        """
        block = block_end(lines, start)
        for end in dict.fromkeys((statement_end(lines, start, self._characters), block)):
            if nodes := self.parse("\n".join(lines[start:end])):
                return nodes, end
        return [], block


def _begins(line: str) -> bool:
    """Whether a line begins a top-level statement."""
    return bool(line.strip()) and not line.startswith((" ", "\t", "#")) and not _CLAUSE.match(line)


def global_names(text: str) -> set[str]:
    """The global names that a parsed text reads: builtins, and names that must be defined elsewhere."""
    try:
        module = symtable.symtable(text, FILE_NAME, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = {symbol.get_name() for symbol in module.get_symbols() if symbol.is_referenced()}
    tables = list(module.get_children())
    while tables:
        table = tables.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        tables += table.get_children()
    return names


def returns(nodes: list[ast.stmt]) -> bool:
    """Whether statements contain a `return` with a value."""
    return any(isinstance(inner, ast.Return) and inner.value for node in nodes for inner in ast.walk(node))
