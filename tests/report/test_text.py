"""The text form of values."""

import pytest

from pad_ray.report import text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.2, "p = 0.200"),
        (0.0012, "p = 0.001"),
        (3.2e-15, "p = 3.2 × 10⁻¹⁵"),
        (0.0, "p < 10⁻³⁰⁰"),
        (None, "p not given"),
    ],
)
def test_p_values(value, written):
    assert text.p_value(value).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.42, "0.4 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min 00 s"),
        (312.4, "5 min 12 s"),
        (7500, "2 h 05 min"),
        (None, "–"),
    ],
)
def test_durations(seconds, written):
    assert text.duration(seconds).replace("\u00a0", " ") == written


def test_a_program_is_escaped_and_highlighted():
    html = text.program("def f():\n    return '<b>'")
    assert '<span class="k">def</span>' in html
    assert "<b>" not in html and "&lt;b&gt;" in html


def test_invisible_characters_are_shown_by_their_code_point():
    assert text.clean("a\u202eb\x00c\ud800") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+D800⟩"


def test_long_text_is_cut_and_says_by_how_much():
    assert text.shorten("x" * 4000).endswith("\n… 1,000 more characters")


def test_a_moment_is_given_in_utc():
    assert text.moment("2026-01-14T10:12:44+01:00") == "2026-01-14 09:12 UTC"
    assert text.moment("yesterday") == "yesterday"
