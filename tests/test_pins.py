"""A pinned passage comes first for its question and near wordings, and for nothing else; what is withheld stays so."""

import hashlib

import pytest

from bot.answer import open_answerer
from bot.build import build_index
from bot.errors import CorpusError
from bot.sidecar import pin, release, withhold

TEXT = (
    "Swelling of the knee is common in the first week. The brace comes off at night.\n\n"
    "Most people walk without crutches after two weeks. Driving is possible when the leg can brake hard."
)
QUESTION = "when will i be able to go back to my dance class"
WORDS = "Most people walk without crutches after two weeks."


def quotes(settings, question):
    return open_answerer(settings).answer(question).answer.quotes


def test_a_pin_brings_a_passage_that_was_not_found(small_index):
    settings = small_index({"knee-care": TEXT})
    assert not any(WORDS in quote.text for quote in quotes(settings, QUESTION))
    before = (settings.corpus / "knee-care.toml").read_bytes()
    pin(settings.corpus, "knee-care", WORDS, question=QUESTION, by="jane")
    build_index(settings)
    assert WORDS in quotes(settings, QUESTION)[0].text
    assert WORDS in quotes(settings, "when can i go back to my dance class")[0].text
    hits = open_answerer(settings).answer(QUESTION).hits
    assert [hit.pinned for hit in hits].count(True) == 1
    assert hits[0].probability == 1.0
    assert not any(hit.pinned for hit in open_answerer(settings).answer("is swelling common").hits)
    withhold(settings.corpus, "knee-care", WORDS, reason="out of date", by="jane")
    build_index(settings)
    assert not any(WORDS in quote.text for quote in quotes(settings, QUESTION))
    release(settings.corpus, "knee-care", WORDS)
    assert (settings.corpus / "knee-care.toml").read_bytes().strip() == before.strip()


def test_words_that_are_not_in_the_article_cannot_be_pinned(small_index):
    settings = small_index({"knee-care": TEXT})
    before = hashlib.sha256((settings.corpus / "knee-care.toml").read_bytes()).digest()
    with pytest.raises(CorpusError, match="occur 0 times"):
        pin(settings.corpus, "knee-care", "Dance at once.", question=QUESTION, by="jane")
    assert hashlib.sha256((settings.corpus / "knee-care.toml").read_bytes()).digest() == before
