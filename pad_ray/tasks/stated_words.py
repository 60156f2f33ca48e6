"""Which yes or no, option or text a line states.

A text does not state what it negates ("not true", "neither (A) nor (B)"), and two answers at once are unreadable.
"""

import re
from collections.abc import Iterator

from pad_ray.tasks.answer_words import any_of, phrases, words, yes_no_words
from pad_ray.tasks.numbers import SPACE

YES_NO = {
    "yes": "yes",
    "no": "no",
    "true": "yes",
    "false": "no",
    **yes_no_words(),
}
_OPPOSITE = {"yes": "no", "no": "yes"}

# "no one", "no longer": here "no" is not an answer, unlike in "no it does not".
_NO_AND_WORD = r"(?<!\bno)|(?![ \t]{1,4}(?!(?:it|he|she|they|we|you|i|the|this|that|there|because|since|as)\b)[a-z])"
_DENIED = (
    r"(?:\bnot|n['’]t|\bcannot|\bnever|\bno longer|\bneither|\bnor|\bhardly|\bfar from|\bnothing)"
    r"(?:[ \t]{1,4}(?:be|been|being|is|are|was|necessarily|always|really|quite|actually|entirely|strictly|at all|even"
    r"|the case that|the|a|it|it['’]s|this|that|said|to|possibly|completely|totally|fully|exactly|considered|both|all|have"
    r"|definitely)){0,5}[ \t]{1,4}"
)
_YES_NO_WORD = re.compile(
    rf"(?P<denied>{_DENIED})?\b(?P<word>yes|no|true|false|untrue)\b(?:{_NO_AND_WORD})", re.IGNORECASE
)
_BOTH = re.compile(r"[ \t,\"'*]{0,4}(?:and|or|nor|/|&)[ \t\"'*]{0,4}", re.IGNORECASE)

_OTHER_YES_NO = re.compile(phrases("yes", "no"), re.IGNORECASE)
_OTHER_FIRST = re.compile(
    rf"[\s\"'“”「『(*:：،,]{{0,8}}({any_of(words('yes', 'no', 'yes_first', 'no_first'))})", re.IGNORECASE
)
_OTHER_BOTH = re.compile(
    rf"[\s\"'“”،,]{{0,4}}(?:{any_of(words('and', 'or'))})[\s\"'“”]{{0,4}}(?:{any_of(words('yes', 'no'))})",
    re.IGNORECASE,
)
_OTHER_DENIED = re.compile(rf"(?:{phrases('not_before')})[\s(*]{{0,4}}$")
_OTHER_DENIED_BEHIND = re.compile(rf"[)*\s]{{0,4}}(?:{any_of(words('not_behind'))})")
_ENDING = re.compile(rf"[ \t]?(?:{any_of(words('endings'))})?[.。।]$")
_BRACKETS = str.maketrans("（）：", "():")

_LETTER = r"\((?P<bracketed>[A-Za-z])\)|(?<![A-Za-z0-9_'’])(?:(?P<half>[A-Z])\)|(?P<bare>[A-Z])(?![A-Za-z0-9_'’]))"
_OPTION = re.compile(_LETTER)
_BARE_BEFORE = re.compile(
    r"(?:^|\b(?:is|be|it['’]s|option|choice|letter|answer|choose|pick|nor|neither|either|both|and|or|not|but)|[:=,;/*&({\[\"'`])"
    r"[ \t*({\[\"'`]{0,4}$",
    re.IGNORECASE,
)
_BARE_BEHIND = re.compile(
    r"[ \t]{0,4}(?:$|[^\x00-\x7f]|[\n.,:;!?)*/&}\]\"'`]|(?:and|or|nor|because|since|as|is|but|not|with|given|rather|instead)\b)"
)
_OPTION_DENIED = re.compile(
    r"(?:\bnot|n['’]t|\bnever|\bcannot be|\bneither|\bnor|\brather than|\binstead of)"
    r"(?:[ \t](?:be|option|choice|just|only|also)){0,3}[ \t*({\"'`]{0,4}$",
    re.IGNORECASE,
)
_OPTION_WRONG = re.compile(
    r"[ \t]{0,4}(?:and \(?[A-Z]\)? )?(?:is|are|was)(?: also)? (?:wrong|false|incorrect|not|out|ruled)\b|[ \t]isn['’]t\b",
    re.IGNORECASE,
)
_JOINED = re.compile(r"[ \t,*]{0,4}(?:and|or|nor|/|&|,)(?:[ \t]{1,4}(?:option|choice))?[ \t*({]{0,4}", re.IGNORECASE)

_QUOTED = re.compile(
    r"\"([^\"\n]{1,2000})\"|“([^“”\n]{1,2000})”|「([^「」\n]{1,2000})」|『([^『』\n]{1,2000})』|«([^«»\n]{1,2000})»|`([^`\n]{1,2000})`|(?<!\w)['‘]((?:[^'’\n]|(?<=\w)['’](?=\w)){1,2000})['’](?!\w)"
)
_REASON = re.compile(
    r",?[ \t]{1,4}(?:because|since|as|so|given that|for)[ \t]{1,4}"
    r"(?:it|this|that|the|all|there|we|of|he|she|they|you|its|both|each|no|every|one|if|not)\b"
    r"|(?<=[a-z]{2})[.;][ \t]{1,4}(?=[A-Z])"
)
_WRAPPED = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox)\{([^{}\n]{0,2000})\}")


def unwrapped(text: str) -> str:
    """The text without LaTeX text commands (\\text{yes} becomes yes), and with ASCII brackets."""
    text = _WRAPPED.sub(r"\1", text) if "\\" in text else text
    return text if text.isascii() else text.translate(_BRACKETS)


def yes_no(text: str) -> list[str | None]:
    """Every yes or no of a text, inverted if negated; None in place of both at once."""
    answers: list[str | None] = []
    end = -1
    for match in _YES_NO_WORD.finditer(text):
        word = match["word"].lower()
        answer = _OPPOSITE["yes"] if word == "untrue" else YES_NO[word]
        if match["denied"]:
            answer = _OPPOSITE[answer]
        if answers and _BOTH.fullmatch(text, end, match.start("word")):
            answers[-1] = None
        else:
            answers.append(answer)
        end = match.end()
    return answers or ([] if text.isascii() else _other_yes_no(text))


def _other_yes_no(text: str) -> list[str | None]:
    """As `yes_no`, for other languages."""
    first = _OTHER_FIRST.match(text)
    matches = [(first[1], first.end())] if first else []
    matches += [(word[0], word.end()) for word in _OTHER_YES_NO.finditer(text, first.end() if first else 0)]
    answers: list[str | None] = []
    both = -1
    for word, end in matches:
        if end > both:
            joined = _OTHER_BOTH.match(text, end)
            both = joined.end() if joined else -1
            answers.append(None if joined else YES_NO[word.lower()])
    return answers


def options(text: str) -> list[str | None]:
    """Every option that a text states without negation; None in place of several at once."""
    answers: list[str | None] = []
    end, denied = -1, False
    for match in _OPTION.finditer(text):
        if match["bare"] and not _is_bare_option(text, match):
            continue
        joined = end >= 0 and _JOINED.fullmatch(text, end, match.start()) is not None
        denied = (joined and denied) or _is_denied(text, match)
        end = match.end()
        if denied:
            continue
        if joined and answers:
            answers[-1] = None
        else:
            answers.append(match[0])
    return answers


def _is_bare_option(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 24) : match.start()]
    return bool(_BARE_BEFORE.search(before) and _BARE_BEHIND.match(text, match.end()))


def _is_denied(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 40) : match.start()]
    if _OPTION_DENIED.search(before) or _OPTION_WRONG.match(text, match.end()):
        return True
    return not text.isascii() and bool(_OTHER_DENIED.search(before) or _OTHER_DENIED_BEHIND.match(text, match.end()))


def quoted(text: str) -> Iterator[str]:
    """Every quoted passage of a text."""
    for match in _QUOTED.finditer(text):
        yield _passage(match)


def _passage(match: re.Match[str]) -> str:
    return match[match.lastindex or 0]


def stated_text(line: str) -> str | None:
    """The text that a line states: a quotation at its start, or else the line without its reason and full stop."""
    if opening := _QUOTED.match(line):
        return _passage(opening)
    reason = _REASON.search(line)
    stated = line[: reason.start() if reason else None].strip(SPACE)
    if not stated.isascii():
        return _ENDING.sub("", stated).strip("*`") or None
    return stated.removesuffix(".").strip("*`") or None
