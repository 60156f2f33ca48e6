"""The hash that ignores names, comments and layout of programs."""

import pytest

from pad_ray.sandbox import normalised_program_hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 7 + 0*0x" + "f" * 3600, "y = 7 + 0*0x" + "F" * 3600),
        ("x = 0b" + "1" * 20000, "y = 0B" + "1" * 20000),
        ("x = 0o" + "7" * 9000, "a = 0O" + "7" * 9000),
        ("x = " + "1+" * 900 + "1", "y = " + "1 + " * 900 + "1"),
        ("x" + ".a" * 900 + " = 1", "x" + ".a" * 900 + "  = 1"),
    ],
)
def test_long_and_deep_programs_are_hashed_by_their_tree(one, other):
    assert normalised_program_hash(one) == normalised_program_hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 0x" + "f" * 3600, "x = 0x" + "f" * 3599 + "e"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = '1'", "x = b'1'"),
        ("f(a, b)", "f((a, b))"),
        ("x = [1, [2]]", "x = [[1], 2]"),
        ("x = 'a\\x1fb'", "x = 'a', 'b'"),
        ("a = 1\nb = 2\nc = a", "a = 1\nb = 2\nc = b"),
    ],
)
def test_different_trees_have_different_hashes(one, other):
    assert normalised_program_hash(one) != normalised_program_hash(other)
