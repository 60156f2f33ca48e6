"""The failing line of a path, found from its feedback."""

import pytest

from pad_ray.report.samples import failing_line

PROGRAM = "def solution():\n    apples = 3\n    pears = apples * plums\n    return plums\n"
WORDS = "2*3 = <<2*3=6>>6\n6+1 = <<6+1=8>>8\n#### 8"


@pytest.mark.parametrize(
    ("path", "feedback", "line"),
    [
        (PROGRAM, "NameError: name 'plums' is not defined", 3),
        (
            PROGRAM,
            "UnboundLocalError: cannot access local variable 'apples' where it is not associated with a value",
            3,
        ),
        (PROGRAM, "SyntaxError: invalid syntax (<solution>, line 2)", 2),
        (PROGRAM, "SyntaxError: invalid syntax (<solution>, line 9)", None),
        (PROGRAM, "NameError: name 'nuts' is not defined", None),
        (PROGRAM, "returned 7", None),
        ("def solution(:", "NameError: name 'x' is not defined", None),
        (WORDS, "step 2: 6+1 is 7, not 8", 2),
    ],
)
def test_the_failing_line_is_named_by_the_feedback_or_the_first_to_read_the_name(path, feedback, line):
    assert failing_line(path, feedback) == line
