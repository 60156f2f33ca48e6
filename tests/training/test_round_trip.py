"""A student that cannot write programs is rejected before anything starts."""

import shutil

import pytest

from pad_ray.errors import InputError
from pad_ray.recipe import Recipe
from pad_ray.schema import Objective
from pad_ray.stages.student import check_student
from pad_ray.training.round_trip import LINES, PROGRAM, check_student_writes, demand_round_trip


def trained(normalizer, pre_tokenizer, decoder):
    """A tokenizer trained on the sample texts."""
    from tokenizers import Tokenizer, models, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = normalizer, pre_tokenizer, decoder
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    tokenizer.train_from_iterator([PROGRAM, LINES, "#### 7 ** 3 + 4 = 7."] * 20, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


@pytest.fixture
def t5_like():
    """Like T5's SentencePiece: every run of blanks becomes one space."""
    from tokenizers import Regex, decoders, normalizers, pre_tokenizers

    blanks = normalizers.Replace(Regex(r"\s+"), " ")
    return trained(blanks, pre_tokenizers.Metaspace(), decoders.Metaspace())


@pytest.fixture
def codet5_like():
    """Byte-level, like CodeT5 and GPT."""
    from tokenizers import decoders, normalizers, pre_tokenizers

    return trained(normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel())


@pytest.mark.parametrize("objective", [Objective.PROGRAM, Objective.DECOMPOSE, Objective.UNIFIED_SOCRATIC])
def test_a_tokenizer_that_drops_line_ends_is_rejected_for_objectives_read_by_lines(t5_like, objective):
    with pytest.raises(
        InputError, match=rf"tokenizer of tiny does not keep the line ends .* cannot learn {objective};"
    ):
        demand_round_trip("tiny", t5_like, [objective])


@pytest.mark.parametrize("objective", [Objective.RATIONALE, Objective.ANSWER, Objective.SOLVE_STEP])
def test_line_ends_do_not_matter_for_objectives_read_by_their_answer(t5_like, objective):
    demand_round_trip("tiny", t5_like, [objective])


def test_a_byte_level_tokenizer_keeps_everything(codet5_like):
    demand_round_trip("tiny", codet5_like, list(Objective))


def test_the_message_names_every_objective_that_is_lost(t5_like):
    with pytest.raises(InputError, match="cannot learn program, decompose; use a student"):
        demand_round_trip("tiny", t5_like, [Objective.PROGRAM, Objective.RATIONALE, Objective.DECOMPOSE])


def test_the_known_students_can_write_programs(tiny_student):
    check_student_writes("tiny", str(tiny_student), list(Objective))


def test_a_run_is_rejected_before_it_writes_anything(t5_like, tiny_student, tmp_path):
    (tmp_path / "script.json").write_text("{}")
    shutil.copytree(tiny_student, tmp_path / "student")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "student" / name).unlink()
    t5_like.save_pretrained(tmp_path / "student")
    recipe = Recipe.model_validate(
        {
            "run_dir": str(tmp_path / "run"),
            "questions": {"task": "arithmetic"},
            "teacher": {"kind": "scripted", "script": str(tmp_path / "script.json")},
            "training": {"student": str(tmp_path / "student")},
        }
    )
    with pytest.raises(InputError, match="does not keep the line ends"):
        check_student(recipe)
    assert not (tmp_path / "run").exists()
