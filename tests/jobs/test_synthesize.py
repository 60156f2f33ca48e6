"""`jobs/synthesize.py`: a corpus with its card, and the same run gone on with by `jobs/distill.py`."""

import json

from pad_ray.rundir import RunDir
from tests.jobs.conftest import call_job


def test_a_corpus_comes_with_its_card_and_is_read_by_datasets(local_ray, write_recipe, tmp_path):
    from datasets import load_dataset

    recipe = write_recipe()
    done = call_job("synthesize", recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    run = RunDir(str(tmp_path / "run"))
    metrics = run.read_json("metrics.json")
    card = run.read_bytes("corpus/README.md").decode()
    assert metrics["corpus"]["hash"] in card
    loaded = load_dataset(str(run.local_path("corpus")), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == metrics["corpus"]["train_rows"]
    assert set(loaded["train"].column_names) >= {"source", "target", "objective"}
    stages = {entry["stage"]: entry for entry in run.read_json("ledger.json")["stages"]}
    assert list(stages) == ["questions", "synthesis", "corpus"]
    assert all(entry["balanced"] for entry in stages.values())
    assert stages["synthesis"]["protections"] == metrics["sandbox"]["protections"]
    assert list(run.local_path("tensorboard/synthesis").iterdir())

    again = call_job("synthesize", recipe, "--synthesis.samples", "5")
    assert again.returncode == 0, again.stdout + again.stderr
    assert run.read_json("metrics.json")["synthesis"]["drafts"] == 24 * 5


def test_an_engine_that_never_starts_fails_with_its_reason(local_ray, write_recipe, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps({"*": [{"crash": True}]}))
    done = call_job(
        "synthesize", write_recipe(), "--teacher.script", broken, "--questions.limit", "1", "--synthesis.samples", "1"
    )
    assert done.returncode == 1
    assert "engine_fault" in done.stdout or "dies again and again" in done.stdout
