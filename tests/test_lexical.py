"""BM25 by value against the formula written out."""

import math

import numpy as np
import pytest

from bot.lexical import Lexical, terms, words_of

DOCUMENTS = [
    "Nausea and vomiting are common after surgery.",
    "The infusion lasts about an hour.",
    "Vomiting, vomiting and more vomiting: call the ward.",
    "",
    "Bring someone who can drive you home.",
]


def brute_force(query, documents, k1=1.2, b=0.75):
    """Lucene's BM25 as published: Kamphuis et al., ECIR 2020."""
    average = sum(len(d) for d in documents) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for term in query:
            n = sum(term in d for d in documents)
            tf = document.count(term)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            score += idf * tf / (tf + k1 * (1 - b + b * len(document) / average)) if tf else 0.0
        scores.append(score)
    return scores


@pytest.mark.parametrize("question", ["is vomiting common", "infusion hour", "drive drive home", "unknownword"])
def test_scores_equal_the_formula(question):
    documents = [terms(document) for document in DOCUMENTS]
    engine = Lexical(documents)
    query = terms(question)
    wanted = brute_force(query, documents)
    np.testing.assert_allclose(engine.scores(query), wanted, rtol=1e-5)
    rows, scores = engine.search(query, 3)
    best = sorted((i for i in range(len(wanted)) if wanted[i] > 0), key=lambda i: (-wanted[i], i))[:3]
    assert rows.tolist() == best
    np.testing.assert_allclose(scores, [wanted[i] for i in best], rtol=1e-5)


def test_idf_is_highest_for_a_word_that_never_occurs():
    engine = Lexical([terms(document) for document in DOCUMENTS])
    assert engine.idf("nowhere") > engine.idf(terms("hour")[0]) > engine.idf(terms("vomiting")[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t STOP", ["dont", "stop"]),
        ("non\N{NO-BREAK SPACE}breaking", ["non", "breaking"]),
        ("ﬁbre", ["fibre"]),
        ("", []),
        ("🙂 !!", []),
    ],
)
def test_words_are_folded_for_search_only(text, words):
    assert words_of(text) == words
