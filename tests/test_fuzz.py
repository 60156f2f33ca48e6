"""A short run of `python -m tests.fuzz`, and a check that it detects faults."""

from itertools import islice

import pytest

from tests import fuzz
from tests.readers import Reader

BUSY = 8.0
"""Factor by which a shared machine may be slower."""


def test_no_function_fails_or_exceeds_its_limits_on_random_texts():
    found = fuzz.fuzz(seconds=20, seed=0, slack=BUSY)
    assert found.texts > 10
    assert not found.faults, "\n".join(found.faults[:10])


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda text: text.encode("ascii"), "UnicodeEncodeError"),
        (lambda text: int(text), "ValueError"),
        (lambda text: [sum(range(200)) for _ in range(2_000_000)], " s"),
    ],
)
def test_a_fault_is_found(monkeypatch, call, fault):
    monkeypatch.setattr(fuzz, "readers", lambda: [Reader("broken", call)])
    found = fuzz.fuzz(seconds=2, seed=0)
    assert fault in found.faults[0] and "text " in found.faults[0]


def test_a_text_depends_only_on_seed_and_number():
    assert list(islice(fuzz.texts(3), 40)) == list(islice(fuzz.texts(3), 40)) != list(islice(fuzz.texts(4), 40))
    assert all(
        len(text.encode("utf-8", "surrogatepass")) <= 3 * fuzz.LONGEST_BYTES for text in islice(fuzz.texts(5), 40)
    )
