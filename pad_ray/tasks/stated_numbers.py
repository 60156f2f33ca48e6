"""The number that free text states, by its sentences and their chains of numbers (`pad_ray.tasks.chains`)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile

from pad_ray.tasks.chains import CLAUSE, Chain, chains
from pad_ray.tasks.numbers import SPACE, parse_number


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, its start in the text, and its chains. A check is a sentence that verifies an earlier answer."""

    text: str
    start: int
    chains: tuple[Chain, ...]

    @property
    def results(self) -> list[Chain]:
        """The chains with an equals sign in or before them: 3 + 4 = 7 and x = 7."""
        return [chain for chain in self.chains if chain.is_equation or self._is_assigned(chain)]

    def _is_assigned(self, chain: Chain) -> bool:
        place = chain.start - self.start
        return self.text[max(0, place - 8) : place].rstrip(" $({").endswith("=")

    @property
    def is_bare_equation(self) -> bool:
        chain = self.chains[0]
        return chain.is_equation and not self.text[: chain.start - self.start].strip(SPACE + "($*")

    @property
    def is_check(self) -> bool:
        return _CHECK.match(self.text) is not None

    @property
    def is_conclusion(self) -> bool:
        return _CONCLUSION.match(self.text) is not None


@dataclass(frozen=True, slots=True)
class AnswerStatement:
    """The answer that a text states; None if the statement is unreadable."""

    answer: str | None


_DATE = re.compile(r"(?<![0-9-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9-])")
_SENTENCE_END = re.compile(r"\n|[.!?;](?=[*_)\]}\"']{0,3} +[^\s=])|[。！？।؟](?!=)")
_FIRST_LIST_MARK = re.compile(r"\n[ \t]{0,8}1[.)] ")
_QUOTE_MARK = re.compile(r"^[ \t]{0,3}>[ \t]", re.MULTILINE)
_ANGLED = re.compile(r"<([^<>\n]{1,60})>")
_ANNOTATION = re.compile(r"<<[^<>\n]{0,200}>>")
_LIST_MARK = re.compile(r"(?<=\n)[ \t]{0,8}[1-9][.)] (?=[^\n0-9]{0,200}[0-9])")
_CHECK = re.compile(
    r"\W{0,8}(?:(?:let(?:['’]s)?|us|me|to|we|i|can|could|have|will|now|just|quick|a|as|and|by|for) ){0,4}"
    r"(?:(?:double|re|cross|sanity)[- ]?)?(?:check(?:ed|ing)?|verif(?:y|ied|ying|ication)|confirm(?:ed|ing)?|proof)\b",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"[^\w]{0,8}(?:so|therefore|thus|hence|then|finally|now|next|in total|altogether)\b", re.IGNORECASE
)
_HEAD = re.compile(
    r"[\s*_`\"'“”(\[{$~≈:=>-]{0,20}(?:(?:about|approximately|approx\.?|around|roughly|exactly|only|just|simply"
    r"|therefore|thus|hence|then|so|now|clearly|equal to|equals|a total of|at least|at most|definitely|still|also|almost|nearly"
    r"|indeed|is|[A-Za-z][A-Za-z0-9_]{0,15} ?[=≈])[\s*_`\"'“(\[{$~≈:,]{1,8}){0,3}[-+$ ]{0,3}"
)
_EMPHASIS = re.compile(r"\*\*(?=[^\s*])([^*\n]{1,200})(?<=\S)\*\*(?![0-9])")
_CURRENCY = re.compile(r"(?:\bRs\.(?= ?[0-9])|\b(?:US|CA|AU|NZ|HK|R|S)\$|[£€¥₹₽₩₺₴₫฿₱₪￥￡￦])")


def prepared(text: str) -> str:
    """Plain text with every currency as `$`, without emphasis, dates, annotations and list numbers."""
    if "$" in text or "Rs." in text or not text.isascii():
        text = _CURRENCY.sub("$", text)
    if "-" in text:
        text = _DATE.sub(" ", text)
    if ">" in text:
        text = _QUOTE_MARK.sub("", _ANNOTATION.sub("", text))
    if _FIRST_LIST_MARK.search(text):
        text = _LIST_MARK.sub("", text)
    return _EMPHASIS.sub(r"\1", _ANGLED.sub(r" \1 ", text))


def stated_number(text: str, label: bool) -> AnswerStatement | None:
    """The statement after a mark; None if the text holds no number.

    A number directly after the mark is the answer. A calculation counts by its result, or by the result of a conclusion
    that follows it. A label ("Answer:") may also introduce a whole solution; then its last result counts.
    """
    text = text.lstrip(SPACE)
    first_line = text.partition("\n")[0]
    line = first_line.strip(SPACE).strip("*`").rstrip(".").rstrip(SPACE)
    if parse_number(line) is not None:
        return AnswerStatement(line)
    sentences = _sentences(text)
    opening = next((sentence for sentence in sentences if sentence.chains), None)
    if opening is None:
        return None
    if opening.start > len(first_line) and line and not line.endswith(":"):
        return last_number(text[opening.start :])
    chain = opening.chains[0]
    head = _HEAD.fullmatch(text, 0, chain.start) is not None
    if head and not chain.is_equation and not chain.is_calculation and not (label and _begins_working(opening)):
        return AnswerStatement(chain.value())
    later = [sentence for sentence in takewhile(lambda sentence: not sentence.is_check, sentences) if sentence.chains]
    return AnswerStatement(_worked(opening, later, label))


def _begins_working(sentence: Sentence) -> bool:
    """Whether a sentence leads from its first number to a different result: "13 weeks have 13 * 7 = 91 days"."""
    results = sentence.results
    if not results or CLAUSE.search(sentence.text, 0, results[0].start - sentence.start):
        return False
    values = [parse_number(chain.value() or "") for chain in (results[-1], sentence.chains[0])]
    return values[0] != values[1]


def _worked(opening: Sentence, later: list[Sentence], label: bool) -> str | None:
    """The answer of a statement that does not begin with it."""
    first = (opening.results or opening.chains)[-1 if opening.results else 0]
    if label and later:
        results = [chain for sentence in later for chain in sentence.results]
        chain = results[-1] if results else first if opening.results else later[-1].chains[-1]
        return chain.value(last_of_list=True)
    answer = first.value()
    for sentence in takewhile(lambda sentence: sentence.is_conclusion or sentence.is_bare_equation, later):
        if sentence.results and opening.results:
            answer = sentence.results[-1].value()
    return answer


def last_number(text: str) -> AnswerStatement | None:
    """The last number of a text without a mark, outside of checks if possible; unreadable if it is part of something larger."""
    bounds = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    checked: AnswerStatement | None = None
    for start, end in reversed([*pairwise(bounds)]):
        sentence = _sentence(text, start, end)
        numbers = [chain for chain in sentence.chains if not chain.is_moment]
        if numbers and not sentence.is_check:
            return AnswerStatement(numbers[-1].value(last_of_list=True))
        if numbers and checked is None:
            checked = AnswerStatement(numbers[-1].value(last_of_list=True))
    return checked


def _sentences(text: str) -> Iterator[Sentence]:
    start = 0
    while start < len(text):
        match = _SENTENCE_END.search(text, start)
        end = match.end() if match else len(text)
        yield _sentence(text, start, end)
        start = end


def _sentence(text: str, start: int, end: int) -> Sentence:
    return Sentence(text[start:end], start, tuple(chains(text[start:end], start)))
