"""The closing tables of a job."""

import io

import pytest
from rich.console import Console

from pad_ray.recipe import Recipe
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.stages.base import Run
from pad_ray.stages.tables import closing_table

SCORE = {
    "task": "arithmetic",
    "student": "after",
    "prompt": "0-shot",
    "questions": 200,
    "correct": 29,
    "accuracy": 0.145,
}
SCORE |= {"interval": [0.103, 0.2], "executable_rate": 0.945}


@pytest.mark.parametrize(("strategies", "named"), [(["greedy"], False), (["greedy", "vote"], True)])
def test_scores_name_their_strategy_if_there_are_several(tmp_path, strategies, named):
    output = io.StringIO()
    run = Run(Recipe(), RunDir(str(tmp_path)), Progress(Console(file=output, width=160)))
    run.folder.write_json("metrics.json", {"evaluation": [{**SCORE, "strategy": name} for name in strategies]})
    closing_table(run)
    assert ("│ vote" in output.getvalue()) == ("strategy" in output.getvalue()) == named
    assert "10.3% to 20.0%" in output.getvalue()
