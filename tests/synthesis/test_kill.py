"""After any kill, the repeated run ends with the same corpus and requests hardly more from the engine.

These tests take minutes. They run only if PAD_RAY_KILLS is set, to the number of moments at which to kill the driver.
"""

import json
import os
import random
from pathlib import Path

import pytest
import yaml

from pad_ray.run.folder import RunDir
from pad_ray.schema import Draft
from tests.jobs.conftest import change_nodes, command_line, kill, kill_driver, run_job, start_job, wait_until

QUESTIONS = 400
BLOCKS = 200
# A kill loses the blocks in the engine and those that wait for their verdict.
ASKED_AT_MOST = 1.05
KILLS = int(os.environ.get("PAD_RAY_KILLS", "0"))
MOMENTS = random.Random(7)

pytestmark = pytest.mark.skipif(not KILLS, reason="PAD_RAY_KILLS is not set")


def write_recipe(folder, script, run_dir="run", seconds=0.5):
    """400 drafts in 200 blocks; the engine takes `seconds` per block, four at a time, and logs its tokens to `asked`."""
    completions = {**json.loads(Path(script).read_text()), "@": {"seconds": seconds, "log": str(folder / "asked")}}
    (folder / "script.json").write_text(json.dumps(completions))
    recipe = {
        "run_dir": str(folder / run_dir),
        "questions": {"task": "arithmetic", "limit": QUESTIONS, "test_limit": 4},
        "teacher": {"kind": "scripted", "script": str(folder / "script.json")},
        "synthesis": {"samples": 1, "block_questions": QUESTIONS // BLOCKS, "verifiers": 1},
        "corpus": {"validation_share": 0.3},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def outcome(folder, run_dir="run"):
    """The corpus hash and the draft ids of a run."""
    run = RunDir(str(folder / run_dir))
    ids = sorted(draft.draft_id for draft in run.read_records("drafts", Draft))
    return run.read_json("metrics.json")["corpus"]["hash"], ids


def asked(folder):
    return sum(map(int, (folder / "asked").read_text().split()))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, script):
    """Corpus hash, draft ids and requested tokens of a run without kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = run_job("synthesize", write_recipe(folder, script))
    assert done.returncode == 0, done.stdout + done.stderr
    hashed, ids = outcome(folder)
    assert len(ids) == QUESTIONS
    return hashed, ids, asked(folder)


def wait_for_parts(folder, count, job):
    wait_until(lambda: len(RunDir(str(folder / "run")).parts("drafts")) >= count, job)


def assert_same(folder, undisturbed):
    hashed, ids, tokens = undisturbed
    assert outcome(folder) == (hashed, ids)
    assert tokens <= asked(folder) <= ASKED_AT_MOST * tokens


def is_actor(process, name):
    return command_line(process).startswith("ray::") and name in command_line(process)


@pytest.mark.parametrize("share", [MOMENTS.uniform(0.3, 0.7) for _ in range(KILLS)], ids=lambda share: f"{share:.2f}")
def test_a_killed_driver_continues(tmp_path, script, undisturbed, share):
    recipe = write_recipe(tmp_path, script)
    job = start_job("synthesize", recipe)
    wait_for_parts(tmp_path, int(BLOCKS * share), job)
    kill_driver(job)
    done = run_job("synthesize", recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(tmp_path, undisturbed)


def test_a_driver_killed_while_judging_again_continues(tmp_path, script, undisturbed):
    recipe = write_recipe(tmp_path, script, seconds=0.0)
    assert run_job("synthesize", recipe).returncode == 0
    run = RunDir(str(tmp_path / "run"))
    for part in run.parts("verdicts"):
        run.write_table(part, run.read_part(part).drop_columns(["judged_by"]))

    def judged_again():
        return sum("judged_by" in run.read_part(part).column_names for part in run.parts("verdicts"))

    job = start_job("synthesize", recipe)
    wait_until(lambda: judged_again() > 0, job)
    kill_driver(job)
    assert 0 < judged_again() < BLOCKS
    done = run_job("synthesize", recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "they are judged again" in done.stdout
    assert judged_again() == BLOCKS
    assert_same(tmp_path, undisturbed)


def test_killed_engine_and_sandbox_actors_are_replaced(tmp_path, script, undisturbed):
    job = start_job("synthesize", write_recipe(tmp_path, script))
    for victim, parts in (("_Generate", BLOCKS // 3), ("_VerifyAndCommit", BLOCKS * 2 // 3)):
        wait_for_parts(tmp_path, parts, job)
        killed = [process for process in job.children(recursive=True) if is_actor(process, victim)]
        assert killed
        kill(killed)
    output, _ = job.communicate(timeout=200)
    assert job.returncode == 0, output
    assert_same(tmp_path, undisturbed)


def test_a_run_continues_without_a_removed_node(tmp_path, script, undisturbed):
    recipe = write_recipe(tmp_path, script)
    done = change_nodes("lose", "synthesize", recipe, BLOCKS // 2, 2, "--teacher.actors", 2, "--synthesis.verifiers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "node removed" in done.stdout
    assert_same(tmp_path, undisturbed)


def test_an_added_node_is_used(tmp_path, script, undisturbed):
    recipe = write_recipe(tmp_path, script, seconds=2.0)
    # The first node has room for one engine and the sandbox.
    sizes = ("--teacher.actors", 2, "--teacher.cpus", 2, "--synthesis.verifiers", 1, "--synthesis.verifier-cpus", 1)
    done = change_nodes("add", "synthesize", recipe, BLOCKS // 40, 3, *sizes)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MapWorker(MapBatches(_Generate))" in done.stdout.partition("at work on the new node: ")[2]
    assert_same(tmp_path, undisturbed)
