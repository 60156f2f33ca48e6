"""Real students: a random Llama, a Mistral with a short window and a T5, on rows of different lengths."""

import numpy as np
import pytest
import torch

from pad_ray.schema import Objective
from pad_ray.training.batches import deal
from pad_ray.training.config import LoraConfig, TrainingConfig
from pad_ray.training.loop import token_losses
from pad_ray.training.objectives import CODES, OBJECTIVES, ObjectiveWeights, token_weights, tokens_by_objective
from pad_ray.training.students import load_student, parameter_count
from pad_ray.training.tokens import Example
from tests.training.matrix import plain_loss

ONES = np.ones(len(OBJECTIVES))


def examples(student, count=5, objectives=("program",)):
    generator = np.random.default_rng(0)
    vocabulary = student.model.config.vocab_size
    return [
        Example(
            generator.integers(3, vocabulary, 6 + 5 * number).astype(np.int32),
            3 + number,
            CODES[objectives[number % len(objectives)]],
        )
        for number in range(count)
    ]


def load(folder, **changes):
    torch.manual_seed(0)
    return load_student(folder, TrainingConfig(precision="float32", **changes))


@pytest.fixture(scope="module")
def tiny_mistral(tiny_student, tmp_path_factory):
    """A student whose tokens attend only to the last 8 tokens."""
    from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=8,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-mistral"
    MistralForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_student).save_pretrained(folder)
    return folder


@pytest.fixture(params=["llama", "mistral"])
def decoder(request, tiny_student, tiny_mistral):
    return {"llama": tiny_student, "mistral": tiny_mistral}[request.param]


def test_a_packed_row_does_not_attend_to_its_neighbours(decoder):
    student = load(decoder)
    assert student.packs
    rows = examples(student)
    together = token_losses(student.model, student.batch(rows, ONES))
    alone = [token_losses(student.model, student.batch([row], ONES)) for row in rows]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-5, atol=1e-5)


def test_packed_and_padded_rows_have_the_losses_of_the_plain_model(decoder):
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(decoder, dtype=torch.float32)
    packed, padded = load(decoder), load(decoder, packing=False)
    rows = examples(packed)
    expected = []
    for row in rows:
        ids = torch.tensor(row.ids.astype(np.int64))[None]
        labels = ids.clone()
        labels[:, : -row.target_tokens] = -100
        expected.append(plain(input_ids=ids, labels=labels).loss.item())
    for student in (packed, padded):
        each = token_losses(student.model, student.batch(rows, ONES)).split([row.target_tokens for row in rows])
        assert [one.mean().item() for one in each] == pytest.approx(expected, rel=1e-4)


def test_gradients_of_the_mixed_loss_are_the_weighted_sum_of_the_single_ones(tiny_student):
    student = load(tiny_student)
    rows = examples(student, 6, ("program", "rationale"))

    def gradients(chosen, share):
        codes = np.array([row.objective for row in chosen], np.int8)
        counts = tokens_by_objective(codes, np.array([row.target_tokens for row in chosen]))
        batch = student.batch(chosen, token_weights(counts, ObjectiveWeights(share)))
        student.model.zero_grad()
        (token_losses(student.model, batch) * batch.weights).sum().backward()
        return torch.cat([parameter.grad.flatten() for parameter in student.model.parameters()])

    single = {
        kind: gradients([row for row in rows if row.objective == CODES[kind]], None)
        for kind in ("program", "rationale")
    }
    for share in (0.0, 0.3, 1.0):
        expected = share * single["rationale"] + (1 - share) * single["program"]
        torch.testing.assert_close(gradients(rows, share), expected, rtol=1e-4, atol=1e-6)


OTHERS = ("program", "rationale", "decompose", "solve_step", "repair")


def loss_and_gradients(student, rows, weighing, workers=1):
    """The loss and gradients of a step, summed over the workers that share its rows."""
    codes = np.array([row.objective for row in rows], np.int8)
    weights = token_weights(tokens_by_objective(codes, np.array([row.target_tokens for row in rows])), weighing)
    student.model.zero_grad()
    total = 0.0
    for shared in deal(np.array([len(row.ids) for row in rows]), workers, 400, packed=student.packs):
        for own in shared:
            batch = student.batch([rows[place] for place in own], weights if own else weights * 0)
            loss = (token_losses(student.model, batch) * batch.weights).sum()
            loss.backward()
            total += loss.item()
    return total, torch.cat([parameter.grad.flatten() for parameter in student.model.parameters()])


@pytest.mark.parametrize(
    ("objectives", "weighing"),
    [
        (OTHERS[:1], ObjectiveWeights()),
        (OTHERS[:2], ObjectiveWeights(0.3)),
        (OTHERS, ObjectiveWeights(0.3)),
        (OTHERS, ObjectiveWeights(0.3, {Objective.DECOMPOSE: 4.0, Objective.REPAIR: 0.25})),
        (("program", "repair"), ObjectiveWeights(None, {Objective.REPAIR: 0.25})),
    ],
    ids=["programs", "mixed", "mixed with others", "weighed", "programs and repairs"],
)
def test_the_loss_combines_single_losses_by_share_and_does_not_depend_on_workers(tiny_student, objectives, weighing):
    student = load(tiny_student)
    rows = examples(student, 12, objectives)
    loss, gradients = loss_and_gradients(student, rows, weighing)
    assert loss == pytest.approx(
        plain_loss(student.model, rows, weighing.rationale, weighing.objectives).item(), rel=1e-4
    )
    shared, summed = loss_and_gradients(student, rows, weighing, workers=2)
    assert shared == pytest.approx(loss, rel=1e-5)
    torch.testing.assert_close(summed, gradients, rtol=1e-4, atol=1e-6)


def test_a_worker_without_rows_has_gradients_of_zero(tiny_student):
    student = load(tiny_student)
    batch = student.batch([], ONES)
    (token_losses(student.model, batch) * batch.weights).sum().backward()
    assert all(not parameter.grad.any() for parameter in student.model.parameters())


def test_an_encoder_decoder_has_the_losses_of_the_plain_model(tiny_t5):
    from transformers import AutoModelForSeq2SeqLM

    student = load(tiny_t5)
    assert student.encodes
    assert not student.packs
    rows = examples(student)
    each = token_losses(student.model.eval(), student.batch(rows, ONES)).split([row.target_tokens for row in rows])
    plain = AutoModelForSeq2SeqLM.from_pretrained(tiny_t5, dtype=torch.float32).eval()
    for row, result in zip(rows, each, strict=True):
        ids = torch.tensor(row.ids.astype(np.int64))[None]
        loss = plain(input_ids=ids[:, : -row.target_tokens], labels=ids[:, -row.target_tokens :]).loss
        assert result.mean().item() == pytest.approx(loss.item(), rel=1e-4)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_only_adapters_learn(tiny_student, checkpointing):
    student = load(tiny_student, lora=LoraConfig(rank=4), gradient_checkpointing=checkpointing)
    batch = student.batch(examples(student), ONES)
    student.model.train()
    (token_losses(student.model, batch) * batch.weights).sum().backward()
    learnt = {name for name, parameter in student.model.named_parameters() if parameter.requires_grad}
    assert learnt
    assert all("lora_" in name for name in learnt)
    assert any(p.grad.any() for name, p in student.model.named_parameters() if name in learnt)


def test_parameters_are_counted_without_loading_weights(tiny_student):
    assert parameter_count(tiny_student) == sum(p.numel() for p in load(tiny_student).model.parameters())
