"""A new file -> an article under review: its text, the original beside it, a sidecar that claims nothing unknown."""

import hashlib
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import tomlkit

from bot.corpus import LIBRARY, SLUG, changing, load_corpus
from bot.errors import CorpusError, cure
from bot.extract import SUFFIXES, Extract, ExtractError, extract, extract_all
from bot.ocr import recognised

LONGEST_NAME = 80
READ_OFF = "words of scanned pages were read off pictures: compare each with the original, numbers above all"
TEXT = ".txt"  # kept as it is: it needs no original beside it
HOW_TO_APPROVE = (
    'To quote it: status = "approved", approved_by = "...", approved_on = 2026-01-31. When a clinician has',
    'checked it: reviewer = "...", reviewed_on = 2026-01-31.',
)
DAY_WITH_TIME = re.compile(r"(?<=^\d{4}-\d\d-\d\d)[T ]\d\d:.*$")
KEPT_AS = {".md": ".markdown"}  # a .md file in the corpus is an article
# Hidden folders in the corpus: an article that is being written, and a whole one that is being put in its place.
WRITING, READY = ".adding", ".added"


@dataclass(frozen=True, slots=True)
class Added:
    """One file that became an article: its id, and what a person should look at."""

    file: Path
    article: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """One file that did not, and why."""

    file: Path
    reason: str


def add_files(paths: list[Path], corpus: Path, *, ocr: bool = False) -> Iterator[Added | Refused]:
    """Take every file of ``paths`` (folders: all files below them) into ``corpus``; none is passed over in silence.

    An article comes whole or not at all. What a killed run left half-way is finished first. With ``ocr`` the words of
    scanned pages of a PDF are read off their pictures.

    Raises:
        CorpusError: the corpus folder is wrong or cannot be written.
    """
    _make(corpus)
    with changing(corpus):
        _finish(corpus)
        known = _known(corpus)
    found = [item for path in paths for item in _files(path)]
    for item in found:
        if isinstance(item, Refused):
            yield item
    for file, found_text in _extracts([item for item in found if isinstance(item, Path)], ocr=ocr):
        if isinstance(found_text, ExtractError):
            yield Refused(file, str(found_text).removeprefix(f"{file} "))
            continue
        with changing(corpus):
            if {path.stem for path in corpus.glob("*.toml") if path.name != LIBRARY} != set(known.values()):
                known = _known(corpus)  # another run adds, too
            yield _add(file, found_text, corpus, known)


def article_id(name: str) -> str:
    """Return the id made of a file's name: lower case, a-z, 0-9 and '-'."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_NAME].strip("-")


def sidecar_text(extract: Extract, *, text_sha256: str, title: str, original: str | None, original_sha256: str) -> str:
    """Return the sidecar of a new article: what the file itself says, and status ``review``."""
    document = tomlkit.document()
    stated = tomlkit.item(title)
    if title != _line(extract.title or ""):
        stated.comment("the file's name; the file states no title")
    document.add("title", stated)
    for name in ("publisher", "author", "published", "url"):
        value = _fact(name, getattr(extract, name))
        if value:
            document.add(name, tomlkit.item(value))
        else:
            document.add(tomlkit.comment(f'{name} = "..."   (the file does not say; leave it out if you do not know)'))
    document.add(tomlkit.comment("sells_treatment = true   (when the publisher offers what the article is about)"))
    document.add(tomlkit.comment('licence = "..."   (why you may show it)'))
    document.add("sha256", tomlkit.item(text_sha256))
    if original:
        document.add("original", tomlkit.item(original))
        document.add("original_sha256", tomlkit.item(original_sha256))
    if extract.pages:
        document.add("pages", tomlkit.item(list(extract.pages)))
    if extract.ocr:
        document.add("ocr", tomlkit.item(True).comment("read off scanned pages: compare every word with the original"))
    review = tomlkit.table()
    review.add("status", "review")
    document.add(tomlkit.nl())
    for line in HOW_TO_APPROVE:
        document.add(tomlkit.comment(line))
    document.add("review", review)
    return tomlkit.dumps(document)


def _extracts(files: list[Path], *, ocr: bool) -> Iterator[tuple[Path, Extract | ExtractError]]:
    scans = [file for file in files if ocr and file.suffix.lower() == ".pdf"]
    yield from extract_all(file for file in files if file not in scans)
    for scan in scans:
        try:
            with recognised(scan) as copy:
                found = extract(copy)
                yield scan, replace(found, warnings=(READ_OFF, *found.warnings), ocr=True)
        except ExtractError as error:
            yield scan, error


def _files(root: Path) -> Iterator[Path | Refused]:
    """Yield each file of ``root``, or why it is not taken; below a folder, links and hidden things are refused."""
    waiting = [root]
    while waiting:
        path = waiting.pop()
        try:
            reason = "" if path is root else _passed_over(path)
            if not reason and stat.S_ISDIR(path.stat().st_mode):
                children = sorted(path.iterdir(), reverse=True)
                waiting += children
                reason = "" if children else "is a folder without files."
                if not reason:
                    continue
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {getattr(error, 'strerror', None) or error}. Check its name and permissions."
        if not reason and path.suffix.lower() not in SUFFIXES:
            reason = f"'{path.suffix or 'no suffix'}' is not read. Use {', '.join(sorted(SUFFIXES))}."
        yield Refused(path, reason) if reason else path


def _passed_over(path: Path) -> str:
    if path.name.startswith("."):
        return "is hidden. If it is an article, name it: python -m bot add FILE"
    return "is a link. If it leads to an article, name it: python -m bot add FILE" if path.is_symlink() else ""


def _make(corpus: Path) -> None:
    try:
        corpus.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CorpusError(f"The corpus folder '{corpus}' cannot be made: {error.strerror}. Set BOT_CORPUS.") from error


def _known(corpus: Path) -> dict[str, str]:
    """Return what is there already: digest of text or original -> article id."""
    found: dict[str, str] = {}
    for article in load_corpus(corpus, may_be_empty=True):
        digests = (article.source.sha256, article.source.original_sha256)
        found |= {digest: article.source.id for digest in digests if digest}
    return found


def _add(file: Path, extract: Extract, corpus: Path, known: dict[str, str]) -> Added | Refused:
    name, suffix = article_id(file.stem), file.suffix.lower()
    text = extract.text.encode("utf-8")
    try:
        data = file.read_bytes()
    except OSError as error:
        return Refused(file, f"cannot be read any more: {error.strerror}.")
    text_sha, data_sha = (hashlib.sha256(part).hexdigest() for part in (text, data))
    refused = _not_new(name, (text_sha, data_sha), corpus, known)
    if refused:
        return Refused(file, refused)
    original = None if suffix == TEXT else f"{name}{KEPT_AS.get(suffix, suffix)}"
    title = _line(extract.title or "") or _line(re.sub(r"[-_]+", " ", file.stem)) or name
    sidecar = sidecar_text(extract, text_sha256=text_sha, title=title, original=original, original_sha256=data_sha)
    parts = {f"{name}{TEXT}": text} | ({original: data} if original else {})
    try:
        _write(corpus, {**parts, f"{name}.toml": sidecar.encode("utf-8")})
    except _Unsound as error:
        return Refused(file, f"does not make a sound article: {error}")
    known |= dict.fromkeys((text_sha, data_sha), name)
    return Added(file, name, extract.warnings)


def _not_new(name: str, digests: tuple[str, str], corpus: Path, known: Mapping[str, str]) -> str:
    """Return why no article ``name`` can be made, "" when it can."""
    twin = next((known[digest] for digest in digests if digest in known), None)
    if twin:
        return f"holds the same text as the article '{twin}'. Nothing was added."
    if not SLUG.fullmatch(name):
        return "its name gives no id. Rename it to words of a-z and 0-9."
    if f"{name}.toml" == LIBRARY:
        return f"its name is that of {LIBRARY}, which describes the collection. Rename it."
    if (corpus / f"{name}.toml").exists():
        return f"there is an article '{name}' already. Rename the file, or remove the old article first."
    return ""


class _Unsound(CorpusError):
    """What was written does not read as an article."""


def _write(corpus: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of one article beside the corpus, prove that they read, then move them in, the sidecar last."""
    writing, ready = corpus / WRITING, corpus / READY
    try:
        writing.mkdir()
        for name, data in files.items():
            (writing / name).write_bytes(data)
        _prove(writing)
        os.rename(writing, ready)
        _finish(corpus)
    except OSError as error:
        raise CorpusError(f"The article cannot be written into {corpus}: {error.strerror}. {cure(error)}") from error
    finally:
        shutil.rmtree(writing, ignore_errors=True)


def _prove(folder: Path) -> None:
    try:
        load_corpus(folder)
    except CorpusError as error:
        raise _Unsound(str(error).replace(f"{folder}/", "")) from error


def _finish(corpus: Path) -> None:
    """Put the article that lies ready in its place, unless a person put another one there; drop a half-written one."""
    writing, ready = corpus / WRITING, corpus / READY
    try:
        if writing.exists():
            shutil.rmtree(writing)
        if not ready.exists():
            return
        parts = sorted(ready.iterdir(), key=lambda path: path.suffix == ".toml")
        if not any((corpus / part.name).exists() for part in parts):
            for part in parts:
                os.rename(part, corpus / part.name)
        shutil.rmtree(ready)
    except OSError as error:
        raise CorpusError(f"{corpus} cannot be changed: {error.strerror}. Check its permissions.") from error


def _fact(name: str, value: str | None) -> str:
    """Return what the file says, as it may be written; "" for nothing, or an address that is none or was cut.

    Of a date with a time, as web pages hold it, the day is kept: nobody reads "2024-05-02T09:30:00+00:00".
    """
    line = _line(value or "")
    if name == "published":
        return DAY_WITH_TIME.sub("", line)
    return line if name != "url" or (line == value and re.fullmatch(r"https?://[^\s<>\"']+", line)) else ""


def _line(value: str) -> str:
    """Return ``value`` as one line without control characters, at most 500 characters."""
    kept = "".join(c if c.isprintable() else " " for c in value)
    return re.sub(r"\s+", " ", kept).strip()[:500].strip()
