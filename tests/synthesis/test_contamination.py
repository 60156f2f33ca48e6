import json
import pickle
from dataclasses import replace

import pytest

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind, Question
from pad_ray.synthesis.contamination import NEAR, KnownTests, Overlap, load_tests
from pad_ray.tasks import TASKS, get_task

TEXT = "a farmer has twelve hens and every hen lays five eggs a week how many eggs are that"
WORDS = TEXT.split()
"""18 words, thus 6 n-grams of 13."""


def a_test(text, name="t", task="gsm8k"):
    return Question(name, task, "test", text, "1", AnswerKind.NUMBER, [])


def known(*tests, ngram=13):
    return KnownTests.build(tests, ngram)


def test_an_equal_question_is_found_regardless_of_case_punctuation_and_unicode_form():
    written = "A FARMER has twelve hens, and every hen lays ﬁve eggs a week... How many eggs are that?"
    assert known(a_test(TEXT)).overlap(written) == Overlap("t", "gsm8k", 1.0, exact=True)


def test_the_share_counts_n_grams_of_the_question():
    # The first 15 words, 3 n-grams, are those of the test question; 3 more words add 3 n-grams.
    changed = " ".join([*WORDS[:15], "will", "it", "find"])
    assert known(a_test(TEXT)).overlap(changed) == Overlap("t", "gsm8k", 0.5, exact=False)


def test_a_different_number_is_a_different_word():
    assert known(a_test("5 and 6 is"), ngram=2).overlap("5 and 7 is") == Overlap("t", "gsm8k", 1 / 3, exact=False)
    assert known(a_test("5 and 6 is"), ngram=2).overlap("15 and 16 was") is None


def test_n_grams_of_several_test_questions_are_not_added_up():
    first, second = a_test(" ".join(WORDS[:14]), "first"), a_test(" ".join(WORDS[3:]), "second")
    assert known(first, second).overlap(TEXT) == Overlap("second", "gsm8k", 0.5, exact=False)


def test_a_text_that_repeats_itself_counts_each_n_gram_once():
    overlap = known(a_test("one two three"), ngram=2).overlap("one two one two one two three four")
    # one-two, two-one, two-three, three-four.
    assert overlap.share == 0.5


def test_short_questions_are_found_only_by_equal_text():
    index = known(a_test("Do hens lay eggs?"))
    assert index.overlap("do hens lay eggs").exact
    assert index.overlap("do hens lay eggs in winter") is None


def test_the_first_of_equal_test_questions_is_named():
    assert known(a_test(TEXT, "first"), a_test(TEXT, "second")).overlap(TEXT).question_id == "first"
    assert known(a_test(TEXT, "first"), a_test(TEXT, "second")).overlap(f"{TEXT} please").question_id == "first"


@pytest.mark.parametrize("text", ["", "?!", "((("])
def test_texts_without_words_resemble_no_question(text):
    assert known(a_test("..."), a_test(TEXT)).overlap(text) is None


OTHER_NUMBERS = {
    "en": (
        "Ann has 3 red apples and buys 4 more. How many now?",
        "Bob has 17 red apples and buys nine more. How many now?",
    ),
    "ru": (
        "У Ани было 3 яблока, она купила ещё 4. Сколько стало?",
        "У Пети было 12 яблока, она купила ещё 40. Сколько стало?",
    ),
    "zh": ("小明有3个苹果，又买了4个，一共有几个？", "小明有15个苹果，又买了27个，一共有几个？"),
    "ja": (
        "太郎はりんごを3個持っています。あと4個買いました。全部で何個？",
        "太郎はりんごを8個持っています。あと12個買いました。全部で何個？",
    ),
    "hi": ("राम के पास ३ सेब हैं, वह ४ और खरीदता है। कुल कितने?", "राम के पास 15 सेब हैं, वह 20 और खरीदता है। कुल कितने?"),
    "ar": ("لدى أحمد 3 تفاحات واشترى 4 أخرى. كم المجموع؟", "لدى أحمد ١٥ تفاحات واشترى ٢٠ أخرى. كم المجموع؟"),
    "ko": (
        "철수는 사과를 3개 가지고 있고 4개를 더 샀습니다. 모두 몇 개?",
        "철수는 사과를 12개 가지고 있고 30개를 더 샀습니다. 모두 몇 개?",
    ),
}


@pytest.mark.parametrize("language", OTHER_NUMBERS)
def test_a_question_with_different_numbers_is_a_near_duplicate(language):
    first, second = OTHER_NUMBERS[language]
    index = known(a_test(first))
    overlap = index.masked_overlap(second)
    assert index.overlap(second) is None
    assert (overlap.kind, overlap.share >= NEAR) == ("masked", True)
    assert index.overlap(first).kind == "equal"


@pytest.mark.parametrize("language", OTHER_NUMBERS)
def test_a_different_question_in_the_same_language_is_not_a_near_duplicate(language):
    other = {
        "en": "A train needs 3 hours for 240 miles. How fast is it?",
        "ru": "Поезд проехал 240 км за 3 часа. Какова его скорость?",
        "zh": "火车3小时行驶240公里，速度是多少？",
        "ja": "電車は3時間で240キロ進みます。速さはいくらですか。",
        "hi": "रेलगाड़ी 3 घंटे में 240 किलोमीटर जाती है। चाल क्या है?",
        "ar": "يقطع القطار 240 كيلومترا في 3 ساعات. ما سرعته؟",
        "ko": "기차는 3시간에 240킬로미터를 갑니다. 속도는 얼마입니까?",
    }[language]
    overlap = known(a_test(OTHER_NUMBERS[language][0])).masked_overlap(other)
    assert overlap is None or overlap.share < NEAR


def test_in_scripts_without_spaces_n_grams_consist_of_characters():
    first = "一个农夫养了十二只母鸡每只母鸡每周下五个蛋请问一周之后一共有多少个鸡蛋"
    assert known(a_test(first)).overlap(f"请看{first}").share > 0.5
    assert known(a_test(first)).overlap("小明和小红一起去公园玩然后他们一起回家吃饭看书睡觉第二天又去了学校") is None


def test_near_duplicates_of_templates_are_not_counted():
    index = known(a_test("Ann has 3 red apples and buys 4 more. How many now?", task="arithmetic"))
    assert index.masked_overlap("Ann has 5 red apples and buys 9 more. How many now?") is None


@pytest.mark.parametrize("text", ["", "?!", "\ud83d", "1 2 3", "Ann Bob"])
def test_texts_without_words_have_no_near_duplicate(text):
    assert known(a_test(TEXT)).masked_overlap(text) is None


def test_without_test_questions_nothing_is_found():
    assert known().overlap(TEXT) is None


def test_questions_from_templates_are_found_only_by_equal_text():
    for task in ("arithmetic", "coin_flip", "last_letters"):
        index = known(a_test(TEXT, task=task))
        assert index.overlap(TEXT).exact
        assert index.overlap(f"{TEXT} please") is None


def test_generated_train_questions_do_not_resemble_generated_test_questions():
    index = KnownTests.build(get_task("arithmetic").load("test"))
    assert not any(index.overlap(question.text) for question in get_task("arithmetic").load("train", None, 500))


def test_a_pickled_index_finds_the_same():
    index = known(a_test(TEXT))
    assert pickle.loads(pickle.dumps(index)).overlap(f"{TEXT} please") == index.overlap(f"{TEXT} please")


def test_twenty_thousand_questions_take_little_memory():
    questions = [
        a_test(" ".join(f"w{number}x{place}" for place in range(50)), f"{number:032}") for number in range(20_000)
    ]
    assert len(pickle.dumps(KnownTests.build(questions))) < 30e6


def names(questions):
    return {question.task.split("/")[0] for question in questions}


def gsm8k_file(folder, *texts):
    (folder / "gsm8k").mkdir(exist_ok=True)
    lines = [json.dumps({"question": text, "answer": "#### 1"}) for text in texts]
    (folder / "gsm8k/test.jsonl").write_text("\n".join(lines))
    return folder


def test_available_tests_are_loaded_and_others_are_skipped(tmp_path):
    tests = load_tests(None, gsm8k_file(tmp_path, "first", "second"), 0, [a_test(TEXT, task="arithmetic")])
    assert [question.text for question in tests] == [TEXT, "first", "second"]


def test_a_runs_own_tests_are_not_repeated(tmp_path):
    folder = gsm8k_file(tmp_path, "first", "second")
    own = get_task("gsm8k").load("test", folder, 1, 0)
    assert len(load_tests(None, folder, 0, own)) == 2


def test_a_broken_file_is_an_error_and_does_not_count_as_missing(tmp_path):
    gsm8k_file(tmp_path, "first")
    (tmp_path / "gsm8k/test.jsonl").write_text("torn {")
    with pytest.raises(InputError, match="is not JSON"):
        load_tests(None, tmp_path, 0, [])


def test_a_missing_data_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_tests(None, tmp_path / "elsewhere", 0, [])


def test_without_a_data_folder_nothing_is_fetched(monkeypatch):
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    assert load_tests(None, None, 0, [a_test(TEXT)]) == [a_test(TEXT)]


def test_named_tasks_must_be_readable(tmp_path):
    with pytest.raises(InputError, match=r"svamp/SVAMP\.json"):
        load_tests(["svamp"], tmp_path, 0, [])
    with pytest.raises(InputError, match="no task is called"):
        load_tests(["svam"], tmp_path, 0, [])


def test_generated_tests_are_loaded_if_named():
    assert load_tests(["arithmetic"], None, 3, []) == get_task("arithmetic").load("test", None, None, 3)
    assert load_tests([], None, 0, []) == []


@pytest.mark.data
def test_every_published_task_is_compared(data_dir):
    assert names(load_tests(None, data_dir, 0, [])) == {task.name for task in TASKS.values() if task.published}


@pytest.mark.data
@pytest.mark.parametrize(("split", "size"), [("indomain_train", 200), ("train", 1_000)])
def test_an_in_domain_split_is_not_compared_with_the_questions_from_which_it_is_taken(data_dir, split, size):
    tests = load_tests(["svamp"], data_dir, 0, [], "svamp", split)
    assert len(tests) == size
    assert len(load_tests(["svamp"], data_dir, 0, [], "gsm8k", split)) == 1_000


@pytest.mark.data
def test_no_in_domain_train_question_of_svamp_equals_one_of_its_test(data_dir):
    index = KnownTests.build(load_tests(["svamp"], data_dir, 0, [], "svamp", "indomain_train"))
    overlaps = [index.overlap(question.text) for question in get_task("svamp").load("indomain_train", data_dir)]
    assert not any(overlap.exact for overlap in overlaps if overlap)


@pytest.mark.data
def test_almost_half_of_svamps_in_domain_train_questions_are_near_duplicates_of_its_test(data_dir):
    index = KnownTests.build(load_tests(["svamp"], data_dir, 0, [], "svamp", "indomain_train"))
    overlaps = [index.masked_overlap(question.text) for question in get_task("svamp").load("indomain_train", data_dir)]
    assert 290 <= sum(overlap is not None and overlap.share >= NEAR for overlap in overlaps) <= 390


@pytest.mark.data
def test_gsm8k_has_two_train_questions_that_equal_a_test_question_except_for_numbers(data_dir):
    index = KnownTests.build(load_tests(None, data_dir, 0, []))
    overlaps = [index.overlap(question.text) for question in get_task("gsm8k").load("train", data_dir)]
    close = [overlap for overlap in overlaps if overlap and overlap.share >= 0.5]
    assert len(close) == 2
    assert {replace(overlap, question_id="") for overlap in close} == {Overlap("", "gsm8k", 7 / 13, exact=False)}
