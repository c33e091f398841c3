"""The text model: spans that never lose or change a character, the splitter on its gold, leaning sentences."""

import json

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from speed import measured

from bot.segment import leans, segment
from bot.types import Article, Kind, Override, Review, ReviewStatus, Source

GOLD = [json.loads(s)["sentences"] for s in (ROOT / "tests/data/sentences.jsonl").read_text("utf-8").splitlines()]
NAUGHTY = [
    "One\u00a0two.\u00a0Three “four.” Five’s six.",
    "Emoji 🙂. Another 👩‍⚕️ one! And?",
    "\ufeffMark first.\r\nThen CRLF.\r\n\r\nThen more.\rOld Mac.",
    "Cafe\u0301 (NFD). Nai\u0308ve.",
    "עברית. \u202bמעורב\u202c English.",
    "Form\x0cfeed. Line\u2028separator. Next\x85line.",
    "- bullet one\n- bullet two\n1. first\n2) second",
    "a" * 5000 + ". " + "b " * 3000,
    "",
    "\n \t\n",
]


def article(text, title="A title", overrides=()):
    source = Source(
        "a", "a.txt", "", title, None, None, None, None, None, None, Review(ReviewStatus.APPROVED), overrides
    )
    return Article(source, text)


def sentences(text, **options):
    found = article(text, **options)
    return [(found.slice(s.span), s) for p in segment(found) for s in p.sentences]


def assert_invariants(text):
    found = article(text)
    covered, last = set(), 0
    for passage in segment(found):
        for sentence in passage.sentences:
            assert last <= sentence.span.start < sentence.span.end
            assert passage.span.start <= sentence.span.start
            assert sentence.span.end <= passage.span.end
            covered.update(range(sentence.span.start, sentence.span.end))
            last = sentence.span.end
    left = "".join(c for i, c in enumerate(text) if i not in covered)
    assert not left.replace("\ufeff", "").strip(), left


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_no_character_is_lost(text):
    assert_invariants(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_no_character_is_lost_in_any_text(text):
    assert_invariants(text)


@given(
    st.lists(
        st.sampled_from(["Dr. Roe came.", "E.g. this", "\n\n", "\r\n", " ", "🙂", "It is.", "- x", "What?", "\u00a0"])
    )
)
def test_no_character_is_lost_in_mixed_text(parts):
    assert_invariants("".join(parts))


def test_the_splitter_on_its_gold():
    """Boundaries checked by hand (tests/data/sentences.jsonl); the figures are in docs/SENTENCES.md."""
    right = wrong = missed = 0
    for gold in GOLD:
        wanted = set(gold)
        found = {text for text, _ in sentences(" ".join(gold) + "\n")}
        right, wrong, missed = right + len(wanted & found), wrong + len(found - wanted), missed + len(wanted - found)
    assert right / (right + missed) >= 0.90
    assert right / (right + wrong) >= 0.90


def test_long_text_takes_linear_time():
    with measured() as took:
        segment(article("A short sentence of words. " * 4000))
        segment(article("word " * 25_000))
    assert took.seconds < 5


def test_a_text_wrapped_by_hand_is_one_paragraph():
    text = "Rest the joint for two\ndays, then move it\ngently.\nUse ice after that."
    assert [t for t, _ in sentences(text)] == [
        "Rest the joint for two\ndays, then move it\ngently.",
        "Use ice after that.",
    ]


def test_headings_give_their_passages_a_heading():
    found = article("Side effects\n\nSome swelling can follow.\n\nWhat is it?\n\nA splint. It helps.")
    passages = segment(found)
    assert [p.heading and found.slice(p.heading) for p in passages] == [None, "Side effects", None, "What is it?"]
    assert [s.kind for s in passages[2].sentences] == [Kind.HEADING]


def test_an_override_wins_over_every_rule():
    override = Override("Call us today.", "a person said so", "me", Kind.BODY)
    ((_, sentence),) = sentences("Call us today.", overrides=(override,))
    assert (sentence.kind, sentence.rule) == (Kind.BODY, "override")
    ((_, sentence),) = sentences("Call us today.")
    assert sentence.kind is Kind.CONTACT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("These effects pass.", True),
        ("It also lowers swelling.", True),
        ("However, some people bleed.", True),
        ("Some people, however, bleed.", True),
        ("This is normal.", True),
        ("It is easy to do.", True),
        ("It is important to note that these effects pass.", True),
        ("It is important for patients to drink.", False),
        ("It has been observed that walking helps.", False),
        ("Those who smoke heal later.", False),
        ("There is a risk of bleeding.", False),
        ("Rest the joint.", False),
        ("Itching is common.", False),
    ],
)
def test_leaning_sentences_know_it(text, expected):
    assert leans(text) is expected
