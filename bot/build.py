"""Re-index: corpus folder -> one new snapshot. Prepared whole in memory, written beside the others, verified.

Encodings and splits of unchanged text come from the cache, so a small change costs little, and a stopped run goes on
where it was.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from bot import __version__
from bot.cache import Cache, Encoding
from bot.corpus import load_library_info, read_changed
from bot.embed import OnnxEncoder
from bot.errors import CorpusError, SnapshotError, cure
from bot.interfaces import Matrix
from bot.late import Tokens
from bot.library import Library, assemble, rows_of
from bot.model import EXPORT_VERSION, ModelFolder, export_encoder, find_model
from bot.pack import Vectors, read_vectors, vectors_file
from bot.segment import segment
from bot.settings import Settings
from bot.snapshot import (
    SCHEMA,
    TEMPORARY,
    Accepted,
    Content,
    Manifest,
    Record,
    Size,
    activate,
    amend,
    article_digest,
    content_digest,
    content_of,
    current,
    dump,
    read_manifest,
    read_record,
    record_name,
    seal,
    share,
    snapshot_id,
    sound_files,
    vectors_name,
    verify,
    writing,
)
from bot.types import Article, LibraryInfo, Seen

ENGINE = "faiss"
CHUNK = 128  # sentences between two steps of the progress bar
ENCODER_FILES = frozenset({"encoder/encoder.json", "encoder/model.onnx", "encoder/tokenizer.json"})
COMPARED = 500  # sentences on which an exported model is compared with the original
# What decides how files become articles and how these are split.
READING = ("corpus.py", "readers/text.py", "types.py", "segment.py", "kinds.py", "claims.py", "rulebook.py")
RULES = ("kinds.toml", "claims.toml")
Progress = Callable[[str, int, int], None]
Name = Callable[[str], str]  # article id -> name of one of its files in a snapshot


@dataclass(frozen=True, slots=True)
class Built:
    """What a run of the indexer did. ``fresh`` is False when the snapshot was there already."""

    manifest: Manifest
    folder: Path
    fresh: bool


@dataclass(frozen=True, slots=True)
class Base:
    """The snapshot in use, whose files of unchanged articles the new one shares."""

    folder: Path
    manifest: Manifest


@dataclass(frozen=True)
class Draft:
    """The corpus and the manifest of the snapshot that it makes.

    ``fresh`` are the articles that were read and split now, by id; ``kept`` the ids of those that are in ``base`` as
    they should be and were not looked at. ``cache`` is open with it.
    """

    info: LibraryInfo
    fresh: Mapping[str, Record]
    kept: tuple[str, ...]
    base: Base | None
    manifest: Manifest
    model: ModelFolder
    cache: Cache

    def record(self, article: str) -> Record:
        """Return one article, from memory or from the snapshot in use.

        Raises:
            SnapshotError: its file is damaged.
        """
        if article in self.fresh or self.base is None:
            return self.fresh[article]
        return read_record(self.base.folder, article)

    @cached_property
    def content(self) -> Content:
        """The whole text side; for a large library this takes seconds."""
        return content_of(self.info, (self.record(article) for article in self.manifest.articles))

    @property
    def shared(self) -> list[str]:
        """The names of the files of ``base`` that the new snapshot has too."""
        return [name(article) for article in self.kept for name in (record_name, vectors_name)]


@dataclass(frozen=True)
class Prepared:
    """A library that is complete but not on disk: it can answer, be looked over, and then be published or dropped."""

    draft: Draft
    encoder: OnnxEncoder
    vectors: Mapping[str, Vectors]  # of the fresh articles, by id

    @cached_property
    def library(self) -> Library:
        """The whole library, ready to answer; for a large one this takes seconds."""
        draft = self.draft
        vectors = [self._vectors(article) for article in draft.manifest.articles]
        return assemble(draft.manifest, draft.content, self.encoder, vectors)

    def _vectors(self, article: str) -> Vectors:
        if article in self.vectors or self.draft.base is None:
            return self.vectors[article]
        return read_vectors(self.draft.base.folder / vectors_name(article))


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
        draft = _draft(settings, None if force else _base(settings.index, model), model, cache)
        if draft.base and draft.manifest.id == draft.base.manifest.id and not _sound(draft.base.folder):
            draft = _draft(settings, None, model, cache)  # nothing changed but the index: it is made again
        yield draft


@contextmanager
def preparing(settings: Settings, draft: Draft, progress: Progress = lambda *_: None) -> Iterator[Prepared]:
    """Give the library of ``draft``, in memory. Its encoder lies in a folder that goes away with the block.

    Raises:
        ModelError, SnapshotError: each says what to do.
    """
    with _encoder(settings.index, draft, progress) as folder:
        encoder = OnnxEncoder(folder, threads=os.cpu_count() or 1)
        vectors = encode(list(draft.fresh.values()), encoder, progress, cache=draft.cache)
        yield Prepared(draft, encoder, vectors)


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
    there, fresh = None if force else _sound(folder), False
    if there is None:
        shared: set[str] = set()
        with writing(settings.index, manifest.id, shared) as temporary:
            shared |= _write(prepared, temporary)
            base = prepared.draft.base
            seal(temporary, manifest, {name: base.manifest.files[name] for name in shared} if base else {})
        there, fresh = verify(folder, proven=shared), True
    elif there.accepted != accepted:  # it was rolled back or pointed away from; now somebody answers for it
        there = replace(there, by=by, why=why, accepted=accepted)
        amend(folder, there)
    activate(settings.index, manifest.id)
    return Built(there, folder, fresh)


def in_use(settings: Settings, draft: Draft) -> Built | None:
    """Return the current snapshot when it is sound and that of ``draft``, else None."""
    if draft.base and draft.base.manifest.id == draft.manifest.id:
        return Built(draft.base.manifest, draft.base.folder, fresh=False)  # ``drafting`` has proven it
    try:
        folder = current(settings.index)
        return Built(verify(folder), folder, fresh=False) if folder.name == draft.manifest.id else None
    except SnapshotError:
        return None


def read_corpus(corpus: Path, index: Path | None = None) -> Content:
    """Read and split every article of ``corpus``; how unchanged ones were split is taken from the snapshot in use.

    Raises:
        CorpusError: a file is wrong, or no article has a sentence that may be quoted.
    """
    try:
        records = _records(corpus, _base(index) if index else None)
    except SnapshotError:  # it went away meanwhile
        records = _records(corpus, None)
    content = content_of(load_library_info(corpus), records)
    if not any(not s.unquotable for passage in content.passages for s in passage.sentences):
        raise _nothing_to_quote(corpus)
    return content


def content_id(content: Content) -> str:
    """Return the digest of ``content`` that a snapshot made of it records."""
    digests = {article.source.id: article_digest(article) for article in content.articles}
    return content_digest(content.info, digests, rules_digest())


def encode(
    records: Sequence[Record],
    encoder: OnnxEncoder,
    progress: Progress = lambda *_: None,
    *,
    cache: Cache | None = None,
) -> dict[str, Vectors]:
    """Encode every searchable sentence and every passage that ``cache`` does not hold; return the vectors by article.

    Raises:
        SnapshotError: the cache cannot be written.
    """
    sentences = {record.article.source.id: _sentences(record) for record in records}
    encoded = _encode_sentences(encoder, [text for own in sentences.values() for text in own], progress, cache)
    known = {text: one.vector for text, one in encoded.items()}
    paragraphs = [text for record in records for text in record.texts]
    vectors = _encode_passages(encoder, paragraphs, known, progress, cache)
    nothing = np.zeros((0, encoder.dim), dtype=np.float32)
    return {
        record.article.source.id: Vectors(
            sentences=np.stack([encoded[text].vector for text in own]) if own else nothing,
            contexts=np.stack([vectors[text] for text in record.texts]) if record.passages else nothing,
            tokens=_tokens([encoded[text] for text in own], encoder.dim),
        )
        for record, own in zip(records, sentences.values(), strict=True)
    }


@lru_cache(maxsize=1)
def rules_digest() -> str:
    """Return a digest of all that decides how a file becomes an article and how that is split."""
    parts = [(files("bot") / name).read_bytes() for name in (*READING, *RULES)]
    return hashlib.sha256(b"\0".join([*parts, version("syntok").encode()])).hexdigest()


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


def _draft(settings: Settings, base: Base | None, model: ModelFolder, cache: Cache) -> Draft:
    seen, fresh = _read(settings.corpus, base, (record_name, vectors_name), cache)
    info = load_library_info(settings.corpus)
    kept = tuple(sorted(seen.keys() - fresh.keys()))
    manifest = _describe(settings, info, seen, fresh, base, model)
    return Draft(info, fresh, kept, base, manifest, model, cache)


def _records(corpus: Path, base: Base | None) -> list[Record]:
    seen, fresh = _read(corpus, base, (record_name,), None)
    return [read_record(base.folder, name) if base and name not in fresh else fresh[name] for name in sorted(seen)]


def _read(
    corpus: Path, base: Base | None, names: Sequence[Name], cache: Cache | None
) -> tuple[Mapping[str, Seen], dict[str, Record]]:
    """Return the files of every article, and those articles that are not in ``base`` as they are, read and split."""
    found = read_changed(corpus, _sound_articles(base, names) if base else {}, notes=cache)
    return found.seen, {record.article.source.id: record for record in _split(found.articles, cache)}


def _base(index: Path, model: ModelFolder | None = None) -> Base | None:
    """Return the snapshot in use when its texts were split, and encoded by ``model``, as they would be now."""
    try:
        folder = current(index)
        manifest = read_manifest(folder)
    except SnapshotError:
        return None
    same = manifest.rules == rules_digest()
    if model is not None:
        same &= (manifest.model_digest, manifest.engine) == (model.digest, ENGINE) and _exported_alike(folder)
    return Base(folder, manifest) if same else None


def _sound_articles(base: Base, names: Sequence[Name]) -> dict[str, Seen]:
    """Return the articles whose files in ``base``, of the kinds ``names``, are what its manifest says."""
    files_of = {article: {name(article) for name in names} for article in base.manifest.seen}
    sound = sound_files(base.folder, base.manifest, (name for own in files_of.values() for name in own))
    return {article: seen for article, seen in base.manifest.seen.items() if files_of[article] <= sound}


def _split(articles: Sequence[Article], cache: Cache | None) -> Iterator[Record]:
    known = cache.passages(articles) if cache else {}
    fresh = {article.source.id: segment(article) for article in articles if article.source.id not in known}
    if cache:
        cache.keep_passages([article for article in articles if article.source.id in fresh], fresh)
    for article in articles:
        name = article.source.id
        yield Record(article, known[name] if name in known else fresh[name])


@contextmanager
def _encoder(index: Path, draft: Draft, progress: Progress) -> Iterator[Path]:
    """Give the folder of the exported model: that of an earlier snapshot, as exporting takes torch and 10 s."""
    if draft.base and sound_files(draft.base.folder, draft.base.manifest, ENCODER_FILES) == ENCODER_FILES:
        yield draft.base.folder / "encoder"
        return
    for earlier in _earlier(index):
        if _fits(earlier, draft.model):
            yield earlier / "encoder"
            return
    progress("Exporting the embedding model", 0, 1)
    sentences = list(
        dict.fromkeys(text for article in draft.manifest.articles for text in _sentences(draft.record(article)))
    )
    with tempfile.TemporaryDirectory(dir=index, prefix=TEMPORARY) as home:
        folder = Path(home) / "encoder"
        try:
            folder.mkdir()
            export_encoder(draft.model, folder, sentences[:: max(1, len(sentences) // COMPARED)])
        except OSError as error:
            raise SnapshotError(
                f"The model cannot be exported to {index}: {error.strerror or error}. {cure(error)} The index in use "
                "is unchanged."
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
    except SnapshotError:
        return False  # a damaged encoder is no source; the export makes a sound one
    return manifest.model_digest == model.digest and _exported_alike(earlier)


def _exported_alike(snapshot: Path) -> bool:
    try:
        about = (snapshot / "encoder" / "encoder.json").read_text(encoding="utf-8")
    except OSError:
        return False
    return f'"export_version": {EXPORT_VERSION},' in about


def _sound(folder: Path) -> Manifest | None:
    """Return the manifest of ``folder`` when it is a whole snapshot of this version, else None."""
    try:
        return verify(folder)
    except SnapshotError:
        return None


def _describe(
    settings: Settings,
    info: LibraryInfo,
    seen: Mapping[str, Seen],
    fresh: Mapping[str, Record],
    base: Base | None,
    model: ModelFolder,
) -> Manifest:
    """Return the manifest of the articles ``seen``: what is said of those not in ``fresh`` is taken from ``base``.

    Raises:
        CorpusError: no article has a sentence that may be quoted.
    """
    names, old = sorted(seen), base.manifest if base else None
    digests = {n: article_digest(fresh[n].article) if n in fresh or old is None else old.articles[n] for n in names}
    sizes = {n: _size(fresh[n]) if n in fresh or old is None else old.sizes[n] for n in names}
    if not any(size.quotable for size in sizes.values()):
        raise _nothing_to_quote(settings.corpus)
    digest = content_digest(info, digests, rules_digest())
    return Manifest(
        id=snapshot_id(model_digest=model.digest, engine=ENGINE, content_digest=digest),
        schema=SCHEMA,
        code_version=__version__,
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        model=settings.model,
        model_digest=model.digest,
        engine=ENGINE,
        articles=digests,
        counts={
            "articles": len(names),
            "passages": sum(size.passages for size in sizes.values()),
            "sentences": sum(size.sentences for size in sizes.values()),
        },
        content_digest=digest,
        rules=rules_digest(),
        seen=dict(seen),
        sizes=sizes,
    )


def _size(record: Record) -> Size:
    quotable = sum(not s.unquotable for passage in record.passages for s in passage.sentences)
    return Size(len(record.passages), len(rows_of(record.passages)), quotable)


def _nothing_to_quote(corpus: Path) -> CorpusError:
    return CorpusError(f"No article in '{corpus}' has a sentence that may be quoted. See: python -m bot check")


def _write(prepared: Prepared, folder: Path) -> frozenset[str]:
    """Write the files of a snapshot into ``folder``; return the names of those that are an older one's, too."""
    draft, base = prepared.draft, prepared.draft.base
    for name in ("articles", "vectors", "encoder"):
        (folder / name).mkdir()
    shared = share(base.folder, folder, draft.shared) if base else frozenset[str]()
    home = prepared.encoder.folder.parent
    linked = share(home, folder, sorted(ENCODER_FILES))
    if base and home == base.folder:
        shared |= linked
    (folder / "library.json").write_bytes(dump(draft.info))
    for article, record in draft.fresh.items():
        (folder / record_name(article)).write_bytes(dump(record, indent=None))
        (folder / vectors_name(article)).write_bytes(vectors_file(prepared.vectors[article]))
    return shared


def _sentences(record: Record) -> list[str]:
    return [record.article.slice(row.sentence.span) for row in rows_of(record.passages)]


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


def _tokens(rows: list[Encoding], dim: int) -> Tokens:
    offsets = np.concatenate([[0], np.cumsum([len(row.tokens) for row in rows])]).astype(np.int64)
    vectors = np.concatenate([np.zeros((0, dim), dtype=np.float16), *(row.tokens for row in rows)])
    return Tokens(vectors, np.concatenate([np.zeros(0, dtype=np.int32), *(row.ids for row in rows)]), offsets)
