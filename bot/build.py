"""Re-index: corpus folder -> one new snapshot. Prepared whole in memory, written beside the others, verified.

Encodings and splits of unchanged text come from the cache, so a small change costs little, and a stopped run goes on
where it was.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from bot import __version__
from bot.cache import Cache, Encoding
from bot.corpus import load_corpus, load_library_info
from bot.embed import OnnxEncoder
from bot.errors import CorpusError, SnapshotError
from bot.interfaces import Matrix, VectorEngine
from bot.late import TokenStore
from bot.lexical import Lexical
from bot.library import Engines, Library, assemble, row_terms, rows_of
from bot.model import EXPORT_VERSION, ModelFolder, export_encoder, find_model
from bot.segment import segment
from bot.settings import Settings
from bot.snapshot import (
    SCHEMA,
    TEMPORARY,
    Accepted,
    Content,
    Manifest,
    activate,
    amend,
    content_files,
    current,
    digest_of,
    dump,
    read_manifest,
    seal,
    snapshot_id,
    verify,
    write_files,
    writing,
)
from bot.types import Article, Kind, Passage
from bot.vectors import ENGINES, make_engine

ENGINE = "faiss"
CHUNK = 128  # sentences between two steps of the progress bar
COMPARED = 500  # sentences on which an exported model is compared with the original
SPLITTING = ("segment.py", "kinds.py", "claims.py", "rulebook.py", "types.py", "kinds.toml", "claims.toml")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What a run of the indexer did. ``fresh`` is False when the snapshot was there already."""

    manifest: Manifest
    folder: Path
    fresh: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """The corpus, read and split, and the manifest of the snapshot that it makes. ``cache`` is open with it."""

    content: Content
    files: Mapping[str, bytes]
    manifest: Manifest
    model: ModelFolder
    cache: Cache


@dataclass(frozen=True, slots=True)
class Prepared:
    """A library that is complete but not on disk: it can answer, be looked over, and then be published or dropped."""

    draft: Draft
    library: Library


def build_index(settings: Settings, *, force: bool = False, progress: Progress = lambda *_: None) -> Built:
    """Build the snapshot of the corpus and make it the current one, without looking over its content.

    ``bot.reindex`` is the way of a maintainer: it asks the regression questions and lints before anything is published.

    Raises:
        CorpusError, ModelError, SnapshotError: each says what to do; the current snapshot then stays in use.
    """
    with drafting(settings, force=force, progress=progress) as draft, preparing(settings, draft, progress) as prepared:
        return publish(settings, prepared, force=force)


@contextmanager
def drafting(settings: Settings, *, force: bool = False, progress: Progress = lambda *_: None) -> Iterator[Draft]:
    """Read and split the corpus; with ``force`` nothing that is known of it is used.

    Raises:
        CorpusError, ModelError, SnapshotError: each says what to do.
    """
    progress("Reading articles", 0, 1)
    model = find_model(settings.model)
    with _cache(settings, model, fresh=force) as cache:
        content = read_corpus(settings.corpus, cache=cache)
        files = content_files(content)
        yield Draft(content, files, _describe(settings, content, model, digest_of(files)), model, cache)


@contextmanager
def preparing(settings: Settings, draft: Draft, progress: Progress = lambda *_: None) -> Iterator[Prepared]:
    """Give the library of ``draft``, in memory. Its encoder lies in a folder that goes away with the block.

    Raises:
        ModelError, SnapshotError: each says what to do.
    """
    with _encoder(settings.index, draft, progress) as folder:
        encoder = OnnxEncoder(folder, threads=os.cpu_count() or 1)
        engines = make_engines(draft.content, encoder, progress, cache=draft.cache)
        yield Prepared(draft, assemble(draft.manifest, draft.content, encoder, engines))


def publish(
    settings: Settings,
    prepared: Prepared,
    *,
    force: bool = False,
    by: str = "",
    why: str = "",
    accepted: tuple[Accepted, ...] = (),
) -> Built:
    """Write ``prepared`` as a snapshot, verify it and make it the current one.

    Raises:
        SnapshotError: it cannot be written; the current snapshot then stays in use.
    """
    manifest = replace(prepared.draft.manifest, by=by, why=why, accepted=accepted)
    folder = settings.index / manifest.id
    there = None if force else _sound(folder)
    if there is None:
        with writing(settings.index, manifest.id) as temporary:
            write_files(temporary, prepared.draft.files)
            place(prepared.library.encoder.folder, temporary / "encoder")
            _save(prepared.library.engines, temporary)
            seal(temporary, manifest)
        verify(folder)
    elif there.accepted != accepted:  # it was rolled back or pointed away from; now somebody answers for it
        amend(folder, replace(there, by=by, why=why, accepted=accepted))
    activate(settings.index, manifest.id)
    return Built(read_manifest(folder), folder, fresh=there is None)


def in_use(settings: Settings, draft: Draft) -> Built | None:
    """Return the current snapshot when it is sound and that of ``draft``, else None."""
    try:
        folder = current(settings.index)
        return Built(verify(folder), folder, fresh=False) if folder.name == draft.manifest.id else None
    except SnapshotError:
        return None


def read_corpus(corpus: Path, *, cache: Cache | None = None) -> Content:
    """Read and split every article of ``corpus``.

    Raises:
        CorpusError: a file is wrong, or no article has a sentence that may be quoted.
    """
    articles = load_corpus(corpus)
    passages = tuple(_split(articles, cache))
    if not any(s.kind is Kind.BODY for passage in passages for s in passage.sentences):
        raise CorpusError(f"No article in '{corpus}' has a sentence that may be quoted. See: python -m bot check")
    return Content(load_library_info(corpus), articles, passages)


def content_id(content: Content) -> str:
    """Return the digest of ``content`` that a snapshot made of it records."""
    return digest_of(content_files(content))


def make_engines(
    content: Content,
    encoder: OnnxEncoder,
    progress: Progress = lambda *_: None,
    *,
    cache: Cache | None = None,
) -> Engines:
    """Encode every sentence and passage of ``content`` that ``cache`` does not hold and build the engines over them."""
    articles = content.by_id
    encoded = _encode_sentences(encoder, _sentences(content), progress, cache)
    paragraphs = [articles[p.span.article].slice(p.span) for p in content.passages]
    known = {text: one.vector for text, one in encoded.items()}
    vectors = _encode_passages(encoder, paragraphs, known, progress, cache)
    rows = [encoded[text] for text in _sentences(content)]
    progress("Building the engines", 0, 1)
    stems = [
        row_terms(row, content.passages[row.passage], articles[row.sentence.span.article])
        for row in rows_of(content.passages)
    ]
    return Engines(
        sentences=make_engine(ENGINE, np.stack([row.vector for row in rows])),
        contexts=make_engine(ENGINE, np.stack([vectors[text] for text in paragraphs])),
        lexical=Lexical(stems),
        tokens=_token_store(rows),
    )


@lru_cache(maxsize=1)
def rules_digest() -> str:
    """Return a digest of all that decides how an article is split."""
    parts = [(files("bot") / name).read_bytes() for name in SPLITTING]
    return hashlib.sha256(b"\0".join([*parts, version("syntok").encode()])).hexdigest()


def place(source: Path, target: Path) -> None:
    """Put the encoder of ``source`` into ``target``: the same 90 MB on disk where links are possible, else a copy."""
    target.mkdir()
    for name in ("encoder.json", "model.onnx", "tokenizer.json"):
        try:
            os.link(source / name, target / name)
        except OSError:
            shutil.copyfile(source / name, target / name)


@contextmanager
def _cache(settings: Settings, model: ModelFolder, *, fresh: bool) -> Iterator[Cache]:
    """Open the cache; an index folder that cannot be made or written is named."""
    try:
        settings.index.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SnapshotError(f"{settings.index} cannot be made: {error.strerror or error}. Set BOT_INDEX.") from error
    about = f"{model.digest}/{EXPORT_VERSION}"
    cache = Cache(settings.index / "cache.db", model=about, rules=rules_digest(), fresh=fresh)
    try:
        yield cache
    finally:
        cache.close()


def _split(articles: tuple[Article, ...], cache: Cache | None) -> Iterator[Passage]:
    known = cache.passages(articles) if cache else {}
    fresh = {article.source.id: segment(article) for article in articles if article.source.id not in known}
    if cache:
        cache.keep_passages([article for article in articles if article.source.id in fresh], fresh)
    for article in articles:
        name = article.source.id
        yield from known[name] if name in known else fresh[name]


@contextmanager
def _encoder(index: Path, draft: Draft, progress: Progress) -> Iterator[Path]:
    """Give the folder of the exported model: that of an earlier snapshot, as exporting takes torch and 10 s."""
    for earlier in _earlier(index):
        if _fits(earlier, draft.model):
            yield earlier / "encoder"
            return
    progress("Exporting the embedding model", 0, 1)
    sentences = list(dict.fromkeys(_sentences(draft.content)))
    with tempfile.TemporaryDirectory(dir=index, prefix=TEMPORARY) as home:
        folder = Path(home) / "encoder"
        try:
            folder.mkdir()
            export_encoder(draft.model, folder, sentences[:: max(1, len(sentences) // COMPARED)])
        except OSError as error:
            raise SnapshotError(
                f"The model cannot be exported to {index}: {error.strerror or error}. Free space; the index in use is "
                "unchanged."
            ) from error
        yield folder


def _earlier(index: Path) -> list[Path]:
    """Return the folders of all snapshots, the current one first: it is the likeliest to fit."""
    try:
        first = [current(index)]
    except SnapshotError:
        first = []
    return list(dict.fromkeys([*first, *sorted(path.parent for path in index.glob("*/manifest.json"))]))


def _fits(earlier: Path, model: ModelFolder) -> bool:
    """Return True when the encoder in ``earlier`` is whole and that of ``model``; nothing else of it is looked at."""
    try:
        manifest = verify(earlier, ("encoder/",))
        about = (earlier / "encoder" / "encoder.json").read_text(encoding="utf-8")
    except (SnapshotError, OSError):
        return False  # a damaged encoder is no source; the export makes a sound one
    return manifest.model_digest == model.digest and f'"export_version": {EXPORT_VERSION},' in about


def _sound(folder: Path) -> Manifest | None:
    """Return the manifest of ``folder`` when it is a whole snapshot of this version, else None."""
    try:
        return verify(folder)
    except SnapshotError:
        return None


def _describe(settings: Settings, content: Content, model: ModelFolder, content_digest: str) -> Manifest:
    rows = rows_of(content.passages)
    return Manifest(
        id=snapshot_id(model_digest=model.digest, engine=ENGINE, content_digest=content_digest),
        schema=SCHEMA,
        code_version=__version__,
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        model=settings.model,
        model_digest=model.digest,
        engine=ENGINE,
        articles={a.source.id: hashlib.sha256(dump((a.source, a.text))).hexdigest() for a in content.articles},
        counts={"articles": len(content.articles), "passages": len(content.passages), "sentences": len(rows)},
        content_digest=content_digest,
    )


def _save(engines: Engines, folder: Path) -> None:
    for name in ("lexical", "tokens"):
        (folder / name).mkdir()
    engines.lexical.save(folder / "lexical")
    engines.tokens.save(folder / "tokens")
    _save_vectors(engines.sentences, folder / "sentences.index")
    _save_vectors(engines.contexts, folder / "contexts.index")


def _save_vectors(engine: VectorEngine, path: Path) -> None:
    """Write ``engine`` and read it back: its library says nothing when the last bytes do not fit on the disk."""
    try:
        engine.save(path)
        ENGINES[ENGINE].load(path)
    except (RuntimeError, SnapshotError) as error:
        raise OSError(f"{path.name} is not whole: {str(error)[:200]}") from error


def _sentences(content: Content) -> list[str]:
    articles = content.by_id
    return [articles[r.sentence.span.article].slice(r.sentence.span) for r in rows_of(content.passages)]


def _encode_sentences(
    encoder: OnnxEncoder, texts: list[str], progress: Progress, cache: Cache | None
) -> dict[str, Encoding]:
    """Return the encoding of each text; what is encoded here is in the cache at once."""
    known = cache.encodings(texts) if cache else {}
    for chunk in _missing(texts, known, "Encoding sentences", progress):
        vectors, tokens = encoder.documents(chunk)
        ids = (np.array(one, dtype=np.int32) for one in encoder.token_ids(chunk))
        halves = (matrix.astype(np.float16) for matrix in tokens)
        fresh = {text: Encoding(*parts) for text, *parts in zip(chunk, vectors, halves, ids, strict=True)}
        if cache:
            cache.keep_encodings(fresh)
        known |= fresh
    return known


def _encode_passages(
    encoder: OnnxEncoder, texts: list[str], known: dict[str, Matrix], progress: Progress, cache: Cache | None
) -> dict[str, Matrix]:
    """Return the vector of each text; ``known`` are those of sentences, as a passage may be one sentence."""
    if cache:
        known |= cache.vectors([text for text in texts if text not in known])
    for chunk in _missing(texts, known, "Encoding passages", progress):
        fresh = dict(zip(chunk, encoder.documents(chunk)[0], strict=True))
        if cache:
            cache.keep_vectors(fresh)
        known |= fresh
    return known


def _missing(texts: list[str], known: Mapping[str, object], stage: str, progress: Progress) -> Iterator[list[str]]:
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    for start in range(0, len(missing), CHUNK):
        progress(stage, len(texts) - len(missing) + start, len(texts))
        yield missing[start : start + CHUNK]
    progress(stage, len(texts), len(texts))


def _token_store(rows: list[Encoding]) -> TokenStore:
    offsets = np.concatenate([[0], np.cumsum([len(row.tokens) for row in rows])]).astype(np.int64)
    return TokenStore(np.concatenate([row.tokens for row in rows]), np.concatenate([row.ids for row in rows]), offsets)
