"""Python inside other text: segments between fences, where a statement ends, and bounded parsing.

A model's text may be hostile. Reading it is linear in its length, and a `Parser` parses short statements only, a bounded
number of them: CPython's parser takes at most 30 MB and 0.1 s for `STATEMENT_CHARACTERS`, whatever they hold.
"""

import ast
import re
import symtable
import warnings

FILE_NAME = "<program>"
# The parser warns about "\d" and "1if"; a program's style must not become an error under -W error.
warnings.filterwarnings("ignore", module=FILE_NAME)

CHARACTERS = 1 << 17
"""Of a completion; what follows is not read."""
STATEMENT_CHARACTERS = 1 << 15
"""Of one statement: no sandbox accepts a longer program."""
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
    """The lines of a completion, up to `CHARACTERS`, without invisible characters; each token of a chat has its own line."""
    text = completion[:CHARACTERS].replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _WIDE_INDENT.sub(lambda match: match[0].replace("\u3000", "\u00a0\u00a0").replace("\u00a0", " "), text)
        text = _INVISIBLE.sub("", text)
    if "<" in text:
        text = _TURN.sub(r"\n\1\n", text)
    return text.split("\n")


def segments_of(lines: list[str], head: re.Pattern[str]) -> list[list[str]]:
    """The lines between fences and tokens of a chat, in order. A segment whose `head` is indented, as in a list, is moved to
    the margin.
    """
    segments: list[list[str]] = [[]]
    for line in lines:
        if _FENCE.match(line) or _TURN.match(line):
            segments.append([])
        else:
            segments[-1].append(line)
    return [_at_margin(segment, head) for segment in segments]


def _at_margin(lines: list[str], head: re.Pattern[str]) -> list[str]:
    """Lines of a list's item, or below a blank margin, moved to the margin. A method of a class stays where it is."""
    first = next((line for line in lines if line.strip()), "")
    indented = next((line for line in lines if head.match(line.lstrip())), first)
    width = len(indented) - len(indented.lstrip())
    if not width or any(line.startswith(("class ", "def ", "async def ")) for line in lines):
        return lines
    return [line[min(width, len(line) - len(line.lstrip())) :] for line in lines]


def block_end(lines: list[str], start: int) -> int:
    """The first line below `start` that is neither indented nor blank nor a comment nor a closing bracket."""
    inside = (" ", "\t", *_MARGIN)
    below = range(start + 1, len(lines))
    return next(
        (number for number in below if lines[number].strip() and not lines[number].startswith(inside)), len(lines)
    )


def statement_end(lines: list[str], start: int, limit: int = STATEMENT_CHARACTERS) -> int:
    """The first line at the margin below `start` that no bracket, text, backslash or decorator holds; reads at most `limit`
    characters.
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
    """What a line leaves open: brackets, a text in triple quotes, a backslash, a decorator."""

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""
        self.continued = False

    @property
    def free(self) -> bool:
        """Whether a statement may end here."""
        return not (self.depth or self.quote or self.continued)

    def read(self, line: str) -> None:
        """Read one line. A decorator goes on with the line below it."""
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
        """The position behind the end of the open text, or -1 if it goes on."""
        while (end := line.find(self.quote, position)) >= 0:
            before = line[position:end]
            if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                self.quote = ""
                return end + 3
            position = end + 1
        return -1


class Parser:
    """Finds and parses statements of one completion until `ATTEMPTS` or `ATTEMPTED_CHARACTERS` are used up."""

    def __init__(self) -> None:
        self._attempts = ATTEMPTS
        self._characters = ATTEMPTED_CHARACTERS

    @property
    def exhausted(self) -> bool:
        """Whether nothing more is parsed."""
        return self._attempts <= 0 or self._characters <= 0

    def parse(self, text: str) -> list[ast.stmt]:
        """The statements of a text; none if it is not Python, too long, or the budget is used up."""
        if self.exhausted or len(text) > STATEMENT_CHARACTERS:
            return []
        self._attempts -= 1
        self._characters -= len(text)
        try:
            return ast.parse(text, FILE_NAME).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []

    def statement(self, lines: list[str], start: int) -> tuple[list[ast.stmt], int]:
        """The statement at `start`, parsed, and the line below it; no statement if the lines there are not Python.

        Its end is looked for twice: where brackets and texts are closed, and, if they never are, where its block ends.
        """
        block = block_end(lines, start)
        for end in dict.fromkeys((statement_end(lines, start, self._characters), block)):
            if nodes := self.parse("\n".join(lines[start:end])):
                return nodes, end
        return [], block


def _begins(line: str) -> bool:
    """Whether a line begins a statement at the margin."""
    return bool(line.strip()) and not line.startswith((" ", "\t", "#")) and not _CLAUSE.match(line)


def global_names(text: str) -> set[str]:
    """The names that a parsed text reads and does not keep local: builtins, and what else must be there for it to run."""
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
    """Whether statements hold a `return` with a value."""
    return any(isinstance(inner, ast.Return) and inner.value for node in nodes for inner in ast.walk(node))
