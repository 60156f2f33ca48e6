"""Broken and missing data: each error names the file, the row, the field and the remedy."""

import json

import pytest

from pad_ray.errors import InputError
from pad_ray.tasks import files, get_task

GSM8K_ROW = {"question": "How many?", "answer": "Two.\n#### 2"}


def write(folder, path, content):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content, encoding="utf-8")
    return target


def gsm8k_file(folder, second_line):
    return write(folder, "gsm8k/test.jsonl", f"{json.dumps(GSM8K_ROW)}\n{second_line}\n")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"question": "How', "is not JSON"),
        ("[1, 2]", "should be an object with fields, but is list"),
        (json.dumps({"question": "How many?"}), "field 'answer' is missing"),
        (json.dumps({**GSM8K_ROW, "question": " "}), "field 'question' is empty"),
        (json.dumps({**GSM8K_ROW, "question": 7}), "field 'question' should be text, but is int"),
        (json.dumps({**GSM8K_ROW, "answer": "Two."}), "field 'answer' has no final answer after ####"),
        (json.dumps({**GSM8K_ROW, "answer": "#### two"}), "field 'answer' has no usable answer: 'two' is not a number"),
        (json.dumps({**GSM8K_ROW, "answer": "#### 3,5"}), "field 'answer' has no usable answer: '3,5' is not a number"),
        (json.dumps({**GSM8K_ROW, "answer": "#### 1,2,3"}), "'1,2,3' is not a number"),
        (json.dumps({**GSM8K_ROW, "answer": "#### 12,34"}), "'12,34' is not a number"),
        (json.dumps({**GSM8K_ROW, "answer": "#### " + "9" * 41}), "is not a number answer: it has more than 40 digits"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, what):
    path = gsm8k_file(tmp_path, line)
    with pytest.raises(InputError) as caught:
        get_task("gsm8k").load("test", tmp_path)
    assert f"{path} line 2" in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (None, "should be a number, but is NoneType"),
        (True, "should be a number, but is bool"),
        (float("nan"), "has no usable answer"),
        ("12:30", "has no usable answer"),
    ],
)
def test_a_broken_number_is_named_by_row(tmp_path, answer, what):
    good = {"ID": "chal-1", "Body": "Two.", "Question": "How many?", "Answer": 2.0}
    path = write(tmp_path, "svamp/SVAMP.json", json.dumps([good, {**good, "ID": "chal-2", "Answer": answer}]))
    with pytest.raises(InputError) as caught:
        get_task("svamp").load("test", tmp_path)
    assert f"{path} row 1: field 'Answer' {what}" in str(caught.value)


def test_a_broken_truth_value_is_named(tmp_path):
    write(tmp_path, "strategyqa/dev.json", json.dumps([{"question": "Is it?", "answer": "no", "facts": []}]))
    with pytest.raises(InputError, match="row 0: field 'answer' should be true or false, but is str"):
        get_task("strategyqa").load("test", tmp_path)


def test_broken_facts_are_named(tmp_path):
    write(tmp_path, "strategyqa/dev.json", json.dumps([{"question": "Is it?", "answer": True, "facts": "one"}]))
    with pytest.raises(InputError, match="row 0: field 'facts' should be a list of text"):
        get_task("strategyqa_with_facts").load("test", tmp_path)


def test_an_answer_other_than_yes_or_no_is_named(tmp_path):
    write(tmp_path, "coin_flip/coin_flip.json", json.dumps({"examples": [{"question": "Heads?", "answer": "maybe"}]}))
    with pytest.raises(InputError, match="row 0: field 'answer' has no usable answer: 'maybe' is not a yes_no answer"):
        get_task("coin_flip").load("test", tmp_path)


def test_several_solutions_are_refused(tmp_path):
    write(tmp_path, "multiarith/MultiArith.json", json.dumps([{"sQuestion": "How many?", "lSolutions": [1.0, 2.0]}]))
    with pytest.raises(InputError, match="field 'lSolutions' should be a list of one"):
        get_task("multiarith").load("test", tmp_path)


def test_records_under_the_wrong_key_are_named(tmp_path):
    write(tmp_path, "last_letters/last_letters.json", json.dumps({"rows": []}))
    with pytest.raises(InputError, match="should hold a list of records under 'examples'"):
        get_task("last_letters").load("test", tmp_path)


def test_an_empty_file_is_refused(tmp_path):
    write(tmp_path, "gsm8k/test.jsonl", "")
    with pytest.raises(InputError, match="task gsm8k: the file has no rows"):
        get_task("gsm8k").load("test", tmp_path)


def test_broken_xml_is_named(tmp_path):
    write(tmp_path, "asdiv/ASDiv.xml", "<ProblemSet><Problem>")
    with pytest.raises(InputError, match=r"ASDiv\.xml: is not XML"):
        get_task("asdiv").load("test", tmp_path)


def test_xml_without_a_problem_is_refused(tmp_path):
    write(tmp_path, "asdiv/ASDiv.xml", "<ProblemSet></ProblemSet>")
    with pytest.raises(InputError, match="holds no problem"):
        get_task("asdiv").load("test", tmp_path)


def test_a_problem_without_its_question_is_named(tmp_path):
    problem = "<Problem><Body>Two.</Body><Answer>2 (figs)</Answer></Problem>"
    write(tmp_path, "asdiv/ASDiv.xml", f"<ProblemSet>{problem}</ProblemSet>")
    with pytest.raises(InputError, match=r"ASDiv\.xml row 0: field 'Question' is missing"):
        get_task("asdiv").load("test", tmp_path)


def test_a_binary_file_is_refused(tmp_path):
    path = gsm8k_file(tmp_path, "")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as UTF-8 text"):
        get_task("gsm8k").load("test", tmp_path)


def test_a_missing_folder_names_path_and_option(tmp_path):
    with pytest.raises(InputError, match=r"nowhere does not exist; set --data-dir or PAD_RAY_DATA"):
        get_task("gsm8k").load("test", tmp_path / "nowhere")


def test_a_missing_file_names_task_path_and_option(tmp_path):
    with pytest.raises(InputError, match=r"task gsm8k: .*test\.jsonl does not exist; set --data-dir or PAD_RAY_DATA"):
        get_task("gsm8k").load("test", tmp_path)


def test_without_data_and_network_the_error_names_hub_repository_and_option(monkeypatch):
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    monkeypatch.setattr(files.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"task gsm8k: .*openai/gsm8k.*HF_HUB_OFFLINE is set; set --data-dir"):
        get_task("gsm8k").load("test")


def test_a_failed_download_names_task_hub_repository_and_option(monkeypatch):
    def fail(*_args, **_options):
        raise OSError("no route to host")

    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    monkeypatch.setattr(files.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(files, "hf_hub_download", fail)
    with pytest.raises(InputError, match=r"task bbh: .*lukaemon/bbh.*no route to host.*set --data-dir or PAD_RAY_DATA"):
        get_task("bbh").load("test")


def test_a_set_missing_from_the_hub_is_refused(monkeypatch):
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    with pytest.raises(InputError, match="task asdiv: the published set is not on the Hugging Face hub"):
        get_task("asdiv").load("test")


def test_a_limit_below_one_is_refused(tmp_path):
    with pytest.raises(InputError, match="limit is 0; it must be at least 1"):
        get_task("gsm8k").load("test", tmp_path, limit=0)


def test_an_unknown_task_lists_the_known_ones():
    with pytest.raises(InputError, match="no task is called 'gsm9k'; take one of arithmetic, gsm8k"):
        get_task("gsm9k")
