"""From the patient's words to the library's: slips of the thumb, everyday words, several questions, kinds of thing."""

import pytest

from bot.asks import asked, holds, lacks_amount, match
from bot.question import as_question, parts
from bot.wording import Speller, head, medical, unnamed

SPELLER = Speller(
    frozenset(
        "anesthesia surgery infusion bleeding implant fibromyalgia chemotherapy chemotherapeutic hypotension "
        "hypothermia beforehand sleepiness".split()
    ),
    frozenset(["while", "about", "whole", "fibre", "sleeping"]),
)


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("will ther be anestesia", "will ther be anesthesia"),
        ("SURGEYR tomorrow", "surgery tomorrow"),
        ("infusoin and bleding", "infusion and bleeding"),
        ("what are implants", "what are implants"),  # another form of a known word is no slip
        ("whole while", "whole while"),
        ("qwertyuiop zzzz", "qwertyuiop zzzz"),  # near nothing: left alone
        ("covid19 b12", "covid19 b12"),
        ("does it help Fibro", "does it help fibromyalgia"),  # not "fibre", though that is nearer
        ("my chemo", "my chemotherapy"),
        ("is hypot bad", "is hypot bad"),  # hypotension or hypothermia?
        ("befor sleepin", "befor sleeping"),  # slips of words that are not clipped
    ],
)
def test_slips_become_words_of_the_library(typed, corrected):
    assert SPELLER.correct(typed) == corrected


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("will I throw up?", "will i vomiting"),
        ("throwing up all day", "vomiting all day"),
        ("does it fit", "does it fit"),  # one everyday word is taken as written, not by its stem
        ("3 months", "3 months"),
        ("nothing to see", "nothing to see"),
    ],
)
def test_everyday_words_get_medical_ones(typed, words):
    assert medical(typed) == words


@pytest.mark.parametrize(
    ("title", "stems"),
    [
        ("Knee replacement: what to expect", {"knee", "replac"}),
        ("The egg freezing guide (2024)", {"egg", "freez"}),
        ("Patient information on egg freezing", {"egg", "freez"}),
        ("A guide to the menopause", {"menopaus"}),
        ("Our leaflets for patients", set()),
        ("Hip and knee replacement", set()),
        ("Diabetes, heart disease, and stroke", set()),
        ("What I need to know about diarrhoea", {"diarrhoea"}),
        ("For you", set()),
        ("", set()),
    ],
)
def test_what_a_title_is_about(title, stems):
    assert head(title) == stems


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("does the Knee Replacement hurt?", "does it hurt?"),
        ("is my knee replaced for life", "is it for life"),
        ("can a knee, or a replacement, get infected", "can it, or it, get infected"),
        ("what is a knee replacement", "what is a knee replacement"),  # nothing else is asked
        ("does my hip hurt", "does my hip hurt"),
        ("\0 hip", "  hip"),
    ],
)
def test_what_the_whole_library_is_about_is_it(typed, left):
    assert unnamed(typed, head("Knee replacement")) == left


def test_a_phrase_of_two_meanings_brings_both():
    assert {"unconscious", "fainting"} <= set(medical("will I pass out").split())


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("How long is it? What does it cost?", ["How long is it?", "What does it cost?"]),
        ("how long is surgery and does it hurt", ["how long is surgery", "surgery does it hurt"]),
        ("what can I eat and when can I drive", ["what can I eat", "when can I drive"]),
        ("What can I eat? When can I drive?", ["What can I eat?", "When can I drive?"]),
        ("Is surgery safe? How long is it?", ["Is surgery safe?", "surgery How long is it?"]),
        (
            "My mum broke a hip. Does it heal? What helps it?",
            ["My mum broke a hip. Does it heal?", "heal What helps it?"],
        ),
        (
            "what are the side effects and how long do they last",
            ["what are the side effects", "side effects how long do they last"],
        ),
        ("can I drive after a scan and who reads the scan", ["can I drive after a scan", "who reads the scan"]),
        ("I am 70. My knee hurts. Is surgery safe?", ["I am 70. My knee hurts. Is surgery safe?"]),
        ("what helps with itch and redness", ["what helps with itch and redness"]),
        ("is there a cure or do I ride it out", ["is there a cure or do I ride it out"]),
        ("", [""]),
    ],
)
def test_several_questions_are_taken_apart_and_one_stays_whole(message, expected):
    assert list(parts(message)) == expected


@pytest.mark.parametrize("end", ["", "?", " ??", ".", "...", "?!", " \n"])
def test_a_question_is_read_with_one_question_mark(end):
    assert as_question("does it hurt" + end) == "does it hurt?"


def test_never_more_than_three_parts():
    assert len(parts("Is surgery safe? Who does surgery? What is surgery? When is surgery? Why surgery?")) == 3


def test_a_duration_asked_for_is_held_only_by_a_sentence_with_one():
    kinds = asked("how long till it wears off")
    assert "duration" in kinds
    assert match(kinds, "Relief lasts for three weeks.") == 1.0
    assert match(kinds, "The nurse places a needle.") == -1.0
    assert match(frozenset(), "Relief lasts for three weeks.") == 0.0
    assert lacks_amount(kinds, "The nurse places a needle.") == 1.0
    assert lacks_amount(kinds, "Relief lasts for three weeks.") == 0.0
    assert lacks_amount(asked("who places the needle"), "Relief lasts for three weeks.") == 0.0


def test_kinds_of_asking_and_holding_have_the_same_names():
    from bot.rulebook import read_rules

    names = [{rule.model.says for rule in read_rules(file)} for file in ("asked.toml", "holds.toml")]
    assert names[0] == names[1]
    assert holds("It costs $400 and takes an hour.") >= {"cost", "duration"}


@pytest.mark.parametrize("word", ["shouldnt", "doesnt", "havent", "couldnt"])
def test_a_word_without_its_apostrophe_is_no_slip(word):
    speller = Speller(frozenset({"should", "treatment"}), frozenset({"shouldn", "doesn", "haven", "could", "couldn"}))
    assert speller.correct(f"who {word} have it") == f"who {word} have it"
