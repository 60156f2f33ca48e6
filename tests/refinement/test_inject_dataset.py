"""Injection on a real Ray: the same variants as in one process, generated only once."""

import json
from collections import Counter

import pytest

from pad_ray.errors import StageError
from pad_ray.refinement import CLASSES, RefinementConfig, inject, injected_rows
from pad_ray.refinement.pipeline import CORRECT, ROWS, VARIANTS, inject_dataset, write_correct
from pad_ray.run.folder import RunDir
from pad_ray.sandbox import SandboxConfig
from pad_ray.schema import CorpusRow

MIX = dict.fromkeys(CLASSES, 1 / len(CLASSES))
CONFIG = RefinementConfig(variants_per_program=2, actors=1, actor_cpus=0.5)
SANDBOX = SandboxConfig()


@pytest.fixture(scope="module")
def programs(arithmetic_programs):
    return arithmetic_programs[:40]


@pytest.fixture(scope="module")
def done(local_ray, tmp_path_factory, programs):
    run = RunDir(str(tmp_path_factory.mktemp("refinement")))
    for number in range(4):
        write_correct(run, f"{CORRECT}/part-{number}.parquet", programs[number::4])
    return run, inject_dataset(run, MIX, 0, CONFIG, SANDBOX)


def test_the_rows_are_those_of_one_process(done, sandbox, programs):
    run, injected = done
    variants = inject(programs, 2, MIX, 0, sandbox)
    wanted = injected_rows(variants, CONFIG.max_source_characters).rows
    stored = run.read_records(ROWS, CorpusRow)
    assert sorted(stored, key=lambda row: row.row_id) == sorted(wanted, key=lambda row: row.row_id)
    assert injected.outcomes == Counter(one.outcome.value for one in variants)


def test_the_counts_add_up(done):
    run, injected = done
    assert injected.programs == 40
    assert injected.variants + injected.dropped["no_mutation"] + injected.dropped["given_up"] == 80
    assert injected.rows + injected.left_out.total() == injected.variants == injected.mutations.total()
    assert sum(run.row_count(part) for part in run.parts(VARIANTS)) == injected.variants


def test_a_second_call_generates_nothing_and_returns_the_same(done):
    run, injected = done
    written = {part: run.local_path(part).stat().st_mtime_ns for part in run.parts(ROWS)}
    assert inject_dataset(run, MIX, 0, CONFIG, SANDBOX) == injected
    assert {part: run.local_path(part).stat().st_mtime_ns for part in run.parts(ROWS)} == written


def test_lost_parts_and_changed_programs_are_regenerated_and_old_parts_removed(done, programs, tmp_path):
    whole, _ = done
    run = RunDir(str(tmp_path))
    run.put_folder(whole.local_path("refinement"), "refinement")
    run.local_path(run.parts(ROWS)[0]).unlink()
    write_correct(run, f"{CORRECT}/part-3.parquet", programs[3:8:4])
    injected = inject_dataset(run, MIX, 0, CONFIG, SANDBOX)
    assert injected.programs == 32
    assert len(run.parts(ROWS)) == len(run.parts(VARIANTS)) == 4
    assert sum(run.row_count(part) for part in run.parts(ROWS)) == injected.rows


def test_a_variant_is_stored_with_the_id_of_its_program(done, programs):
    run, _ = done
    rows = [row for part in run.parts(VARIANTS) for row in run.read_part(part).to_pylist()]
    assert {row["draft_id"] for row in rows} <= {one.draft_id for one in programs}
    assert all(json.dumps(row) and row["outcome"] != "accepted" for row in rows)


def test_injection_without_programs_is_an_error(local_ray, tmp_path):
    with pytest.raises(StageError, match="holds no programs"):
        inject_dataset(RunDir(str(tmp_path)), MIX, 0, CONFIG, SANDBOX)
