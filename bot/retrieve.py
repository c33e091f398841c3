"""Question -> ranked sentences: vectors and BM25 find candidates, late interaction and context order them."""

import numpy as np

from bot.interfaces import Rows
from bot.lexical import terms
from bot.library import Library
from bot.scoring import Features, fuse, probability
from bot.types import Hit


def retrieve(library: Library, query: str, *, top_k: int) -> tuple[Hit, ...]:
    """Return candidate sentences for ``query``, best first, ties in reading order.

    Candidates are the ``top_k`` sentences by sentence vector and by BM25, and all sentences of the ``top_k``
    passages by passage vector; each candidate gets every score.
    """
    engines = library.engines
    vector, tokens, ids = library.encoder.query(query)
    query_terms = terms(query)
    rows = np.unique(
        np.concatenate(
            [
                engines.sentences.search(vector, top_k)[0],
                engines.lexical.search(query_terms, top_k)[0],
                library.rows_in(engines.contexts.search(vector, max(1, top_k // 5))[0]),
            ]
        )
    )
    columns = zip(
        rows.tolist(),
        engines.sentences.scores(vector, rows).tolist(),
        engines.contexts.scores(vector, library.passage_of[rows]).tolist(),
        engines.lexical.scores(query_terms)[rows].tolist(),
        engines.tokens.scores(tokens, ids, rows).tolist(),
        _coverage(library, query_terms, rows),
        strict=True,
    )
    hits = [_hit(row, Features(*scores)) for row, *scores in columns]
    return tuple(sorted(hits, key=lambda hit: (-hit.fused, hit.row)))


def _hit(row: int, features: Features) -> Hit:
    return Hit(
        row=row,
        dense=features.dense,
        context=features.context,
        lexical=features.lexical,
        late=features.late,
        coverage=features.coverage,
        fused=fuse(features),
        probability=probability(features),
    )


def _coverage(library: Library, query_terms: list[str], rows: Rows) -> list[float]:
    """Share of the question's content words, rare ones weighing more, that a sentence or its heading holds: 0..1."""
    wanted = {term: library.engines.lexical.idf(term) for term in query_terms}
    total = sum(wanted.values())
    if not total:
        return [0.0] * len(rows)
    return [sum(wanted[term] for term in wanted.keys() & set(library.terms(row))) / total for row in rows.tolist()]
