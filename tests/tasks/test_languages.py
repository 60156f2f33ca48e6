"""The language files, and how the language of a text is recognized."""

import pytest

from pad_ray.tasks.languages import language_of, languages, words_of

QUESTIONS = {
    "ar": "لدى أحمد ٣ تفاحات",
    "en": "How many apples are 3 and 4?",
    "hi": "राम के पास 3 सेब हैं",
    "ja": "りんごが3個、梨が4個あります。合計は何個ですか",
    "ko": "사과가 3개 있습니다",
    "ru": "Сколько будет 3 и 4?",
    "zh": "小明有3个苹果，又买了4个，一共有几个？",
}


@pytest.mark.parametrize("code", QUESTIONS)
def test_a_language_is_recognized_by_its_letters(code):
    assert language_of(QUESTIONS[code]).code == code


@pytest.mark.parametrize("text", ["", "12 + 30 = ?", "Πόσο κάνει 3 και 4;", "\ud83d", "😀"])
def test_a_text_in_no_known_language_has_none(text):
    assert language_of(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ann has 3 apples.", ["ann", "has", "3", "apples"]),
        ("有3个苹果", ["有", "3", "个", "苹", "果"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("مُحَمَّد", ["مُحَمَّد"]),
        ("ＡＢＣ １２", ["abc", "12"]),
        ("\ud83d", []),
    ],
)
def test_words_keep_their_marks_and_scripts_without_spaces_give_characters(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize("code", sorted(languages()))
def test_a_language_file_is_complete_and_consistent(code):
    language = languages()[code]
    assert {len(numbers) > 0 for numbers in language.number_words.values()} == {True}
    assert set(language.parts) <= set(language.number_words)
    assert language.yes
    assert language.no
    assert not set(language.yes) & set(language.no)
    assert language.answer_marks


@pytest.mark.parametrize(
    ("code", "word", "value"),
    [
        ("zh", "两", 2),
        ("ru", "полтора", 1.5),
        ("hi", "ढाई", 2.5),
        ("ar", "ربع", 0.25),
        ("ko", "다섯", 5),
        ("ja", "ダース", 12),
    ],
)
def test_the_first_value_of_a_number_word_is_its_literal_value(code, word, value):
    assert languages()[code].number_words[word][0] == value
