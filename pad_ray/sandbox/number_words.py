"""Number words of English, and the numbers that a unit of time or measure implies."""

AND = frozenset({"and"})
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "k": 1e3, "m": 1e6}
PARTS = {
    **dict.fromkeys(("half", "halves"), 1 / 2),
    **dict.fromkeys(("third", "thirds"), 1 / 3),
    **dict.fromkeys(("quarter", "quarters", "fourth", "fourths"), 1 / 4),
    **{
        name + ending: 1 / value
        for value, name in enumerate(("fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), 5)
        for ending in ("", "s")
    },
}
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_UNITS += " eighteen nineteen"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS: dict[str, tuple[float, ...]] = {
    **{word: (float(value),) for value, word in enumerate(_UNITS.split())},
    **{word: (float(value), 1 / value) for value, word in enumerate(_ORDINALS.split(), 1)},
    **{word: (float(value * 10),) for value, word in enumerate(_TENS.split(), 2)},
    **{word: (value,) for word, value in SCALES.items() if len(word) > 1},
    **dict.fromkeys(("none", "nothing"), (0.0,)),
    **dict.fromkeys(("half", "halve", "halves", "halved", "midpoint"), (0.5, 2.0, 50.0, 1.5)),
    **dict.fromkeys(
        ("twice", "double", "doubles", "doubled", "pair", "pairs", "couple", "both", "twin", "twins"), (2.0,)
    ),
    **dict.fromkeys(("thrice", "triple", "triples", "tripled", "triplets", "trio"), (3.0,)),
    **dict.fromkeys(("quadruple", "quadruples", "quadrupled"), (4.0,)),
    **dict.fromkeys(("quarter", "quarters"), (0.25, 4.0, 25.0, 0.75, 15.0)),
    **dict.fromkeys(("thirds", "third"), (3.0, 1 / 3, 2 / 3)),
    **dict.fromkeys(("fourths", "fourth"), (4.0, 0.25, 0.75)),
    **{word: (value, 1 / value) for word, value in (("fifths", 5.0), ("sixths", 6.0), ("sevenths", 7.0))},
    **{word: (value, 1 / value) for word, value in (("eighths", 8.0), ("ninths", 9.0), ("tenths", 10.0))},
    **dict.fromkeys(("dozen", "dozens"), (12.0,)),
    **dict.fromkeys(("once", "single"), (1.0,)),
}
_SPANS: dict[tuple[str, ...], tuple[float, ...]] = {
    ("day", "days", "daily"): (24.0, 7.0, 365.0, 30.0, 31.0),
    ("week", "weeks", "weekly", "weekday", "weekdays", "weekend", "weekends"): (7.0, 52.0, 5.0, 2.0),
    ("month", "months", "monthly"): (12.0, 30.0, 31.0, 28.0, 4.0),
    ("year", "years", "yearly", "annual", "annually"): (12.0, 52.0, 365.0, 366.0),
    ("hour", "hours", "minute", "minutes", "second", "seconds", "hourly"): (60.0, 24.0, 3600.0),
    ("decade", "decades"): (10.0,),
    ("century", "centuries", "percent", "percentage", "cent", "cents"): (100.0, 0.01),
    ("foot", "feet", "inch", "inches", "yard", "yards"): (12.0, 3.0, 36.0),
    ("pound", "pounds", "ounce", "ounces"): (16.0,),
    ("gallon", "gallons", "quart", "quarts", "pint", "pints", "cup", "cups"): (4.0, 2.0, 8.0, 16.0),
    ("dime", "dimes", "nickel", "nickels", "penny", "pennies"): (10.0, 0.1, 5.0, 0.05, 1.0, 0.01),
    ("square", "squares", "triangle", "rectangle", "hexagon"): (4.0, 3.0, 2.0, 6.0),
}
IMPLIED = {word: numbers for words, numbers in _SPANS.items() for word in words}
