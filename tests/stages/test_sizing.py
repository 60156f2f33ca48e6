"""Estimates of a run, each compared with a calculation by hand."""

import pytest

from pad_ray.recipe import Recipe
from pad_ray.stages import sizing
from pad_ray.stages.sizing import GIB, Engines, cells, lines, sizes

RATES = {"engine_tokens_per_s": 1000, "student_tokens_per_s": 500, "training_tokens_per_s": 100}


def make(*, questions=1000, tests=100, gpus=4, rates=RATES, **sections):
    sections.setdefault("synthesis", {"samples": 10, "block_questions": 8})
    made = {
        "draft_tokens": 100,
        "accepted_share": 0.5,
        "student_parameters": 1e9,
        **rates,
        **sections.pop("sizing", {}),
    }
    return sizes(Recipe(sizing=made, **sections), questions, tests, gpus)


def test_the_teacher_writes_all_drafts_at_the_rate_of_its_engines():
    size = make(gpus=4)
    assert size.drafts == 10_000
    assert size.synthesis.hours == pytest.approx(10_000 * 100 / (4 * 1000) / 3600)
    assert size.synthesis.gpu_hours == pytest.approx(4 * size.synthesis.hours)


def test_engines_of_two_gpus_are_half_as_many_with_equal_gpu_hours_per_hour():
    one, two = make(), make(teacher={"tensor_parallel": 2})
    assert two.synthesis.hours == pytest.approx(2 * one.synthesis.hours)
    assert two.synthesis.gpu_hours == pytest.approx(2 * one.synthesis.gpu_hours)


def test_without_gpus_there_is_one_engine_and_no_gpu_hour():
    size = make(gpus=0)
    assert size.synthesis.hours == pytest.approx(10_000 * 100 / 1000 / 3600)
    assert size.gpu_hours == 0


def test_an_external_server_takes_no_gpu_of_the_cluster():
    size = make(teacher={"kind": "openai", "base_url": "http://h/v1"})
    assert size.synthesis.gpu_hours == 0


def test_the_recipe_can_override_the_number_of_gpus():
    assert make(gpus=0, sizing={"gpus": 4}) == make(gpus=4)


def test_training_covers_accepted_drafts_up_to_the_cap_in_every_epoch():
    size = make(corpus={"max_per_question": 4, "validation_share": 0.1}, training={"epochs": 2})
    rows = min(4 * 1000, 10_000 * 0.5) * 0.9 * 2
    assert size.training.hours == pytest.approx(rows * (100 + sizing.QUESTION_TOKENS) / (4 * 100) / 3600)


def test_test_questions_are_answered_before_and_after():
    assert make().evaluation.hours == pytest.approx(2 * 100 * 100 / (4 * 500) / 3600)


@pytest.mark.parametrize(("engines", "share", "cores"), [(1, 1.0, 1), (100, 1.0, 3), (1000, 1.0, 22), (1000, 0.5, 11)])
def test_sandbox_cores_scale_with_the_programs_that_engines_write(engines, share, cores):
    assert sizing.verifier_cores(Engines(engines, 1, 1000), 100, share) == cores


def test_too_few_sandboxes_limit_the_run():
    asked = {"samples": 10, "verifiers": 1, "verifier_cpus": 0.01}
    size = make(synthesis=asked)
    assert size.synthesis.hours == pytest.approx(10_000 / (0.01 * sizing.PROGRAMS_PER_S_PER_CORE) / 3600)
    assert "verifiers are slower than the teacher" in lines(size)[1]
    assert "slower" not in lines(make())[1]


def test_storage_is_the_sum_of_drafts_blocks_rows_and_student():
    size = make(synthesis={"samples": 10, "block_questions": 9})
    blocks = 112
    assert size.files == 2 * blocks
    assert size.table_bytes == 10_000 * sizing.DRAFT_BYTES + blocks * sizing.BLOCK_BYTES + 4000 * sizing.ROW_BYTES
    assert size.student_bytes == 32e9


def test_parameters_of_a_known_student_come_from_the_catalog():
    size = make(rates={}, sizing={"student_parameters": None}, training={"student": "smollm2-135m"})
    assert size.student_bytes == 134_515_008 * 32


def test_assumed_figures_are_named():
    text = lines(make(rates={}))[-1]
    assert "engine_tokens_per_s" in text
    assert "draft_tokens" not in text
    assert "nothing" in lines(make())[-1]


def test_cells_are_the_rounded_sizes():
    size = make()
    storage = round((size.table_bytes + size.student_bytes) / GIB)
    assert cells(size) == ("10,000", "0.069", "1.2", "0.0028", "5.1", "1", f"{storage} GiB", "250")
