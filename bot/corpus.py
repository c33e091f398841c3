"""The corpus folder -> checked articles: every text has a sidecar, every sidecar a text, every field a meaning."""

import fcntl
import hashlib
import os
import re
import threading
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.digests import FileDigests, line_of, read_bytes
from bot.errors import CorpusError
from bot.interfaces import Notes
from bot.readers import READERS
from bot.types import Article, Kind, LibraryInfo, Override, Pin, Review, ReviewStatus, Seen, Source, Tag

LIBRARY, QUESTIONS = "library.toml", "questions.jsonl"
SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
TOLD = 10  # articles that are wrong
ATTEMPTS = 3  # to read an article that somebody is changing
LONGEST_ID = 200  # characters: the names of its files in an index are longer, and a disk takes 255
FOLDERS = frozenset({"lost+found"})  # made by the file system where the corpus is a disk of its own
MENDS = "If an add was stopped half-way, run it again."
Model = TypeVar("Model", bound=BaseModel)
_turn, _held = threading.RLock(), set[Path]()


def _visible(value: str) -> str:
    if CONTROL.search(value):
        raise ValueError("holds a control or invisible character")
    return value


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>\"']+", value):
        raise ValueError("is not an http or https address")
    return value


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_visible)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OverrideModel(_Strict):
    """One ``[[override]]`` of a sidecar. The words are the article's, so they are taken as they stand."""

    words: Annotated[str, StringConstraints(min_length=1)]
    reason: Words
    by: Words
    kind: Kind | None = None
    tags: list[Tag] | None = None


class PinModel(_Strict):
    """One ``[[pin]]`` of a sidecar: for ``question`` and near wordings ``words`` of the article are quoted first."""

    question: Words
    words: Annotated[str, StringConstraints(min_length=1)]
    by: Words


class ReviewModel(_Strict):
    """The ``[review]`` table of a sidecar."""

    status: ReviewStatus
    approved_by: Words | None = None
    approved_on: date | None = None
    reviewer: Words | None = None
    reviewed_on: date | None = None


class SidecarModel(_Strict):
    """``<article>.toml``: where an article comes from. Unknown facts are left out, never guessed."""

    title: Words
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    review: ReviewModel
    publisher: Words | None = None
    author: Words | None = None
    published: Words | None = None
    url: Annotated[Words, AfterValidator(_web_address)] | None = None
    sells_treatment: bool | None = None
    licence: Words | None = None
    original: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]{0,199}$")] | None = None
    original_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    pages: list[int] = Field(default_factory=list)
    ocr: bool = False
    override: list[OverrideModel] = Field(default_factory=list)
    pin: list[PinModel] = Field(default_factory=list)


class LibraryModel(_Strict):
    """``library.toml``: the collection's title and the questions suggested to patients."""

    title: Words
    suggestions: list[Words] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What lies in a corpus folder: the files of every article, by its id, and the articles that had to be read."""

    seen: Mapping[str, Seen]
    articles: tuple[Article, ...]


def load_corpus(folder: Path, *, may_be_empty: bool = False) -> tuple[Article, ...]:
    """Read every article of ``folder`` with its sidecar, sorted by id.

    Raises:
        CorpusError: as for ``read_changed``.
    """
    return read_changed(folder, {}, may_be_empty=may_be_empty).articles


def read_changed(
    folder: Path, known: Mapping[str, Seen], *, notes: Notes | None = None, may_be_empty: bool = False
) -> Corpus:
    """Read the articles of ``folder`` whose files are not those in ``known`` (by article id), sorted by id.

    With ``notes`` a file that no program touched since its digest was noted is not read for it again.

    Raises:
        CorpusError: a line for each article that is wrong, ten at most: the file, what was found and what to do.
    """
    files = _files(folder)
    pairs = _pairs(files)
    if not pairs and not may_be_empty:
        raise CorpusError(f"'{folder}' holds no article. Put a .txt file and its .toml sidecar into it.")
    digests = FileDigests(files, notes)
    seen: dict[str, Seen] = {}
    articles: list[Article] = []
    wrong: list[str] = []
    for name, (path, sidecar) in sorted(pairs.items()):
        try:
            if name in known and _unchanged(path, sidecar, known[name], digests):
                seen[name] = known[name]
                continue
            article, seen[name] = _read_at_once(path, sidecar, digests)
            articles.append(article)
        except CorpusError as error:  # a person mends them all at once, not one a run
            wrong.append(str(error))
    digests.note()
    if wrong:
        raise CorpusError("\n".join(wrong[:TOLD] + ([f"And {len(wrong) - TOLD} more."] if len(wrong) > TOLD else [])))
    _check_leftovers(files, {one.original for one in seen.values()})
    return Corpus(seen, tuple(articles))


def _unchanged(path: Path, sidecar: Path, before: Seen, digests: FileDigests) -> bool:
    """Return True when the article's files are those of ``before``."""
    lines = digests.of([path, sidecar, *([path.with_name(before.original)] if before.original else [])])
    return lines is not None and before.key == _key(lines)


def _read_at_once(path: Path, sidecar: Path, digests: FileDigests) -> tuple[Article, Seen]:
    """Read an article whose files nobody changes meanwhile: the key must be that of the very bytes that were read."""
    for _ in range(ATTEMPTS):
        data = read_bytes(sidecar)
        before = [digests.read(path), line_of(hashlib.sha256(data).hexdigest(), sidecar)]
        article = read_article(path, sidecar, instead=data)  # its text is the one whose sha256 stands in ``data``
        if before == [digests.read(path), digests.read(sidecar)]:
            source = article.source
            if source.original and source.original_sha256:
                original = path.with_name(source.original)
                digests.found(original, source.original_sha256)  # ``read_article`` has compared them
                before.append(line_of(source.original_sha256, original))
            return article, Seen(_key(before), source.original)
    raise CorpusError(f"{path} or its sidecar is being changed while it is read. Run it again when that is done.")


def _key(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", errors="surrogateescape")).hexdigest()


def _pairs(files: list[Path]) -> dict[str, tuple[Path, Path]]:
    """Return text and sidecar of each article, by its id."""
    sidecars = {p.stem: p for p in files if p.suffix == ".toml" and p.name != LIBRARY}
    pairs: dict[str, tuple[Path, Path]] = {}
    for path in (p for p in files if p.suffix.lower() in READERS):
        if path.stem in pairs:
            raise CorpusError(f"{path} has the name of another article. Give each article a name of its own.")
        if path.stem not in sidecars:
            sidecar = path.with_suffix(".toml")
            raise CorpusError(f"{path} has no sidecar. Write {sidecar}; README.md shows how. {MENDS}")
        pairs[path.stem] = (path, sidecars[path.stem])
    lost = sorted(sidecars.keys() - pairs.keys())
    if lost:
        raise CorpusError(f"{sidecars[lost[0]]} describes no article. Add the text beside it, or remove it.")
    return pairs


def load_library_info(folder: Path) -> LibraryInfo:
    """Read ``library.toml``; without one the collection is called "Health articles" and suggests nothing.

    Raises:
        CorpusError: the file is there and wrong.
    """
    path = folder / LIBRARY
    if not path.exists():
        return LibraryInfo("Health articles")
    model = _parse(path, LibraryModel)
    return LibraryInfo(model.title, tuple(model.suggestions))


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Let no other thread or process change ``folder`` during the block; wait for the one that does.

    A block within a block holds the same lock. The system takes it back when its holder dies, and no file is left.

    Raises:
        CorpusError: the folder cannot be opened or locked.
    """
    with _turn:
        if folder in _held:
            yield
            return
        with _locked(folder):
            _held.add(folder)
            try:
                yield
            finally:
                _held.discard(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CorpusError(f"The corpus folder '{folder}' cannot be opened: {error.strerror}.") from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise CorpusError(
            f"The corpus folder '{folder}' cannot be locked: {error.strerror}. Use a folder on a disk of this machine."
        ) from error


def _check_leftovers(files: list[Path], originals: Set[str | None]) -> None:
    """Refuse a file that belongs to nothing: it was meant to be an article, and must not be passed over in silence."""
    for path in files:
        known = path.suffix.lower() in READERS or path.suffix == ".toml" or path.name in (QUESTIONS, *originals)
        if not known:
            raise CorpusError(
                f"{path} belongs to no article. Take its text in with: python -m bot add FILE (from outside this "
                f"folder), or remove it. {MENDS}"
            )


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            entries = sorted((e for e in found if not e.name.startswith(".") and e.name not in FOLDERS), key=_name)
    except OSError as error:
        raise CorpusError(
            f"The corpus folder '{folder}' cannot be read: {error.strerror}. Create it or set BOT_CORPUS."
        ) from error
    for entry in entries:
        path = entry.path
        if _is(entry.is_dir):
            raise CorpusError(f"{path} is a folder: articles lie side by side. Move it out, then: python -m bot add")
        if not _is(entry.is_file):
            raise CorpusError(f"{path} is no file, or a link to one that is gone. Put the file there, or remove it.")
    return [folder / entry.name for entry in entries]


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link that leads to itself
        return False


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def read_article(path: Path, sidecar: Path, *, instead: bytes | None = None) -> Article:
    """Read one article with its sidecar; ``instead`` is read in place of what the sidecar holds.

    Raises:
        CorpusError: one line naming the file, what was found and what to do.
    """
    _check_id(path)
    data = read_bytes(path)
    model = _parse(sidecar, SidecarModel, instead)
    digest = hashlib.sha256(data).hexdigest()
    if digest != model.sha256:
        raise CorpusError(
            f"{path} is not the article its sidecar describes: sha256 is {digest}, not {model.sha256}. "
            f"If the change is wanted, review it and put the new sha256 into {sidecar}."
        )
    try:
        text = READERS[path.suffix.lower()](data)
    except CorpusError as error:
        raise CorpusError(f"{path} {error}") from error
    for override in model.override:
        _check_override(override, text, sidecar)
    for pin in model.pin:
        _check_words(pin.words, "pinned", text, sidecar)
    if model.pages and (model.pages[0] != 0 or model.pages != sorted(model.pages) or model.pages[-1] > len(text)):
        raise CorpusError(f"{sidecar}: 'pages' are no offsets into the text. Add the original again: python -m bot add")
    if model.original:
        _check_original(path.with_name(model.original), model.original_sha256, sidecar)
    return Article(_source(path, model), text)


def _check_id(path: Path) -> None:
    if not SLUG.fullmatch(path.stem):
        raise CorpusError(f"{path}: a name may hold a-z, 0-9, '-' and '_' only. Rename the article and its sidecar.")
    if len(path.stem) > LONGEST_ID:
        raise CorpusError(f"{path}: a name may have {LONGEST_ID} characters. Rename the article and its sidecar.")


def _source(path: Path, model: SidecarModel) -> Source:
    return Source(
        id=path.stem,
        file=path.name,
        sha256=model.sha256,
        title=model.title,
        publisher=model.publisher,
        author=model.author,
        published=model.published,
        url=model.url,
        sells_treatment=model.sells_treatment,
        licence=model.licence,
        original=model.original,
        original_sha256=model.original_sha256,
        pages=tuple(model.pages),
        ocr=model.ocr,
        pins=tuple(Pin(p.question, p.words, p.by) for p in model.pin),
        review=Review(**model.review.model_dump()),
        overrides=tuple(
            Override(o.words, o.reason, o.by, o.kind, None if o.tags is None else tuple(o.tags)) for o in model.override
        ),
    )


def _check_original(path: Path, sha256: str | None, sidecar: Path) -> None:
    if not path.is_file():
        raise CorpusError(f"{sidecar}: the original {path.name} is not beside it. Put it back, or drop 'original'.")
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise CorpusError(f"{path} is a link that leads out of the corpus folder. Put the file itself there.")
    if hashlib.sha256(read_bytes(path)).hexdigest() != sha256:
        raise CorpusError(
            f"{path} is not the file that the article's text was taken from. Put the old one back, or take the new "
            "one in under a new name: python -m bot add"
        )


def _check_override(override: OverrideModel, text: str, sidecar: Path) -> None:
    _check_words(override.words, "override", text, sidecar)
    if override.kind is None and override.tags is None:
        shown = override.words[:60]
        raise CorpusError(f"{sidecar}: the override of '{shown}' decides nothing. Give it a kind or tags.")


def _check_words(words: str, what: str, text: str, sidecar: Path) -> None:
    found = text.count(words)
    if found != 1:
        cure = "Copy the words exactly from the article." if not found else "Use more of the sentence."
        raise CorpusError(f"{sidecar}: the {what} words '{words[:60]}' occur {found} times in the article. {cure}")


def _parse(path: Path, model: type[Model], instead: bytes | None = None) -> Model:
    try:
        return model.model_validate(tomllib.loads((read_bytes(path) if instead is None else instead).decode("utf-8")))
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except ValidationError as error:
        # A misspelt field is also a missing one: the misspelling is the better news.
        first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        raise CorpusError(f"{path}: {_explain(first, model)}") from error
    except (ValueError, RecursionError) as error:  # also for numbers and nesting that no sidecar needs
        raise CorpusError(f"{path} is not TOML: {error}. Compare it with another sidecar.") from error


def _explain(item: Any, model: type[BaseModel]) -> str:  # noqa: ANN401 - pydantic's own mapping
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {"review": ReviewModel, "override": OverrideModel, "pin": PinModel}
        owner = tables.get(str(item["loc"][0]), model) if len(item["loc"]) > 1 else model
        return f"unknown field '{where}'. Known: {', '.join(sorted(owner.model_fields))}."
    if item["type"] == "missing":
        return f"the field '{where}' is missing. Add it; README.md shows a whole sidecar."
    return f"'{where}' is {str(item['input'])[:60]!r}: {item['msg']}. Correct it."
