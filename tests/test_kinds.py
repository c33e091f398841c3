"""Kinds and claims by rule: the rules' own examples, and whole articles of clinics that do not exist."""

import importlib

import pytest
from test_segment import article

from bot.claims import claim_rules, tags_of
from bot.errors import RulesError
from bot.kinds import kind_rules
from bot.rulebook import read_rules
from bot.segment import segment
from bot.types import Kind, Tag

RULES = [(r, t) for r in (*kind_rules(), *claim_rules()) for t in r.model.examples]
COUNTER = [(r, t) for r in (*kind_rules(), *claim_rules()) for t in r.model.counter_examples]


@pytest.mark.parametrize(("rule", "text"), RULES, ids=[f"{r.model.id}: {t[:30]}" for r, t in RULES])
def test_a_rule_takes_its_examples(rule, text):
    assert rule.speaks(text)


@pytest.mark.parametrize(("rule", "text"), COUNTER, ids=[f"{r.model.id}: {t[:30]}" for r, t in COUNTER])
def test_a_rule_leaves_its_counter_examples(rule, text):
    assert not rule.speaks(text)


CLINIC = """Dental Implants: What To Know

Dental Implants: What To Know | Hilltop Dental Springfield

By Ann Roe | March 3rd, 2022

In this post, we will look at dental implants and how they are placed.

What is a dental implant?

An implant is a small screw that replaces the root of a tooth. Dr. Bo Lindt at Hilltop Dental is a renowned surgeon. \
It heals in three to six months.

Call your dentist if the gum bleeds for more than a day. Contact Hilltop Dental today to book an appointment.

- Do not smoke.
- Rinse with salt water.

Swelling is normal for three days. Infection is a risk.

Serving patients in Springfield, Shelbyville, and Ogdenville.

(555) 010-9922

Related posts
"""
WANTED = [
    ("Dental Implants: What To Know", Kind.TITLE),
    ("Dental Implants: What To Know | Hilltop Dental Springfield", Kind.TITLE),
    ("By Ann Roe | March 3rd, 2022", Kind.BYLINE),
    ("In this post, we will look at dental implants and how they are placed.", Kind.BOILERPLATE),
    ("What is a dental implant?", Kind.HEADING),
    ("An implant is a small screw that replaces the root of a tooth.", Kind.BODY),
    ("Dr. Bo Lindt at Hilltop Dental is a renowned surgeon.", Kind.PROMOTION),
    ("It heals in three to six months.", Kind.BODY),
    ("Call your dentist if the gum bleeds for more than a day.", Kind.BODY),
    ("Contact Hilltop Dental today to book an appointment.", Kind.CONTACT),
    ("- Do not smoke.", Kind.BODY),
    ("- Rinse with salt water.", Kind.BODY),
    ("Swelling is normal for three days.", Kind.BODY),
    ("Infection is a risk.", Kind.BODY),
    ("Serving patients in Springfield, Shelbyville, and Ogdenville.", Kind.PROMOTION),
    ("(555) 010-9922", Kind.CONTACT),
    ("Related posts", Kind.BOILERPLATE),
]


def test_the_article_of_another_clinic():
    found = article(CLINIC, title="Dental Implants: What To Know")
    assert [(found.slice(s.span), s.kind) for p in segment(found) for s in p.sentences] == WANTED


@pytest.mark.parametrize(
    "text",
    [
        "Tell your physiotherapist if the exercise hurts.",
        "Your eye doctor will schedule a visit for the day after laser surgery.",
        "Call the ward at once if you cannot pass urine.",
        "The injections are repeated every three months.",
        "We ask you to stop eating six hours before the operation.",
        "Dr. Kim's study of 2004 followed 60 women after IVF.",
        "You should consider the risks before you decide.",
        "Visit your doctor for a blood test each year.",
        "About 1 in 250 to 300 people have this.",
        "Our bones lose calcium with age.",
    ],
)
def test_education_stays_quotable(text):
    (passage,) = segment(article(text))
    assert [s.kind for s in passage.sentences] == [Kind.BODY]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Laser surgery is safe for most people.", {Tag.SAFETY}),
        ("Dry eyes are a common side effect.", {Tag.RISK}),
        ("Bleeding and infection can follow.", {Tag.HARM}),
        ("Physiotherapy can significantly improve movement.", {Tag.BENEFIT}),
        ("Redness usually fades; these symptoms are temporary.", {Tag.REASSURANCE}),
        ("Take 20 mg in the morning.", {Tag.DOSE}),
        ("Bring a list of your medicines.", set()),
    ],
)
def test_claims_are_general(text, tags):
    assert tags_of(text) == tags


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[rule]]\nid = 'x'", "says"),
        ("rule = 3", "cannot be used"),
        (
            "[[rule]]\nid='x'\nsays='body'\ndescription='d'\npatterns=['(']\nexamples=['a']\ncounter_examples=['b']",
            "cannot be used",
        ),
        (
            "[[rule]]\nid='x'\nsays='body'\ndescription='d'\npatterns=['a']\nexamples=['b']\ncounter_examples=['c']",
            "rule 'x' misses its own example: b",
        ),
        (
            "[[rule]]\nid='x'\nsays='body'\ndescription='d'\npatterns=['a']\nexamples=['a']\ncounter_examples=['ca']",
            "rule 'x' takes its own counter-example: ca",
        ),
    ],
)
def test_a_broken_rule_file_is_refused(tmp_path, monkeypatch, text, message):
    (tmp_path / "odd.toml").write_text(text)
    monkeypatch.setattr(importlib.import_module("bot.rulebook"), "files", lambda _: tmp_path)
    with pytest.raises(RulesError, match=message):
        read_rules("odd.toml")
