"""Counts in words: one thing has no s."""

import pytest

from pad_ray.words import counted


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (1, ["engine"], "1 engine"),
        (1.0, ["CPU"], "1 CPU"),
        (0, ["engine"], "0 engines"),
        (0.5, ["CPU"], "0.5 CPUs"),
        (2, ["sandbox", "sandboxes"], "2 sandboxes"),
        (1234567, ["draft"], "1234567 drafts"),
    ],
)
def test_a_count_agrees_with_its_thing(count, words, said):
    assert counted(count, *words) == said
