"""Programs that a zygote runs before it serves, by the modules that they import ('' for none).

They exercise the code paths of typical programs: the first use of these costs a cold child about 2 ms.
"""

ARITHMETIC = '''
def solution():
    """Twelve eggs cost $3.50; how much are 4 dozen, less 10 %?"""
    # one of every common statement
    price_per_dozen = 3.5
    dozens = 4
    prices = [price_per_dozen * count for count in range(1, dozens + 1)]
    total = 0
    for price in prices:
        total += price
    while total > 100:
        total //= 2
    share = {"first": total * 0.1, "second": max(prices) - min(prices)}
    if share["first"] >= 1 and not total == 7:
        total = round(total / 3, 2) - int(share["first"]) ** 2 % 5
    label = f"{total:.2f} dollars" + str(len(prices)) + "yes".upper()
    pairs = sorted(zip(prices, (1, 2, 3)), key=lambda pair: -pair[0])
    print(label, pairs, sum(value for value, _ in pairs), abs(-1), sep=" ")
    result = total
    return result
'''
MODULES = """
import math
import datetime
from collections import Counter, defaultdict
from fractions import Fraction
from decimal import Decimal

def days(start, end):
    return (end - start).days

def solution():
    counts = Counter("apple")
    groups = defaultdict(list)
    groups["a"].append(math.ceil(2.5) + math.sqrt(16))
    price = Decimal("1.10") + Decimal(2)
    later = datetime.date(2020, 1, 1) + datetime.timedelta(days=30)
    return Fraction(1, 3) + days(datetime.date(2020, 1, 1), later) + counts["p"]
"""
RETURNS = """
def solution():
    return {value}
"""
ERRORS = """
def solution():
    total = 5
    {fault}
    return total
"""
SYMBOLS = """
from sympy import Eq, Rational, simplify, solve, sqrt, symbols

def solution():
    x, y = symbols("x y")
    both = solve([Eq(x + y, 10), Eq(2 * x - y, Rational(1, 2))], [x, y])
    roots = solve(x**2 - 5 * x + 6, x)
    simplify((x**2 - 1) / (x - 1))
    float(sqrt(2).evalf())
    return both[x] + sum(roots)
"""
ONE_SYMBOL = """
import sympy as sp

def solution():
    x = sp.symbols("x", positive=True)
    found = sp.solve(sp.Eq(3 * x + x / 2 - 7 * (x - 4), 1.5), x)
    return found[0]
"""
ARRAYS = """
import numpy as np

def solution():
    table = np.arange(6, dtype=float).reshape(2, 3)
    scores = np.array([1, 2, 3])
    return np.mean(scores) + table.sum() + np.round(np.dot(scores, table[0]), 2)
"""

SAMPLES: dict[str, tuple[str, ...]] = {
    "": (
        ARITHMETIC,
        *(RETURNS.format(value=value) for value in ("42", "2.5", "'yes'", "True", "None", "[7]", "{}", "10**50")),
        *(
            ERRORS.format(fault=fault)
            for fault in ("total = missing", "total += late; late = 1", "total / 0", "total + 'a'")
        ),
        "def solution(:\n    pass",
    ),
    "standard": (MODULES,),
    "sympy": (SYMBOLS, ONE_SYMBOL),
    "numpy": (ARRAYS,),
}
