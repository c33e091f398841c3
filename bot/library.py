"""An opened snapshot: texts, sentences and engines, all read-only and safe to share between threads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bot.embed import OnnxEncoder
from bot.errors import SnapshotError
from bot.interfaces import Rows, VectorEngine
from bot.late import TokenStore
from bot.lexical import Lexical, terms, words_of
from bot.pack import Vectors, read_vectors
from bot.snapshot import Content, Manifest, current, read_content, vectors_name, verify
from bot.types import Article, Kind, LibraryInfo, Passage, ReviewStatus, Sentence, Tag
from bot.vectors import make_engine
from bot.wording import Speller, head

# Headings, titles and navigation are not searched; what is withheld is, so that staff can see it was found.
SEARCHED = frozenset({Kind.BODY, Kind.PROMOTION, Kind.CONTACT, Kind.WITHHELD})
ONE_SUBJECT = 0.2  # the share of sentences that name, or whose heading names, what the whole library is about


@dataclass(frozen=True, slots=True)
class Row:
    """One searchable sentence: ``passage`` is its paragraph's number, ``place`` its place in that paragraph."""

    passage: int
    place: int
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Engines:
    """The searchable side of a library: vectors of sentences and passages, BM25, token vectors."""

    sentences: VectorEngine
    contexts: VectorEngine
    lexical: Lexical
    tokens: TokenStore


@dataclass(frozen=True, slots=True)
class Library:
    """Everything a question is answered from."""

    manifest: Manifest
    info: LibraryInfo
    articles: Mapping[str, Article]
    passages: tuple[Passage, ...]
    rows: tuple[Row, ...]
    encoder: OnnxEncoder
    engines: Engines
    passage_of: Rows  # passage number of each row, ascending
    speller: Speller
    topics: frozenset[str]
    subject: frozenset[str]

    def text(self, row: int) -> str:
        """Return the words of sentence ``row``."""
        span = self.rows[row].sentence.span
        return self.articles[span.article].slice(span)

    def in_context(self, row: int) -> str:
        """Return sentence ``row`` as the evidence model reads it: its heading, and the sentence that it leans on."""
        found = self.rows[row]
        passage = self.passages[found.passage]
        article = self.articles[found.sentence.span.article]
        text = article.slice(found.sentence.span)
        if found.sentence.leans and found.place > 0:
            text = f"{article.slice(passage.sentences[found.place - 1].span)} {text}"
        heading = article.slice(passage.heading).strip(" ?.:#") if passage.heading else ""
        return f"{heading}: {text}" if heading else text

    def rows_in(self, passages: Rows) -> Rows:
        """Return the rows of all sentences of ``passages``."""
        starts = np.searchsorted(self.passage_of, passages, side="left")
        ends = np.searchsorted(self.passage_of, passages, side="right")
        return np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)] or [np.zeros(0, np.int64)])

    def heading_tags(self, passage: int) -> frozenset[Tag]:
        """Return what a person said that the heading of ``passage`` claims."""
        heading = self.passages[passage].heading
        before = (self.passages[number] for number in range(passage - 1, -1, -1))
        own = (s.tags for p in before if p.span == heading for s in p.sentences)
        return next(own, frozenset()) if heading else frozenset()

    def terms(self, row: int) -> list[str]:
        """Return the stems that BM25 sees for sentence ``row``: its own and its heading's."""
        found = self.rows[row]
        return row_terms(found, self.passages[found.passage], self.articles[found.sentence.span.article])

    def unquotable(self, row: int) -> str:
        """Return why sentence ``row`` may not be quoted, or "" when it may."""
        sentence = self.rows[row].sentence
        if reason := sentence.unquotable:
            return reason
        status = self.articles[sentence.span.article].source.review.status
        return "" if status is ReviewStatus.APPROVED else f"article is in status '{status.value}'"


def rows_of(passages: tuple[Passage, ...]) -> tuple[Row, ...]:
    """Number the searchable sentences of all passages, in reading order."""
    return tuple(
        Row(number, place, sentence)
        for number, passage in enumerate(passages)
        for place, sentence in enumerate(passage.sentences)
        if sentence.kind in SEARCHED
    )


def row_terms(row: Row, passage: Passage, article: Article) -> list[str]:
    """Return the stems BM25 sees for a sentence: its own and its heading's."""
    heading = article.slice(passage.heading) if passage.heading else ""
    return terms(article.slice(row.sentence.span)) + terms(heading)


def open_library(index: Path, *, model: str, threads: int = 2) -> Library:
    """Verify and open the current snapshot of ``index``.

    Raises:
        SnapshotError: there is none, it is damaged, or it was built with another model than ``model``.
    """
    return open_snapshot(current(index), model=model, threads=threads)


def open_snapshot(folder: Path, *, model: str, threads: int = 2) -> Library:
    """Verify and open the snapshot in ``folder``.

    Raises:
        SnapshotError: it is damaged, or was built with another model than ``model``.
    """
    manifest = verify(folder)
    if manifest.model != model:
        raise SnapshotError(
            f"The index in '{folder.parent}' was built with the model '{manifest.model}', but BOT_MODEL is '{model}'. "
            "Run: python -m bot index"
        )
    content = read_content(folder)
    vectors = [read_vectors(folder / vectors_name(article.source.id)) for article in content.articles]
    return assemble(manifest, content, OnnxEncoder(folder / "encoder", threads=threads), vectors)


def assemble(manifest: Manifest, content: Content, encoder: OnnxEncoder, vectors: Sequence[Vectors]) -> Library:
    """Put a library together from its parts; ``vectors`` are in the order of the articles."""
    rows = rows_of(content.passages)
    articles = content.by_id
    stems = [row_terms(row, content.passages[row.passage], articles[row.sentence.span.article]) for row in rows]
    return Library(
        manifest=manifest,
        info=content.info,
        articles=articles,
        passages=content.passages,
        rows=rows,
        encoder=encoder,
        engines=Engines(
            sentences=make_engine(manifest.engine, np.concatenate([one.sentences for one in vectors])),
            contexts=make_engine(manifest.engine, np.concatenate([one.contexts for one in vectors])),
            lexical=Lexical(stems),
            tokens=TokenStore([one.tokens for one in vectors]),
        ),
        passage_of=np.array([row.passage for row in rows], dtype=np.int64),
        speller=Speller(_words(content), encoder.vocabulary()),
        topics=_topics(content),
        subject=_subject(content.info.title, stems),
    )


def _topics(content: Content) -> frozenset[str]:
    """Return the stems of all titles: the words that say which subject is meant."""
    titles = [content.info.title, *(article.source.title for article in content.articles)]
    return frozenset(stem for title in titles for stem in terms(title))


def _subject(title: str, rows: list[list[str]]) -> frozenset[str]:
    """Return the stems of what the whole library is about, none when too few of its sentences say so."""
    named = head(title)
    return named if sum(not named.isdisjoint(row) for row in rows) >= max(1, ONE_SUBJECT * len(rows)) else frozenset()


def _words(content: Content) -> frozenset[str]:
    return frozenset(word for article in content.articles for word in words_of(article.text))
