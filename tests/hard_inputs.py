"""Texts of a given length that are hard to parse: long, deep, wide, repeated, and with unusual characters."""

from collections.abc import Callable

HEAD = "def solution():\n"


def hard_inputs(length: int) -> dict[str, str]:
    """By name; each has at most `length` bytes of UTF-8."""
    found = {name: _of_length(pattern, length) for name, pattern in {**_BODIES, **_TEXTS}.items()}
    found |= {name: make(length) for name, make in _MADE.items()}
    return {
        name: text.encode("utf-8", "surrogatepass")[:length].decode("utf-8", "surrogatepass")
        for name, text in found.items()
    }


def _of_length(pattern: tuple[str, str, str], length: int) -> str:
    start, part, end = pattern
    size = [len(one.encode("utf-8", "surrogatepass")) for one in pattern]
    return start + part * max(0, (length - size[0] - size[2]) // max(1, size[1])) + end


_BODIES = {
    "targets": (f"{HEAD} ", "a,", "b=7*[1]+[7*1-2]*7994\n return b"),
    "lines of lists": (HEAD, " [0]\n", " return 1\n"),
    "names in a line": (f"{HEAD} ", "a;", "return a"),
    "names in a line, first": ("", "a;", "\ndef solution(): return 1"),
    "sums": (f"{HEAD} return ", "1+", "1"),
    "short sum": (f"{HEAD} return [", "1+1,", "1]"),
    "differences": (f"{HEAD} return [", "a-(a),", "1]"),
    "divisions": (f"{HEAD} a=1\n return [", "a/a,", "1]"),
    "comparison": (f"{HEAD} return ", "1<", "1"),
    "comparisons": (f"{HEAD} return [", "a<1,", "1]"),
    "products of names": (HEAD, " a=a*a\n", " return a"),
    "augmented": (HEAD, " a+=1\n", " return a"),
    "assignments": (f"{HEAD} a=1\n", " b=a\n", " return b"),
    "two names": (HEAD, " a=b\n b=a\n", " return b"),
    "chained targets": (f"{HEAD} ", "a=", "1\n return a"),
    "annotated": (HEAD, " a:int=1\n", " return a"),
    "keys set": (f"{HEAD} d={{}}\n", " d[1]=d[2]\n", " return d[1]"),
    "keys read": (f"{HEAD} d={{1:2}}\n return [", "d[1],", "1]"),
    "wide call": (f"{HEAD} return f(", "a,", "a)"),
    "appends": (f"{HEAD} a=[]\n", " a.append(a)\n", " return a"),
    "branches": (f"{HEAD} a=1\n", " if a:\n  b=1\n", " return b"),
    "one branch": (f"{HEAD} a=1\n if a: b=1\n", " elif a: b=1\n", " return b"),
    "loops": (f"{HEAD} a=1\n", " for a in a:\n  b=a\n", " return b"),
    "returns": (f"{HEAD} a=1\n", " if a: return a\n", " return 1"),
    "functions": ("", "def f(a=1): return a\n", "def solution(): return f()"),
    "nested calls of one": ("", "def solution(): return 1\n", ""),
    "classes": ("", "class A: a=1\n", "def solution(): return A"),
    "lambdas": (f"{HEAD} return [", "lambda a:a,", "1]"),
    "comprehensions": (f"{HEAD} return [", "[a for a in a],", "1]"),
    "choices": (f"{HEAD} return ", "1 if a else ", "1"),
    "strings": (f"{HEAD} return [", "'eggs',", "1]"),
    "adjacent strings": (f"{HEAD} return (", "'a' ", "'b')"),
    "formatted": (f"{HEAD} return [", "f'{a}',", "1]"),
    "one formatted": (f"{HEAD} return f'", "{a}", "'"),
    "numbers": (f"{HEAD} return [", "7,", "1]"),
    "decimals": (f"{HEAD} return [", ".7,", "1]"),
    "dictionary": (f"{HEAD} return {{", "1:a,", "1:1}"),
    "imports": (HEAD, " import math\n", " return 1"),
    "global": (HEAD, " global a\n", " return a"),
    "wide global": (f"{HEAD} global ", "a,", "b\n return a"),
    "returns alone": (HEAD, " return 1\n", ""),
    "tries": (f"{HEAD}", " try: a=1\n except: a=2\n", " return a"),
    "withs": (f"{HEAD}", " with a as b: c=b\n", " return c"),
    "walrus": (f"{HEAD} return [", "(a:=1),", "1]"),
    "attributes": (f"{HEAD} return a", ".a", ""),
    "subscripts": (f"{HEAD} return a", "[1]", ""),
    "calls": (f"{HEAD} return a", "()", ""),
    "decorators": ("", "@a\n", "def solution(): return 1"),
    "not": (f"{HEAD} return ", "not ", "a"),
    "minus": (f"{HEAD} return ", "-", "1"),
    "power": (f"{HEAD} return 1", "**1", ""),
    "lambda in lambda": (f"{HEAD} return ", "lambda:", "1"),
    "wide names": (HEAD, " ä=ä+1\n", " return ä"),
    "a wide line": (f"{HEAD} return [", "ä-1,", "1]"),
    "a line of wide names": (f"{HEAD} ", "ä=1;", "return ä"),
    "comments": (HEAD, " #\n", " return 1"),
    "one comment": (f"{HEAD} return 1 #", "a", ""),
    "statements and comments": (f"{HEAD}", " a=1 # a=1\n", " return a"),
    "blank lines": (HEAD, "\n", " return 1"),
    "spaces": (f"{HEAD} return 1", " ", "-1"),
    "spaced bracket": (f"{HEAD} return (", " ", "1) - 1"),
    "spaced brackets": (f"{HEAD} return [", "(a) - (a) ,", "1]"),
    "backslashes": (f"{HEAD} return 1", "\\\n", "-1"),
    "tabs": (f"{HEAD}", "\t1\n", "\treturn 1"),
    "a docstring": (f'{HEAD} """', "a\n", '"""\n return 1'),
    "docstrings": (HEAD, ' """a"""\n', " return 1"),
    "a hexadecimal": (f"{HEAD} return 7 + 0*0x", "f", ""),
    "digits in code": (f"{HEAD} return ", "7", ""),
    "match": (f"{HEAD} match a:\n", "  case 1: b=1\n", " return b"),
    "match with a pattern": (f"{HEAD} match a:\n  case ", "1|", "1: return 1"),
    "two sides": (f"{HEAD} ", "a,b=b,a;", "return a"),
    "starred": (f"{HEAD} return [", "*a,", "1]"),
    "keywords": (f"{HEAD} return f(", "a=1,", "b=1)"),
    "break": (f"{HEAD} while a:\n", "  if a: break\n", "  a=1\n return a"),
    "deleted": (HEAD, " del a\n", " return a"),
    "assertions": (HEAD, " assert a\n", " return a"),
}
_TEXTS = {
    "annotations": ("", "<<1+1=2>> ", "\n#### 2\n"),
    "annotation lines": ("", "<<1+1=2>>\n", "#### 2\n"),
    "opened annotations": ("", "<<", ""),
    "closed annotations": ("", ">>", ""),
    "one long annotation": ("<<", "1+", "1=2>>\n#### 2\n"),
    "plain equations": ("", "5 * 3 = 15 ", "\n#### 15\n"),
    "a chain of equations": ("1", " = 1", "\n#### 1\n"),
    "a sum in words": ("", "1 + ", "1 = 2\n#### 2\n"),
    "digits": ("", "7", ""),
    "grouped digits": ("", "7,", "7"),
    "threes": ("7", ",000", ""),
    "numbers in words": ("", "two hundred and ", "fifty"),
    "numbers apart": ("", "7 ", ""),
    "ratios": ("", "1/", "2"),
    "mixed numbers": ("", "2 3/4 ", ""),
    "signed halves": ("", "2½ ", ""),
    "dollars": ("", "$", "1"),
    "percents": ("", "7% ", ""),
    "exponents": ("", "1e9 ", ""),
    "an exponent": ("1e", "9", ""),
    "powers": ("2", "^2", ""),
    "braces": ("", "{", ""),
    "boxes": ("", "\\boxed{", ""),
    "closed boxes": ("", "\\boxed{1}", ""),
    "fractions": ("", "\\frac{", ""),
    "closed fractions": ("", "\\frac{1}{2} ", ""),
    "roots": ("", "\\sqrt{", ""),
    "marks": ("", "#### ", "1\n"),
    "mark lines": ("", "#### 1\n", ""),
    "said answers": ("", "the answer is ", "7"),
    "said numbers": ("", "The answer is 7. ", ""),
    "said options": ("", "The answer is (A) ", ""),
    "options": ("", "(A) ", ""),
    "yes and no": ("", "yes no ", ""),
    "negations": ("", "not ", "yes"),
    "pairs": ("", "How many? ** 1 + 1 = <<1+1=2>>\n", "#### 2\n"),
    "stars": ("", " ** ", ""),
    "bullets": ("", "- ", ""),
    "fences": ("", "```\n", ""),
    "python fences": ("", "```python\ndef solution():\n return 1\n```\n", ""),
    "fences in a line": ("", "```", ""),
    "heads": ("", "def solution():\n", ""),
    "heads in a line": ("", "def solution(): ", ""),
    "thoughts": ("", "<think>", ""),
    "ended thoughts": ("", "</think>", ""),
    "turns": ("", "<|im_end|>", ""),
    "glued turns": (f"{HEAD} return 1", "<|eot_id|>", ""),
    "questions": ("", "Question: a\n", ""),
    "open triple quotes": ("", '"""', ""),
    "open triple quotes, lines": (f"{HEAD} a = ", '"""\n', ""),
    "paths": ("", "/a", "/"),
    "half paths": ("", "/a b", ""),
    "addresses": ("", "0xabcdef", ""),
    "letters": ("", "a", ""),
    "words": ("", "a ", ""),
    "signs": ("", "=", ""),
    "dots": ("", ".", ""),
    "commas": ("", ",", ""),
    "opening brackets": ("", "(", ""),
    "opening squares": ("", "[", ""),
    "closing brackets": ("", ")", ""),
    "nothing": ("", " ", ""),
    "a number and nothing": ("7", " ", "/"),
    "numbers and tabs": ("", "7\t\t\t\t", "½"),
    "lines": ("", "\n", ""),
    "carriage returns": ("", "\r\n", ""),
    "form feeds": ("", "\f", ""),
    "null": ("", "\0", ""),
    "surrogates": ("", "\ud800", ""),
    "right to left": ("", "\u202e", ""),
    "combining": ("a", "\u0301", ""),
    "Chinese": ("", "三", ""),
    "Chinese sentences": ("", "三百个。", ""),
    "Arabic digits": ("", "٣", ""),
    "Devanagari": ("", "तीन ", ""),
    "zero width": ("", "\u200b", ""),
    "mathematical letters": ("", "𝟕", ""),
    "ligatures": ("", "ﷺ", ""),
}


def _nested(open_: str, inside: str, close: str, depth: int = 90) -> Callable[[int], str]:
    def made(length: int) -> str:
        room = length - depth * len(open_ + close) - 60
        return f"{HEAD} return " + open_ * depth + inside * max(1, room // len(inside)) + "1" + close * depth

    return made


def _blocks(line: str, inside: str) -> Callable[[int], str]:
    """Blocks within blocks, as deep as Python reads them, then many lines in the innermost."""

    def made(length: int) -> str:
        depth = 90
        heads = "".join(f"{' ' * level}{line}\n" for level in range(1, depth))
        body = f"{' ' * depth}{inside}\n"
        return HEAD + heads + body * max(1, (length - len(HEAD + heads) - 20) // len(body)) + " return b\n"

    return made


def _finally(_: int) -> str:
    """Code generation copies each `finally` for every `return` inside it: 500 bytes are gigabytes of code."""
    lines = [HEAD]
    for level in range(1, 17):
        lines += [f"{' ' * level}try:\n", f"{' ' * level} return 1\n", f"{' ' * level}finally:\n"]
        lines += [f"{' ' * level} try: return 1\n{' ' * level} finally: a=1\n" * 2]
    return "".join(lines) + " " * 17 + "return 1\n"


def _keys(length: int) -> str:
    """Every key of a dictionary is set, and every one is read."""
    number = length // 24
    sets = "".join(f" d[{key}]=1\n" for key in range(number))
    return f"{HEAD} d={{0:1}}\n{sets} return [{','.join(f'd[{key}]' for key in range(number))}]"


def _display(length: int) -> str:
    """A long written dictionary that is asked for each of its keys."""
    number = length // 22
    pairs = ",".join(f"{key}:1" for key in range(number))
    return f"{HEAD} d={{{pairs}}}\n return [{','.join(f'd[{key}]' for key in range(number))}]"


def _names(length: int) -> str:
    """As many names as fit, each made from the one before."""
    number = length // 18
    return f"{HEAD} a0=16\n" + "".join(f" a{one}=a{one - 1}+1\n" for one in range(1, number)) + f" return a{number - 1}"


def _different_constants(length: int) -> str:
    return f"{HEAD} return [{','.join(str(10**6 + one) for one in range(length // 9))}]"


def _functions(length: int) -> str:
    """Functions that call the one before."""
    number = length // 30
    heads = "".join(f"def f{one}(a): return f{one - 1}(a)\n" for one in range(1, number))
    return f"{heads}def solution(): return f{number - 1}(16)\n"


_MADE: dict[str, Callable[[int], str]] = {
    "nested brackets": _nested("(", "a+", ")"),
    "nested lists": _nested("[", "1,", "]"),
    "nested keys": _nested("a[", "1,", "]"),
    "nested calls": _nested("f(", "a,", ")"),
    "nested tests": _nested("1 if (", "1,", ") else 1"),
    "nested formatted": _nested("f(f'{", "a+", "}')", 3),
    "nested sets": _nested("{", "1,", "}"),
    "nested ifs": _blocks("if a:", "b=1"),
    "nested ifs, augmented": _blocks("if a:", "b+=1"),
    "nested fors": _blocks("for a in a:", "b=a"),
    "nested functions": _blocks("def f():", "b=1"),
    "nested tries": _blocks("if 1:", "try: b=1\n" + " " * 90 + "finally: b=2"),
    "nested breaks": _blocks("while a:", "if a: break"),
    "finally": _finally,
    "keys": _keys,
    "a display of keys": _display,
    "names": _names,
    "different constants": _different_constants,
    "functions in a row": _functions,
}
