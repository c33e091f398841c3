"""BM25 over the sentences, each with its heading's words. The only home of bm25s and the stemmer."""

import logging
import math
import re
import unicodedata
from functools import lru_cache

import numpy as np
import Stemmer

from bot.interfaces import Matrix, Rows

WORD = re.compile(r"\w+", re.UNICODE)
# Function words and the small talk of a chat: they say nothing about what is asked.
STOPWORDS = frozenset(
    """a about after again all also am an and any anyone anything are as ask at be because been before being but by
    can could did do does doing done for from get gets getting give given go goes going gonna got had has have having
    he hello help her here hers hi him his how i id if ill im in into is it its ive just know let like may maybe me
    might mine more most much must my need no nor not now of off oh ok okay on once one only or other our out over own
    please question really said same say says she should so some someone something such sure take tell than thank
    thanks that the their them then there these they thing things this those though through to too up us use used
    using very want was we well were what whats when where which while who whom whose why will with without wont
    would yeah yes you your yours""".split()
)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of one lower-case English word."""
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("english")


def words_of(text: str) -> list[str]:
    """Return the lower-case words of ``text``, apostrophes joined ("don't" -> "dont"), compatibility forms folded."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return WORD.findall(folded.replace("'", ""))


def terms(text: str) -> list[str]:
    """Return the stems of the content words of ``text``, in order, repeats kept."""
    return [stem(word) for word in words_of(text) if word not in STOPWORDS and (len(word) > 1 or word.isdigit())]


class Lexical:
    """A BM25 index (Lucene's formula) over lists of stems."""

    def __init__(self, documents: list[list[str]]) -> None:
        import bm25s  # here: with scipy it takes 0.3 s, and an indexer that asks no questions needs neither

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # once imported it reports each index at debug level
        vocabulary = sorted({term for document in documents for term in document})
        self._ids = {term: number for number, term in enumerate(vocabulary)}
        self._rows = len(documents)
        self._bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend="numpy")
        coded = [[self._ids[term] for term in document] for document in documents]
        self._bm25.index((coded, dict(self._ids)), create_empty_token=True, show_progress=False)

    def search(self, query: list[str], k: int) -> tuple[Rows, Matrix]:
        """Return at most ``k`` rows with a score above zero, best first, ties by row number."""
        scores = self.scores(query)
        rows = np.flatnonzero(scores > 0)
        order = np.lexsort((rows, -scores[rows]))[:k]
        return rows[order].astype(np.int64), scores[rows[order]]

    def scores(self, query: list[str]) -> Matrix:
        """Return the BM25 score of every row, (rows,)."""
        ids = [self._ids[term] for term in query if term in self._ids]
        if not ids:
            return np.zeros(self._rows, dtype=np.float32)
        return np.asarray(self._bm25.get_scores_from_ids(ids), dtype=np.float32)

    def idf(self, term: str) -> float:
        """Return how rare ``term`` is among the rows; a term that never occurs is the rarest."""
        number = self._ids.get(term)
        indptr = self._bm25.scores["indptr"]
        count = 0 if number is None else int(indptr[number + 1] - indptr[number])
        return math.log(1 + (self._rows - count + 0.5) / (count + 0.5))
