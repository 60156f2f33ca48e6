"""Words next to numbers that change the meaning of a calculation."""

from collections.abc import Iterable, Sequence

from pad_ray.paths.arithmetic import ArithmeticToken

# Words that count or scale; inflected ones are given by their stems.
_COUNTING_WORDS = (
    "dozen dozens half halves quarter quarters third thirds fourth fourths fifth fifths tenth tenths twice double doubled"
    " triple tripled pair pairs couple couples score gross hundred hundreds thousand thousands million millions billion tens"
    " ones"
    " percent percentage pct average mean root squared cubed square cube factorial pi mod modulo log sqrt sin cos max min"
    " k m bn x nickel nickels dime dimes penny pennies pence remainder difference ratio"
)
_COUNTING = frozenset(_COUNTING_WORDS.split())
# Words that make the first number after them a label.
_LEADING_WORDS = (
    "day days week month year step page chapter room level grade number no game round part case option problem"
    " question line"
)
_LEADING = frozenset(_LEADING_WORDS.split())
# Words that join an expression to an earlier number: "adds 5 to 3 + 4 = 12".
_JOINING = frozenset(("to", "from", "than", "into", "between"))
_ARTICLES = frozenset(("the", "his", "her", "its", "their", "these", "those"))
_COUNTING_STEMS = (
    *(
        "половин",
        "четверт",
        "треть",
        "дюжин",
        "тыс",
        "млн",
        "млрд",
        "миллион",
        "сот",
        "десят",
        "процент",
        "корень",
        "пар",
    ),
    *"万亿千百半倍打双对兆億만억천백반배쌍割分",
    *("आधा", "आधे", "दर्जन", "हज़ार", "हजार", "सौ", "लाख", "करोड़", "दोगुन", "प्रतिशत", "जोड़"),
    *("نصف", "ربع", "ثلث", "ضعف", "مائة", "مئة", "ألف", "آلاف", "مليون", "زوج", "دزينة"),
)
_DIMENSIONS = (
    "second seconds sec secs minute minutes min mins hour hours hr hrs day days week weeks month months year"
    " years decade decades",
    "dollar dollars cent cents euro euros pound pounds yen rupee rupees $ € £ ¥ ₹ ₽ ₩ ₪ ₫ ฿",
    "inch inches foot feet ft yard yards mile miles mm cm km meter meters metre metres kilometer kilometers centimeter"
    " centimeters",
    "ounce ounces oz pound pounds lb lbs kg gram grams kilogram kilograms ton tons",
    "cup cups pint pints gallon gallons liter liters litre litres ml quart quarts tablespoon tablespoons teaspoon teaspoons",
)
_DIMENSION = {word: number for number, words in enumerate(_DIMENSIONS) for word in words.split()}


def reinterprets(words: Iterable[str]) -> bool:
    """Whether one of the words is a counting word such as `dozen`, or a single letter, which may be a variable."""
    return any(_counts(word.lower()) for phrase in words for word in phrase.replace("-", "/").split("/"))


def leads(before: Sequence[ArithmeticToken], *, follows_number: bool) -> bool:
    """Whether the words before an expression change its meaning: `day 1`, `half of`, `adds 5 to`."""
    words = [piece.text.lower() for piece in before]
    link = words[:-1] if words and words[-1] in _ARTICLES else words
    joined = follows_number and bool(link) and link[-1] in _JOINING
    return joined or any(len(word) > 1 and _counts(word) for word in words) or bool(words and words[-1] in _LEADING)


def _counts(word: str) -> bool:
    if word.isascii():
        return len(word) == 1 or word in _COUNTING
    return any(stem in word for stem in _COUNTING_STEMS)


def mixes_units(left: Sequence[ArithmeticToken], right: Sequence[ArithmeticToken]) -> bool:
    """Whether a calculation may convert units: hours on one side and minutes on the other, dollars and cents."""
    given, stated = _measures(left), _measures(right)
    added = any(piece.text in ("+", "-") for piece in left)
    converted = bool(given and stated - given) or (added and len(given) > 1)
    foreign = _foreign(left)
    return converted or bool(foreign and _foreign(right) - foreign) or (added and len(foreign) > 1)


def _measures(pieces: Iterable[ArithmeticToken]) -> set[str]:
    words = [word for piece in pieces if piece.kind in ("word", "money") for word in piece.text.lower().split("/")]
    return {word.rstrip("s") for word in words if word in _DIMENSION}


def _foreign(pieces: Iterable[ArithmeticToken]) -> set[str]:
    """The stems of units in other alphabets, whose dimension is unknown; their endings vary with the number."""
    return {piece.text[:3] for piece in pieces if piece.kind == "word" and not piece.text.isascii()}
