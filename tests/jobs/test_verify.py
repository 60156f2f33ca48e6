"""`jobs/verify.py`, in this process and in one that is killed, stopped and called again."""

import json
from collections import Counter
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from pad_ray.rundir import RunDir
from tests.jobs.conftest import call_job, command_line, kill, kill_driver, start_job, wait_until

ENDINGS = {
    "accepted": "    return {number}",
    "wrong_answer": "    return {number} + 7000",
    "name_error": "    return missing",
    "timeout": "    while True: pass",
}
# One in two hundred runs into its limit, so that a kill finds the job in the middle.
KINDS = ["timeout", *["accepted", "wrong_answer", "accepted", "name_error"] * 50][:200]
# What the command lines of a sandbox's processes hold.
SANDBOXES = ("inside.zygote", "ray::_Verifier")


def write_programs(path, count):
    rows = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        body = ENDINGS[kind].format(number=number)
        rows.append({"id": f"{number}:{kind}", "program": f"def solution():\n    x = {number}\n{body}", "gold": number})
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def options(tmp_path, *words):
    programs, output = tmp_path / "programs.jsonl", tmp_path / "out"
    return ["--input", programs, "--output", output, "--sandbox.cpu-s", "0.5", "--verify.part-rows", "100", *words]


def verify(tmp_path, *words):
    return call_job("verify", *options(tmp_path, *words))


def read_verdicts(tmp_path):
    run = RunDir(str(tmp_path / "out"))
    return pa.concat_tables(run.read_part(part) for part in run.parts("verdicts")).to_pylist()


def assert_one_verdict_each(tmp_path, count):
    verdicts = read_verdicts(tmp_path)
    assert [int(verdict["id"].split(":")[0]) for verdict in verdicts] == list(range(count))
    assert [verdict["outcome"] for verdict in verdicts] == [verdict["id"].split(":")[1] for verdict in verdicts]


def started(tmp_path):
    """The job, once its first part is committed."""
    job = start_job("verify", *options(tmp_path))
    wait_until(partial(RunDir(str(tmp_path / "out")).parts, "verdicts"), job)
    return job


def test_outcomes_are_counted_and_a_second_call_does_nothing(local_ray, tmp_path):
    write_programs(tmp_path / "programs.jsonl", 400)
    done = verify(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "400 programs" in done.stdout
    assert_one_verdict_each(tmp_path, 400)
    run = RunDir(str(tmp_path / "out"))
    (entry,) = run.read_json("ledger.json")["stages"]
    planned = Counter(KINDS * 2)
    assert entry["balanced"]
    assert (entry["rows_in"], entry["rows_out"]) == (400, planned["accepted"])
    assert entry["rejected"] == {kind: count for kind, count in planned.items() if kind != "accepted"}
    assert entry["protections"]["seccomp_child"]

    again = verify(tmp_path)
    assert again.returncode == 0, again.stdout
    assert "0 verified" in again.stdout
    assert run.read_json("ledger.json")["stages"][0]["protections"] == entry["protections"]


def test_a_driver_that_is_killed_continues_where_it_was(local_ray, tmp_path):
    write_programs(tmp_path / "programs.jsonl", 3000)
    family = kill_driver(started(tmp_path))
    assert not any(name in command_line(process) for process in family for name in SANDBOXES)
    assert 0 < len(RunDir(str(tmp_path / "out")).parts("verdicts")) < 30

    done = verify(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_one_verdict_each(tmp_path, 3000)


def test_killed_actors_and_zygotes_cost_no_verdict(tmp_path):
    write_programs(tmp_path / "programs.jsonl", 2400)
    job = started(tmp_path)
    run = RunDir(str(tmp_path / "out"))
    for victim, parts in zip(SANDBOXES, (4, 10), strict=True):
        wait_until(lambda parts=parts: len(run.parts("verdicts")) >= parts, job)
        killed = [process for process in job.children(recursive=True) if victim in command_line(process)]
        assert killed
        kill(killed)
    output, _ = job.communicate(timeout=200)
    assert job.returncode == 0, output
    assert_one_verdict_each(tmp_path, 2400)


def test_a_changed_row_is_verified_again_and_other_options_need_another_output(local_ray, tmp_path):
    path = write_programs(tmp_path / "programs.jsonl", 300)
    assert verify(tmp_path).returncode == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[150]["gold"] = 12345678
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = verify(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "100 verified" in done.stdout
    refused = verify(tmp_path, "--sandbox.memory-mib", "100")
    assert refused.returncode == 2
    assert "give another --output" in refused.stdout
    verdicts = read_verdicts(tmp_path)
    assert (len(verdicts), verdicts[150]["outcome"]) == (300, "wrong_answer")


def test_verdicts_of_other_rules_are_reached_again(local_ray, tmp_path):
    write_programs(tmp_path / "programs.jsonl", 300)
    assert verify(tmp_path).returncode == 0
    run = RunDir(str(tmp_path / "out"))
    for part in run.parts("verdicts")[:2]:
        table = run.read_part(part).rename_columns({"id": "draft_id"}).drop_columns(["judged_by"])
        run.write_table(part, table.replace_schema_metadata({"pad_ray.piece": "0" * 32}))
    done = verify(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "200 verified" in done.stdout
    assert_one_verdict_each(tmp_path, 300)


def test_a_bad_row_ends_the_job_with_its_place_before_anything_is_written(tmp_path):
    path = write_programs(tmp_path / "programs.jsonl", 300)
    with path.open("a") as file:
        file.write('{"id": "last"}\n')
    done = verify(tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "row 301 (id last): `program`" in done.stdout
    assert not (tmp_path / "out").exists()


def test_verdicts_carry_the_columns_that_are_kept(local_ray, tmp_path):
    rows = [
        {"id": number, "program": f"def solution():\n    return {number} * 1", "level": level, "source": "ours"}
        for number, level in enumerate(["easy", None, {"steps": 3}])
    ]
    rows.append({"id": "no UTF-8", "program": "x = '\ud800'"})
    (tmp_path / "programs.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = verify(tmp_path, "--verify.keep", "level,source")
    assert done.returncode == 0, done.stdout
    verdicts = read_verdicts(tmp_path)
    assert [verdict["id"] for verdict in verdicts] == ["0", "1", "2", "no UTF-8"]
    assert [verdict["level"] for verdict in verdicts] == ["easy", None, '{"steps": 3}', None]
    assert [verdict["source"] for verdict in verdicts] == ["ours"] * 3 + [None]
    assert verdicts[3]["outcome"] == "syntax_error"


def test_bytes_that_are_no_utf_8_are_a_syntax_error_of_their_row(local_ray, tmp_path):
    programs = [
        b"def solution():\n    return 6 * 7",
        b"\xff\xfe",
        b"x = '\x80'",
        b"# caf\xe9\ndef solution(): return 1",
    ]
    table = pa.table({"id": ["a", "b", "c", "d"], "program": pa.array(programs, pa.binary()), "level": [1, 2, 3, 4]})
    pq.write_table(table, tmp_path / "programs.parquet")
    words = [
        str(word).replace("programs.jsonl", "programs.parquet") for word in options(tmp_path, "--verify.keep", "level")
    ]
    done = call_job("verify", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = read_verdicts(tmp_path)
    assert [verdict["outcome"] for verdict in verdicts] == ["accepted", *["syntax_error"] * 3]
    assert [verdict["level"] for verdict in verdicts] == [1, 2, 3, 4]


def test_a_dry_run_counts_and_writes_nothing(tmp_path):
    write_programs(tmp_path / "programs.jsonl", 250)
    done = verify(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stdout
    assert "250 programs" in done.stdout
    assert "3 parts" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_missing_option_is_named(tmp_path):
    done = call_job("verify", "--input", "x.jsonl")
    assert done.returncode == 2
    assert "--output is missing" in done.stdout
