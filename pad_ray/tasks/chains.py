"""Linked numbers of a sentence: which ones are joined by an operator, an equals sign, "or" or "and", and what they state.

A chain states the last number that stands alone on one side of an equals sign. A calculation without a result, alternatives
and malformed numbers state nothing readable. So a part of a number or of a calculation is never taken for the answer.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from pad_ray.tasks.answer_words import any_of, phrases, words
from pad_ray.tasks.numbers import parse_number

MAX_GAP_CHARACTERS = 60
"""Numbers further apart than this are not linked."""
MAX_PREFIX_CHARACTERS = 40
"""How far before a number to look for words that change it."""


class Form(Enum):
    """The form of a number in a text."""

    NUMBER = "number"
    OPEN = "part of a calculation: a root or a power"
    MALFORMED = "no number that can be read: 3,5 or ±3"
    MOMENT = "a date, a time or a version"


class Link(Enum):
    """The connection between two numbers."""

    OPERATOR = "an operator"
    EQUALS = "an equals sign"
    ALTERNATIVE = "or, to, or units that belong together: 3 or 4, 5 feet 6 inches"
    LIST = "a comma or and"


@dataclass(frozen=True, slots=True)
class NumberToken:
    """A number in a text: as written, its span including the sign, and its form."""

    text: str
    start: int
    end: int
    form: Form


@dataclass(frozen=True, slots=True)
class Chain:
    """Linked numbers in order, and the link before each except the first."""

    tokens: tuple[NumberToken, ...]
    links: tuple[Link, ...]

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def is_equation(self) -> bool:
        return Link.EQUALS in self.links

    @property
    def is_calculation(self) -> bool:
        return Link.OPERATOR in self.links or self.tokens[0].form is Form.OPEN

    @property
    def is_moment(self) -> bool:
        return len(self.tokens) == 1 and self.tokens[0].form is Form.MOMENT

    def value(self, last_of_list: bool = False) -> str | None:
        """The number that the chain states. A plain list states its last number if `last_of_list`, else nothing."""
        for tokens, links in reversed(list(self._sides())):
            if len(tokens) == 1 and tokens[0].form is not Form.OPEN:
                return tokens[0].text if tokens[0].form is Form.NUMBER else None
            if Link.OPERATOR not in links and links:
                return _of_several(tokens, links, last_of_list)
        return None

    def _sides(self) -> Iterator[tuple[list[NumberToken], list[Link]]]:
        """The numbers and links between equals signs."""
        tokens, links = [self.tokens[0]], list[Link]()
        for token, link in zip(self.tokens[1:], self.links, strict=True):
            if link is Link.EQUALS:
                yield tokens, links
                tokens, links = [], []
            else:
                links.append(link)
            tokens.append(token)
        yield tokens, links


def _of_several(tokens: list[NumberToken], links: list[Link], last_of_list: bool) -> str | None:
    values = {parse_number(token.text) for token in tokens}
    same = len(values) == 1 and None not in values
    listed = last_of_list and set(links) == {Link.LIST}
    return tokens[-1].text if (same or listed) and tokens[-1].form is Form.NUMBER else None


_LATIN = "A-Za-z\u00c0-\u024f\u0370-\u052f"
_RUN = re.compile(
    rf"(?:(?<![{_LATIN}0-9_])|(?<=[0-9]x))[+-]?(?:\$ ?)?[+-]?(?P<digits>"
    r"(?:[1-9][0-9]{0,2}(?: [0-9]{3})+(?![0-9]|[,/][0-9])|[0-9]+|\.[0-9]+)"
    r"(?:[.,:/][0-9]+| : [0-9]+)*(?:[eE][+-]?[0-9]+)?(?: (?:and )?[0-9]+/[0-9]+(?![0-9/]))?)(?: ?%)?"
)
_MOMENT = re.compile(r"[0-9]+ ?:.*|[0-9]+/[0-9]+/.*|[0-9]+(?:\.[0-9]+){2,}")
_POWER_BEHIND = re.compile(r"[⁰¹²³⁴-⁹^]|_[0-9A-Za-z]")
_EXPONENT_BEFORE = re.compile(r"(?:\^|_)[{(]?$")
_ROOT_BEFORE = re.compile(
    r"(?:√[{(]?|sqrt[{(]?|\b(?:half of|twice|double|triple|(?:third|quarter) of) )\$?$", re.IGNORECASE
)
_MALFORMED_BEFORE = re.compile(
    r"(?:[±≤≥]|(?<![=<>-])[<>]|\+/-|\+-|(?<![0-9])\.|\b(?:more|less|fewer|greater|larger|smaller|bigger) than"
    r"|\b(?:over|under|above|below)) ?\$?$",
    re.IGNORECASE,
)
_LABEL_BEFORE = re.compile(r"\b(?:step|part|question|problem|example|equation) #?$", re.IGNORECASE)
_NEGATED_BEFORE = re.compile(
    r"(?:\bnot|n['’]t|\bnever|\bcannot be|\brather than|\binstead of|\bneither|\bnor)"
    r"(?: (?:just|exactly|equal to|be|simply|even|about|necessarily))? ?[$*]{0,3}$",
    re.IGNORECASE,
)
_CHANGING_WORD = re.compile(
    r"of|twice|double|triple|than|over|under|above|below|sqrt|step|part|question|problem|example|equation",
    re.IGNORECASE,
)
_BETWEEN_BEFORE = re.compile(r"\b(?:between|either|both) \$?$", re.IGNORECASE)

_WORD = r"[^\W\d_]+\.?"
_UNIT = (
    rf"[ )\]}}*%²³°¢!'$]{{0,6}}(?:{_WORD}(?:[ /-]{{1,3}}{_WORD}){{0,4}}|/ ?{_WORD}(?: {_WORD})?)?[ )\]}}%²³°'$*]{{0,6}}"
)
_OPENING = r"[ ([{$]{0,6}"
_OPERATOR = re.compile(
    rf"{_UNIT}(?:[-+×÷·/^±]|\*\*?|//|\b(?:x|plus|minus|times|multiplied by|divided by|(?:more|less|fewer) than)\b)"
    rf"{_OPENING}[-+]?"
    rf"|[%}}] ?of (?:the )?{_OPENING}|\)?\(|\}} ?\{{"
)
_EQUALS = re.compile(rf"{_UNIT}(?:==?|≈|≡|→|⇒|->|=>)[ =]{{0,2}}{_OPENING}[-+]?{_OPENING}")
_EQUALS_IN_WORDS = re.compile(
    rf"{_UNIT}\b(?:is|are|equals|makes|make|gives|give|leaves|yields|comes to|is equal to|is again)(?: again)? {_OPENING}[-+]?"
)
_RESTATED = re.compile(rf"{_UNIT},? ?\bor(?: about)? {_OPENING}")
_PART_OF = re.compile(r" ?of (?:the )?[$]?")
_ALTERNATIVE = re.compile(
    rf"{_UNIT},? ?(?:\b(?:or|to|through|versus|vs\.?|and/or)\b(?: about)?|[~;]){_OPENING}"
    rf"| (?:feet|foot|ft|hours?|hrs?|h|minutes?|mins?|dollars?|euros?|pounds?|lbs?|met(?:er|re)s?|m|km|kg|years?|months?"
    rf"|weeks?|days?|degrees?) (?:and )?{_OPENING}"
)
_LIST = re.compile(rf" ?(?:,|&|\band\b|,? and\b){_OPENING}| (?:{_WORD} ){{1,2}}and (?:a |another )?{_OPENING}")
_SHORT = r"[^\d,、。=]{0,6}?"
_OTHER_LINKS = (
    (re.compile(rf"{_SHORT}(?:{any_of(words('operators'))}) ?{_OPENING}"), Link.OPERATOR),
    (re.compile(rf"{_SHORT}(?:{any_of(words('or'))}) ?{_OPENING}"), Link.ALTERNATIVE),
    (re.compile(rf"{_SHORT}(?:{any_of(words('and'))}) ?{_OPENING}"), Link.LIST),
)
_OTHER_EQUALS = re.compile(rf"{_SHORT}(?:{any_of(words('equals'))}) ?{_OPENING}")
_OTHER_DENIED_BEFORE = re.compile(rf"(?:{phrases('not_before')}) ?$")
_OTHER_DENIED_BEHIND = re.compile(rf"[^\d,。]{{0,4}}?(?:{any_of(words('not_behind'))})")
CLAUSE = re.compile(r"\b(?:because|since|so|as|where|when|while|if|but|then|he|she|they|it|we|you|who|which|that)\b")


def chains(sentence: str, offset: int) -> Iterator[Chain]:
    """The chains of a sentence, without those that it negates ("not 5 or 6")."""
    tokens: list[NumberToken] = []
    links: list[Link] = []
    for token in _tokens(sentence):
        link = _link(sentence, tokens, links, token) if tokens else None
        if tokens and link is None:
            yield from _affirmed(sentence, offset, tokens, links)
            tokens, links = [], []
        if link is not None:
            links.append(link)
        tokens.append(token)
    if tokens:
        yield from _affirmed(sentence, offset, tokens, links)


def _affirmed(sentence: str, offset: int, tokens: list[NumberToken], links: list[Link]) -> Iterator[Chain]:
    if not _is_denied(sentence, tokens[0].start, tokens[-1].end):
        moved = tuple(NumberToken(token.text, token.start + offset, token.end + offset, token.form) for token in tokens)
        yield Chain(moved, tuple(links))


def _is_denied(text: str, start: int, end: int) -> bool:
    before = _before(text, start)
    if _NEGATED_BEFORE.search(before):
        return True
    return not text.isascii() and bool(_OTHER_DENIED_BEFORE.search(before) or _OTHER_DENIED_BEHIND.match(text, end))


def _before(text: str, end: int) -> str:
    return text[max(0, end - MAX_PREFIX_CHARACTERS) : end]


def _tokens(text: str) -> Iterator[NumberToken]:
    for match in _RUN.finditer(text):
        before = _before(text, match.start())
        if _is_unchanged(before):
            before = ""
        elif _LABEL_BEFORE.search(before) or (_EXPONENT_BEFORE.search(before) and not _is_power(text, match.start())):
            continue
        yield NumberToken(match[0].replace(" and ", " "), match.start(), match.end(), _form(text, match, before))


def _is_unchanged(before: str) -> bool:
    """Whether the text before a number certainly does not change it. This spares most numbers the other patterns."""
    word = before.rstrip(" $").rpartition(" ")[2]
    return before.endswith((" ", "$")) and word.isalnum() and _CHANGING_WORD.fullmatch(word) is None


def _is_power(text: str, start: int) -> bool:
    """Whether the sign before an exponent follows a number: 2^4, not cm^2."""
    base = text[max(0, start - 4) : start].rstrip("^_{( ")
    return base[-1:].isdigit() and "^" in text[max(0, start - 4) : start]


def _form(text: str, match: re.Match[str], before: str) -> Form:
    if _MOMENT.fullmatch(match["digits"]):
        return Form.MOMENT
    if _MALFORMED_BEFORE.search(before) or parse_number(match[0].replace(" and ", " ").strip()) is None:
        return Form.MALFORMED
    if _ROOT_BEFORE.search(before) or _POWER_BEHIND.match(text, match.end()):
        return Form.OPEN
    return Form.NUMBER


def _link(text: str, tokens: list[NumberToken], links: list[Link], token: NumberToken) -> Link | None:
    before, gap = tokens[-1], text[tokens[-1].end : token.start]
    if gap.isspace() or not gap:
        return Link.OPERATOR if token.text[0] in "+-" else None
    if len(gap) > MAX_GAP_CHARACTERS or CLAUSE.search(gap):
        return None
    if (before.text.endswith("%") or "/" in before.text) and _PART_OF.fullmatch(gap):
        return Link.OPERATOR
    if not gap.isascii() and (link := _other_link(gap, links)):
        return link
    if _EQUALS.fullmatch(gap):
        return Link.EQUALS
    if links and links[-1] is Link.OPERATOR and _RESTATED.fullmatch(gap):
        return Link.EQUALS
    if _OPERATOR.fullmatch(gap):
        return Link.OPERATOR
    if links and _EQUALS_IN_WORDS.fullmatch(gap):
        return Link.EQUALS
    if _ALTERNATIVE.fullmatch(gap) or (_LIST.fullmatch(gap) and _BETWEEN_BEFORE.search(_before(text, tokens[0].start))):
        return Link.ALTERNATIVE
    return Link.LIST if _LIST.fullmatch(gap) else None


def _other_link(gap: str, links: list[Link]) -> Link | None:
    """The link expressed by words of other languages."""
    if Link.OPERATOR in links and _OTHER_EQUALS.fullmatch(gap):
        return Link.EQUALS
    return next((link for pattern, link in _OTHER_LINKS if pattern.fullmatch(gap)), None)
