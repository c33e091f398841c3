"""Query -> ranked sentences: vectors and BM25 find candidates; late interaction, then evidence models order them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bot.asks import asked, lacks_amount, match
from bot.interfaces import Matrix, Rows
from bot.lexical import terms
from bot.library import Library
from bot.question import as_question, parts
from bot.rerank import Reranker
from bot.scoring import Scoring
from bot.types import Hit, Query
from bot.wording import medical, unnamed


def understand(library: Library, question: str) -> tuple[Query, ...]:
    """Return the searched forms of each thing that ``question`` asks."""
    return tuple(_query(library, part) for part in parts(question))


def retrieve(library: Library, query: Query, scoring: Scoring, *, top_k: int, part: int = 0) -> tuple[Hit, ...]:
    """Return candidate sentences for ``query``, best first, ties in reading order.

    Candidates are the ``top_k`` sentences by sentence vector and by BM25, and all sentences of the ``top_k`` / 5
    passages by passage vector; each gets every score but ``rerank``.
    """
    hits = [replace(hit, part=part, fused=scoring.fuse(hit)) for hit in candidates(library, query, top_k=top_k)]
    hits = [replace(hit, probability=scoring.probability(hit)) for hit in hits]
    return tuple(sorted(hits, key=lambda hit: (-hit.fused, hit.row)))


def rerank(
    library: Library, query: Query, hits: tuple[Hit, ...], scoring: Scoring, reranker: Reranker | None
) -> tuple[Hit, ...]:
    """Let the evidence model read the first ``scoring.depth`` quotable hits and order those by what it says.

    Those far behind the best of the first stage are not read: hardly one of them answers, and each takes time. A
    question that names the library's subject is read twice, with the name and without: the mean counts. What was not
    read keeps its order behind the others, with a probability of 0: nobody looked at it closely.
    """
    if reranker is None:
        return tuple(sorted(hits, key=lambda hit: (-scoring.order(hit), hit.row)))
    first = _first(library, hits, scoring)
    logits = np.mean([reranker.scores(*reading) for reading in _readings(library, query, first)], axis=0)
    read = [replace(hit, rerank=float(logit)) for hit, logit in zip(first, logits, strict=True)]
    return _before(_weighed(read, scoring), hits, most=0.0)


def read_again(
    library: Library, query: Query, hits: tuple[Hit, ...], scoring: Scoring, large: Reranker | None
) -> tuple[Hit, ...]:
    """Let the large evidence model read the first of ``hits`` where the small one is neither sure of one nor of none.

    It reads once, without the name of the library's subject: the form with the name added nothing. Those behind keep
    their order, and none of them is more likely than the best that was read closely.
    """
    second, known = scoring.second, [hit for hit in hits if hit.rerank is not None]
    if large is None or second is None or not known:
        return hits
    if not second.doubt[0] <= max(hit.probability for hit in known) <= second.doubt[1]:
        return hits
    first = known[: second.depth]
    logits = large.scores(*_readings(library, query, first)[-1])
    read = [replace(hit, large=float(logit)) for hit, logit in zip(first, logits, strict=True)]
    read = _weighed(read, Scoring(second))
    return _before(read, hits, most=max(hit.probability for hit in read))


def _first(library: Library, hits: tuple[Hit, ...], scoring: Scoring) -> list[Hit]:
    """Return what the evidence model reads of ``hits``, which are in the order of the first stage."""
    quotable = [hit for hit in hits if not library.unquotable(hit.row)][: scoring.depth]
    return [hit for hit in quotable if hit.fused >= quotable[0].fused - scoring.calibration.reach]


def _weighed(read: list[Hit], scoring: Scoring) -> list[Hit]:
    """Return ``read`` with the probabilities of ``scoring``, in its order."""
    read = [replace(hit, probability=scoring.probability(hit)) for hit in read]
    return sorted(read, key=lambda hit: (-scoring.order(hit), hit.row))


def _before(read: list[Hit], hits: tuple[Hit, ...], *, most: float) -> tuple[Hit, ...]:
    """Return ``read`` and behind it the others of ``hits`` in their order, none of them likelier than ``most``."""
    rows = {hit.row for hit in read}
    return (*read, *(replace(hit, probability=min(hit.probability, most)) for hit in hits if hit.row not in rows))


def candidates(library: Library, query: Query, *, top_k: int) -> list[Hit]:
    """Return the candidates for ``query`` in reading order with their first-stage scores."""
    views = [_View.of(library, text) for text in dict.fromkeys((query.unnamed, query.medical))]
    rows = np.unique(np.concatenate([view.rows(top_k) for view in views]))
    columns = [view.columns(rows) for view in views]
    best = {name: np.max([column[name] for column in columns], axis=0).tolist() for name in columns[0]}
    texts = ((row, library.text(row)) for row in rows.tolist())
    return [
        Hit(
            row=row,
            kind=match(query.kinds, text),
            lacks=lacks_amount(query.kinds, text),
            **{name: best[name][place] for name in best},
        )
        for place, (row, text) in enumerate(texts)
    ]


def _readings(library: Library, query: Query, hits: list[Hit]) -> list[tuple[str, list[str]]]:
    """Return question and sentences as they stand and, where the question names the subject, both without its name."""
    sentences = [library.in_context(hit.row) for hit in hits]
    found = [(as_question(query.corrected), sentences)]
    if query.unnamed != query.corrected:
        found.append((as_question(query.unnamed), [unnamed(sentence, library.subject) for sentence in sentences]))
    return found


def _query(library: Library, text: str) -> Query:
    corrected = library.speller.correct(text)
    nameless = unnamed(corrected, library.subject)
    return Query(text, corrected, nameless, medical(nameless), asked(corrected))


@dataclass(frozen=True, slots=True)
class _View:
    """One form of a query, encoded."""

    library: Library
    vector: Matrix
    tokens: Matrix
    ids: list[int]
    terms: list[str]

    @classmethod
    def of(cls, library: Library, text: str) -> "_View":
        return cls(library, *library.encoder.query(text), terms(text))

    def rows(self, top_k: int) -> Rows:
        engines = self.library.engines
        found = [
            engines.sentences.search(self.vector, top_k)[0],
            engines.lexical.search(self.terms, top_k)[0],
            self.library.rows_in(engines.contexts.search(self.vector, max(1, top_k // 5))[0]),
        ]
        return np.concatenate(found)

    def columns(self, rows: Rows) -> Mapping[str, Matrix]:
        engines = self.library.engines
        return {
            "dense": engines.sentences.scores(self.vector, rows),
            "context": engines.contexts.scores(self.vector, self.library.passage_of[rows]),
            "lexical": engines.lexical.scores(self.terms)[rows],
            "late": engines.tokens.scores(self.tokens, self.ids, rows),
            "coverage": self._coverage(rows),
        }

    def _coverage(self, rows: Rows) -> Matrix:
        """Share of the query's content words, rare ones weighing more, that a sentence or its heading holds: 0..1."""
        wanted = {term: self.library.engines.lexical.idf(term) for term in self.terms}
        total = sum(wanted.values()) or 1.0
        held = [sum(wanted[term] for term in wanted.keys() & set(self.library.terms(row))) for row in rows.tolist()]
        return np.array(held, dtype=np.float32) / np.float32(total)
