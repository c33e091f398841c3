"""The real articles: pinned counts, first, middle and last quotable sentence, and every sentence not quoted."""

import hashlib
import tomllib

import pytest
from conftest import ROOT

from bot.corpus import load_corpus, load_library_info
from bot.segment import segment
from bot.types import Kind

PINNED = {
    "guide-to-ketamine-iv-therapy": (
        54,
        "Ketamine IV therapy is gaining",
        "It is essential for patients",
        "However, it is crucial",
    ),
    "ketamine-drip-for-pain": (72, "Chronic pain affects millions", "A 2021 review indicated", "It currently provides"),
    "ketamine-guidelines-for-chronic-pain": (
        17,
        "The guidelines covered",
        "It is easy to",
        "Ketamine therapy might be",
    ),
    "ketamine-risks-and-benefits": (
        17,
        "Ketamine, which has been used",
        "Ketamine is already",
        "Research is still continuing",
    ),
    "why-consider-ketamine": (21, "One contributor to", "Postoperative care often", "Pain management is highly"),
}
NOT_QUOTED = {Kind.PROMOTION: 5, Kind.CONTACT: 5, Kind.BYLINE: 1, Kind.WITHHELD: 11, Kind.TITLE: 6, Kind.BOILERPLATE: 5}


@pytest.fixture(scope="module")
def content():
    articles = load_corpus(ROOT / "corpus")
    return {a.source.id: (a, [s for p in segment(a) for s in p.sentences]) for a in articles}


def test_the_articles_are_the_ones_described():
    assert set(PINNED) == {a.source.id for a in load_corpus(ROOT / "corpus")}
    for name in PINNED:
        sidecar = tomllib.loads((ROOT / f"corpus/{name}.toml").read_text("utf-8"))
        assert hashlib.sha256((ROOT / f"corpus/{name}.txt").read_bytes()).hexdigest() == sidecar["sha256"]
        assert "reviewer" not in sidecar["review"]


@pytest.mark.parametrize("name", sorted(PINNED))
def test_quotable_sentences(content, name):
    article, sentences = content[name]
    body = [article.slice(s.span) for s in sentences if s.kind is Kind.BODY]
    count, first, middle, last = PINNED[name]
    assert (len(body), body[0][: len(first)], body[-1][: len(last)]) == (count, first, last)
    assert body[len(body) // 2].startswith(middle)


def test_kinds_of_what_is_not_quoted(content):
    kinds = [s.kind for _, sentences in content.values() for s in sentences]
    assert {kind: kinds.count(kind) for kind in NOT_QUOTED} == NOT_QUOTED


def test_no_quotable_sentence_holds_a_number_to_call_or_a_clinic(content):
    for article, sentences in content.values():
        for sentence in (s for s in sentences if s.kind is Kind.BODY):
            text = article.slice(sentence.span)
            assert not any(
                word in text for word in ("310-", "Mandel", "Nassiri", "360 Infusions", "Los Angeles", "click")
            )


def test_only_a_person_withholds(content):
    for _, sentences in content.values():
        assert all(s.rule == "override" for s in sentences if s.kind is Kind.WITHHELD)


def test_library():
    info = load_library_info(ROOT / "corpus")
    assert info.title
    assert len(info.suggestions) >= 6
