"""Runs: parts of a text that may be expressions, found in one pass over its pieces."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pad_ray.paths.arithmetic import ArithmeticToken

MAX_UNIT_WORDS = 4
"""Maximum number of words between a number and the next sign; more words are prose."""
WORDS_BEFORE = 3
"""Number of words before a run that may change its meaning, such as `half of`."""

_BENIGN = set(".,;:!?\"'“”‘’«»—…|&#\\。，、：；？！।؟،`()\n") | {""}
# Words that begin a new clause and thus end the expression.
_STOP_WORDS = (
    "because so and then is are was were which but since as where that he she they it we i his her their the to from with if"
    " when while means gives makes leaves plus minus times"
)
_STOPS = frozenset(_STOP_WORDS.split())
_BINARY = ("+", "-", "*", "/", "//", "**")


@dataclass
class PieceRun:
    """A sequence of pieces that may form an expression.

    `at_start`, `at_end`: only words and punctuation are before or after it. `doubtful`: the expression has a neighbouring part
    that is not understood, such as a variable. `follows_number`: its sentence has an earlier number.
    """

    pieces: list[ArithmeticToken] = field(default_factory=list)
    before: list[ArithmeticToken] = field(default_factory=list)
    at_start: bool = False
    at_end: bool = False
    doubtful: bool = False
    follows_number: bool = False

    @property
    def calculates(self) -> bool:
        """Whether it has at least two numbers and a sign."""
        numbers = sum(piece.kind == "number" for piece in self.pieces)
        return numbers > 1 and any(piece.text in _BINARY for piece in self.pieces)

    @property
    def text(self) -> str:
        """The expression for display."""
        return "".join(one.text if one.glued or not place else f" {one.text}" for place, one in enumerate(self.pieces))

    def closed_end(self) -> "PieceRun":
        """The part of the run after the last bracket that is never closed."""
        depth = 0
        for place in range(len(self.pieces) - 1, -1, -1):
            depth += {")": 1, "(": -1}.get(self.pieces[place].text, 0)
            if depth < 0:
                # A bracket after a sign belongs to the expression, but its end is missing.
                before = self.pieces[place - 1].kind if place else "word"
                doubtful = self.doubtful or before == "sign"
                return PieceRun(self.pieces[place + 1 :], [], at_end=self.at_end, doubtful=doubtful)
        return self

    def closed_start(self) -> "PieceRun":
        """The run up to its last operand, with unit, after which every bracket is closed."""
        ends = self.ends()
        last = ends[-1] if ends else 0
        while 0 < last < len(self.pieces) and self.pieces[last].kind in ("word", "money"):
            last += 1
        return PieceRun(self.pieces[:last], self.before, self.at_start, self.at_end, self.doubtful)

    def ends(self) -> list[int]:
        """Possible ends of an expression at the start of the run: after each number or bracket outside of brackets."""
        positions, depth = [], 0
        for place, piece in enumerate(self.pieces):
            depth += {"(": 1, ")": -1}.get(piece.text, 0)
            if depth == 0 and (piece.kind == "number" or piece.text == ")"):
                positions.append(place + 1)
        return positions

    def unit_after_first(self) -> list[ArithmeticToken]:
        """The words after the first operand."""
        ends = self.ends()
        behind = self.pieces[ends[0] :] if ends else []
        stop = next((place for place, one in enumerate(behind) if one.kind not in ("word", "money")), len(behind))
        return behind[:stop]


class _Reader:
    """Reads pieces one by one; `operand` is True after a number or a closing bracket."""

    def __init__(self) -> None:
        self.runs: list[PieceRun] = []
        self.run = PieceRun(at_start=True)
        self.words: list[ArithmeticToken] = []
        self.depth = 0
        self.operand = False
        # A sign or a name outside of a run belongs to the expression of the next run.
        self.loose = False
        # A currency sign before the first number.
        self.money: list[ArithmeticToken] = []
        # The piece before was punctuation, such as a full stop.
        self.marked = True
        self.previous = ""
        # The sentence already has a number.
        self.joined = False
        # The run began with a bracket after a number.
        self.comment = False

    def end(self, *, doubtful: bool = False) -> None:
        """Close the run; later words belong to the text."""
        if any(piece.kind == "number" for piece in self.run.pieces):
            self.run.doubtful |= doubtful
            self.runs.append(self.run)
            self.joined = True
        self.run, self.depth, self.operand = PieceRun(before=self.words[-WORDS_BEFORE:]), 0, False
        self.run.follows_number, self.comment = self.joined, False

    def read(self, piece: ArithmeticToken) -> None:
        match piece.kind:
            case "money":
                # After a number it is the unit of that number or of the next one.
                self.money = [piece]
                if self.run.pieces:
                    self.run.pieces.append(piece)
            case "word":
                self._word(piece)
            case "number":
                self._number(piece)
            case "sign":
                self._sign(piece)
            case _:
                self._other(piece)

    def _word(self, piece: ArithmeticToken) -> None:
        self.words.append(piece)
        if (
            self.operand
            and piece.text.lower() not in _STOPS
            and sum(one.kind == "word" for one in self.run.pieces[-MAX_UNIT_WORDS:]) < MAX_UNIT_WORDS
        ):
            self.run.pieces.append(piece)
            return
        variable = bool(self.run.pieces) and not self.operand
        self.end(doubtful=variable)
        self.loose = variable
        self.run.before = self.words[-WORDS_BEFORE:]

    def _number(self, piece: ArithmeticToken) -> None:
        if self.operand:
            touching = self.run.pieces[-1].kind == "number" or self.run.pieces[-1].text == ")"
            self.end(doubtful=touching)
            self.loose = touching
        self._begin()
        self.run.pieces.append(piece)
        self.operand = True

    def _begin(self) -> None:
        if not self.run.pieces:
            self.run.doubtful |= self.loose
            self.run.pieces += self.money
        self.loose, self.money = False, []

    def _sign(self, piece: ArithmeticToken) -> None:
        if piece.text == "(":
            self._open(piece)
        elif piece.text == ")":
            self._close(piece)
        elif self.operand or piece.text in ("+", "-"):
            if not self.run.pieces and self.words and not self.marked:
                # A sign after a word: the word may be a variable.
                self.loose = True
            unary_plus = piece.text == "+" and bool(self.run.pieces) and not self.operand
            self._begin()
            self.run.doubtful |= unary_plus
            self.run.pieces.append(piece)
            self.operand = False
        else:
            self.end(doubtful=True)
            self.loose = True

    def _open(self, piece: ArithmeticToken) -> None:
        # A bracket directly after a word belongs to a function call.
        self.loose |= piece.glued and self.previous == "word"
        comment = self.operand and not piece.glued
        if comment:
            self.end()
        self._begin()
        self.comment |= comment
        self.run.pieces.append(piece)
        self.depth, self.operand = self.depth + 1, False

    def _close(self, piece: ArithmeticToken) -> None:
        if self.depth == 0 or not self.operand:
            self.end(doubtful=bool(self.run.pieces) and not self.operand)
            return
        self.run.pieces.append(piece)
        self.depth -= 1
        # In `24 (3 x 8)` the bracket is a comment, but in `2 (68) + 10` it is a factor.
        self.run.doubtful |= self.comment

    def _other(self, piece: ArithmeticToken) -> None:
        doubtful = piece.text not in _BENIGN or (bool(self.run.pieces) and not self.operand)
        # In `14, 400 / 80` the comma may separate thousands.
        doubtful |= piece.text == "," and bool(self.run.pieces) and self.run.pieces[-1].kind == "number"
        self.end(doubtful=piece.text not in _BENIGN)
        self.loose = doubtful
        self.joined &= piece.text == ","
        self.run.follows_number, self.run.before = self.joined, []


def runs(pieces: Sequence[ArithmeticToken]) -> list[PieceRun]:
    """The runs of a text; the first says whether it begins the text, the last whether it ends it."""
    reader = _Reader()
    for piece in pieces:
        reader.read(piece)
        reader.previous = piece.kind
        reader.marked = piece.kind == "other" and piece.text in _BENIGN
    open_end = bool(reader.run.pieces) and reader.operand
    reader.end()
    if reader.runs and open_end:
        reader.runs[-1].at_end = True
    return reader.runs
