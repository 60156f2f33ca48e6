"""The reason of a failure in another process, in one line."""

import pytest

from pad_ray.errors import reason

ROOT = {
    "pyarrow": "pyarrow.lib.ArrowInvalid: Column 3 has a null",
    "python": "ValueError: no number",
    "own": "pad_ray.errors.StageError: the disk is full",
    "without Error in its name": "zmq.Again: try later",
}


@pytest.mark.parametrize("line", ROOT.values(), ids=ROOT)
def test_the_root_cause_is_the_first_exception_of_the_traceback(line):
    traceback = (
        "ray::_Generate() (pid=1, ip=10.0.0.1)\n"
        '  File "engine.py", line 3, in generate\n'
        f"    serve()\n{line}\n\n"
        "The above exception was the direct cause of the following exception:\n\n"
        "ray.exceptions.UserCodeException: see above\n"
        "Debug advice: set DataContext.log_internal_stack_trace\n"
    )
    assert reason(RuntimeError(traceback)) == line


def test_without_a_traceback_the_last_line_is_the_reason():
    assert reason(RuntimeError("a\nthe actor died")) == "the actor died"
    assert reason(RuntimeError()) == "RuntimeError"
