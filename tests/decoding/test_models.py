"""Step verifiers that load a model: the sentence embedder's real weights, and a tiny scorer built here."""

import asyncio

import pytest

from pad_ray.decoding.faithfulness import FaithfulnessVerifier, question_sentences, readable
from pad_ray.decoding.step_scorer import StepScorer, label_steps, scorer_source, to_table
from pad_ray.decoding.verifiers import ReasoningStep, VerifierConfig
from tests.decoding.engines import HEAD, WrittenEngine, make_question, tools

QUESTION = make_question("Mara has 3 bags of apples. Each bag weighs 4 kg! How heavy are her apples?")
BODY = "    bags = 3\n    kilos_a_bag = 4\n    return bags * kilos_a_bag\n"


def scores(verifier, lines, question=QUESTION):
    async def run():
        return await verifier.scores(question, [ReasoningStep(HEAD, line) for line in lines], None)

    return list(asyncio.run(run()))


@pytest.fixture(scope="module")
def faithfulness():
    return FaithfulnessVerifier(VerifierConfig(kind="faithfulness"))


def test_faithfulness_is_the_similarity_to_the_closest_sentence(faithfulness):
    copied, near, far = scores(
        faithfulness, ["Each bag weighs 4 kg!", "    kilos_a_bag = 4\n", "    train_leaves_at = 9\n"]
    )
    assert copied == 1.0
    assert 0 < far < near < 1


def test_an_embedding_is_the_mean_of_the_token_vectors_normalised(faithfulness):
    """As in the model card, also in a batch with padding."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from pad_ray.models import resolve

    folder = resolve("all-minilm-l6-v2").path
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).float().eval()
    sentences = ["This is an example sentence", "Each sentence is converted to a vector that is as long as the others"]
    result = faithfulness._embed(sentences)
    for sentence, vector in zip(sentences, result, strict=True):
        with torch.inference_mode():
            states = model(**tokenizer(sentence, return_tensors="pt")).last_hidden_state[0]
        expected = states.mean(0) / states.mean(0).norm()
        assert torch.allclose(vector, expected, atol=1e-5)


def test_a_line_scores_the_same_alone_and_in_a_batch(faithfulness):
    lines = [f"    bags_{number} = {'9' * number}\n" for number in range(20)]
    beside = scores(faithfulness, lines)
    fresh = FaithfulnessVerifier(VerifierConfig(kind="faithfulness"))
    assert [scores(fresh, [line])[0] for line in lines[:5]] == pytest.approx(beside[:5], abs=1e-4)


def test_a_hostile_line_gets_a_score(faithfulness):
    lines = ["", "\x00\x1b[2J", "9" * 10_000_000, "(" * 50_000]
    assert all(0 <= score <= 1 for score in scores(faithfulness, lines))


def test_sentences_and_lines_are_read_as_words():
    assert question_sentences(QUESTION) == [
        "Mara has 3 bags of apples.",
        "Each bag weighs 4 kg!",
        "How heavy are her apples?",
    ]
    assert readable("    kilos_a_bag = 4\n") == "kilos a bag = 4"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("小明有3.5米绳子。他用了1米！还剩多少？", ["小明有3.5米绳子。", "他用了1米！", "还剩多少？"]),
        ("太郎は「はい。」と言った。りんごは何個？", ["太郎は「はい。」と言った。", "りんごは何個？"]),
        ("राम के पास 3 सेब हैं। वह 4 खरीदता है।कुल कितने?", ["राम के पास 3 सेब हैं।", "वह 4 खरीदता है।", "कुल कितने?"]),
        ("لدى أحمد 3 تفاحات. اشترى 4؛ كم المجموع؟ أجب", ["لدى أحمد 3 تفاحات.", "اشترى 4؛", "كم المجموع؟", "أجب"]),
        ("У Ани 3.5 кг… Купила ещё. Сколько?", ["У Ани 3.5 кг…", "Купила ещё.", "Сколько?"]),
        ("사과가 3개 있다. 모두 몇 개?", ["사과가 3개 있다.", "모두 몇 개?"]),
        ("什么？！真的。", ["什么？！", "真的。"]),
    ],
)
def test_sentences_end_by_the_rules_of_their_language(text, sentences):
    assert question_sentences(make_question(text)) == sentences


@pytest.fixture(scope="module")
def scorer_folder(tiny_student, tmp_path_factory):
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    torch.manual_seed(0)
    config = LlamaConfig.from_pretrained(tiny_student, num_labels=1)
    folder = tmp_path_factory.mktemp("models") / "scorer"
    LlamaForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_student).save_pretrained(folder)
    return folder


def test_a_trained_scorer_reads_its_training_format(scorer_folder):
    import torch

    scorer = StepScorer(VerifierConfig(kind="verifier", model=str(scorer_folder)))
    lines = ["    bags = 3\n", "    kilos = 4\n", "    return 12\n"]
    together = scores(scorer, lines)
    assert len(set(together)) == 3
    inputs = scorer.tokenizer(scorer_source(QUESTION, HEAD + lines[0]), return_tensors="pt")
    with torch.inference_mode():
        alone = float(scorer.model(**inputs).logits.sigmoid())
    assert together[0] == pytest.approx(alone, abs=1e-3)


def test_the_label_of_a_beginning_is_the_share_of_completions_that_reach_gold(sandbox):
    ends = iter(["    return 12\n", "    return 7\n", "    return 12\n", "    return apples\n"])

    def write(request):
        begun = request.prompt.partition("Solution:\n")[2]
        return next(ends) if begun.endswith("bags = 3\n") else "    return 12\n"

    async def run():
        return await label_steps(QUESTION, HEAD + BODY, tools(WrittenEngine(write), sandbox), rollouts=4)

    rows = asyncio.run(run())
    assert [(row.step, row.share) for row in rows] == [(0, 0.5), (1, 1.0), (2, 1.0)]
    assert rows[0].source.endswith("apples?\ndef solution():\n    bags = 3")
    assert to_table(rows).column_names == ["question_id", "source", "step", "share", "rollouts"]
