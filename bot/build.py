"""Re-index: corpus folder -> one new snapshot, verified before it becomes the current one."""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bot import __version__
from bot.corpus import load_corpus, load_library_info
from bot.embed import OnnxEncoder
from bot.errors import CorpusError, SnapshotError
from bot.interfaces import Matrix
from bot.late import TokenStore
from bot.lexical import Lexical
from bot.library import Engines, open_library, row_terms, rows_of
from bot.model import EXPORT_VERSION, ModelFolder, export_encoder, find_model
from bot.segment import segment
from bot.settings import Settings
from bot.snapshot import (
    SCHEMA,
    Content,
    Manifest,
    activate,
    content_files,
    digest_of,
    read_manifest,
    seal,
    snapshot_id,
    verify,
    write_files,
    writing,
)
from bot.types import Kind
from bot.vectors import make_engine

ENGINE = "faiss"
CHUNK = 128  # sentences between two steps of the progress bar
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What a run of the indexer did. ``fresh`` is False when the snapshot was there already."""

    manifest: Manifest
    folder: Path
    fresh: bool


def build_index(settings: Settings, *, force: bool = False, progress: Progress = lambda *_: None) -> Built:
    """Build the snapshot of the corpus, prove it by opening it, and make it the current one.

    Raises:
        CorpusError, ModelError, SnapshotError: each says what to do; the current snapshot then stays in use.
    """
    progress("Reading articles", 0, 1)
    content = read_corpus(settings.corpus)
    model = find_model(settings.model)
    files = content_files(content)
    manifest = _describe(settings, content, model, digest_of(files))
    folder = settings.index / manifest.id
    fresh = force or not _is_sound(folder)
    if fresh:
        with writing(settings.index, manifest.id) as temporary:
            write_files(temporary, files)
            _encode(temporary, content, model, settings, progress)
            seal(temporary, manifest)
    verify(folder)
    activate(settings.index, manifest.id)
    open_library(settings.index, model=settings.model)
    return Built(read_manifest(folder), folder, fresh)


def read_corpus(corpus: Path) -> Content:
    """Read and split every article of ``corpus``.

    Raises:
        CorpusError: a file is wrong, or no article has a sentence that may be quoted.
    """
    articles = load_corpus(corpus)
    passages = tuple(passage for article in articles for passage in segment(article))
    if not any(s.kind is Kind.BODY for passage in passages for s in passage.sentences):
        raise CorpusError(f"No article in '{corpus}' has a sentence that may be quoted. See: python -m bot check")
    return Content(load_library_info(corpus), articles, passages)


def content_id(content: Content) -> str:
    """Return the digest of ``content`` that a snapshot made of it records."""
    return digest_of(content_files(content))


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
        articles={a.source.id: hashlib.sha256(a.text.encode()).hexdigest() for a in content.articles},
        counts={"articles": len(content.articles), "passages": len(content.passages), "sentences": len(rows)},
        content_digest=content_digest,
    )


def _is_sound(folder: Path) -> bool:
    try:
        verify(folder)
    except SnapshotError:
        return False
    return True


def _encode(folder: Path, content: Content, model: ModelFolder, settings: Settings, progress: Progress) -> None:
    _place_encoder(folder / "encoder", model, settings.index, _sentences(content), progress)
    engines = make_engines(content, OnnxEncoder(folder / "encoder", threads=os.cpu_count() or 1), progress)
    for name in ("lexical", "tokens"):
        (folder / name).mkdir()
    engines.sentences.save(folder / "sentences.index")
    engines.contexts.save(folder / "contexts.index")
    engines.lexical.save(folder / "lexical")
    engines.tokens.save(folder / "tokens")


def make_engines(content: Content, encoder: OnnxEncoder, progress: Progress = lambda *_: None) -> Engines:
    """Encode every sentence and passage of ``content`` and build the four engines over them."""
    articles = {article.source.id: article for article in content.articles}
    sentences = _sentences(content)
    paragraphs = [articles[p.span.article].slice(p.span) for p in content.passages]
    vectors, tokens = _documents(encoder, sentences, "Encoding sentences", progress)
    contexts, _ = _documents(encoder, paragraphs, "Encoding passages", progress)
    stems = [
        row_terms(row, content.passages[row.passage], articles[row.sentence.span.article])
        for row in rows_of(content.passages)
    ]
    return Engines(
        sentences=make_engine(ENGINE, vectors),
        contexts=make_engine(ENGINE, contexts),
        lexical=Lexical(stems),
        tokens=TokenStore.build(tokens, encoder.token_ids(sentences)),
    )


def _sentences(content: Content) -> list[str]:
    articles = {article.source.id: article for article in content.articles}
    return [articles[r.sentence.span.article].slice(r.sentence.span) for r in rows_of(content.passages)]


def _documents(encoder: OnnxEncoder, texts: list[str], stage: str, progress: Progress) -> tuple[Matrix, list[Matrix]]:
    vectors, tokens = [], []
    for start in range(0, len(texts), CHUNK):
        progress(stage, start, len(texts))
        batch, per_text = encoder.documents(texts[start : start + CHUNK])
        vectors.append(batch)
        tokens.extend(per_text)
    progress(stage, len(texts), len(texts))
    return np.concatenate(vectors), tokens


def _place_encoder(folder: Path, model: ModelFolder, index: Path, sentences: list[str], progress: Progress) -> None:
    """Reuse the encoder of an earlier sound snapshot of the same model: exporting needs torch and ten seconds."""
    folder.mkdir()
    for earlier in sorted(index.glob("*/manifest.json")):
        if _reuse(earlier.parent, folder, model):
            return
    progress("Exporting the embedding model", 0, 1)
    export_encoder(model, folder, sentences)


def _reuse(earlier: Path, folder: Path, model: ModelFolder) -> bool:
    try:
        manifest = verify(earlier)
    except SnapshotError:
        return False  # a damaged snapshot is no source; the export below makes a sound one
    about = (earlier / "encoder" / "encoder.json").read_text(encoding="utf-8")
    if manifest.model_digest != model.digest or f'"export_version": {EXPORT_VERSION},' not in about:
        return False
    for name in ("encoder.json", "model.onnx", "tokenizer.json"):
        shutil.copyfile(earlier / "encoder" / name, folder / name)
    return True
