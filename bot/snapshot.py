"""One immutable snapshot of the library on disk: written whole, proven by its manifest, switched to atomically."""

import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot.errors import SnapshotError, cure
from bot.files import file_digest, sync_names, write_whole
from bot.types import Article, LibraryInfo, Passage, Seen

SCHEMA = 3  # raise when files of a snapshot change their meaning: older snapshots are then refused
CURRENT = "current"
TEMPORARY = ".tmp-"
ASIDE = f"{TEMPORARY}old-"  # a snapshot while another one takes its name
TEXTS = ("articles/", "library.json")
REBUILD = "Run: python -m bot index"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding or a failed question that a person let through when the snapshot was published."""

    what: str
    by: str
    why: str
    on: str  # ISO date


@dataclass(frozen=True, slots=True)
class Size:
    """How much one article holds: passages, searchable sentences, sentences that may be quoted."""

    passages: int
    sentences: int
    quotable: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds and what made it. ``id`` is a hash of everything that can change an answer."""

    id: str
    schema: int
    code_version: str
    built_at: str
    model: str
    model_digest: str
    engine: str
    articles: Mapping[str, str]  # article id -> sha256 of its text and metadata
    counts: Mapping[str, int]
    content_digest: str
    rules: str = ""  # digest of all that decides how a file becomes an article and how that is split
    seen: Mapping[str, Seen] = field(default_factory=dict)  # the files in the corpus, by article id
    sizes: Mapping[str, Size] = field(default_factory=dict)  # by article id
    files: Mapping[str, str] = field(default_factory=dict)  # file name -> sha256
    sealed: int = 0  # when the files were written and not yet read for their digests, in ns since 1970
    by: str = ""  # who had it built
    why: str = ""
    accepted: tuple[Accepted, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The text side of a library: everything that is not a vector."""

    info: LibraryInfo
    articles: tuple[Article, ...]
    passages: tuple[Passage, ...]

    @property
    def by_id(self) -> dict[str, Article]:
        """Return the articles by their ids."""
        return {article.source.id: article for article in self.articles}


@dataclass(frozen=True, slots=True)
class Record:
    """One article with its passages, as its file in a snapshot holds them."""

    article: Article
    passages: tuple[Passage, ...]

    @property
    def texts(self) -> list[str]:
        """Return the words of each passage."""
        return [self.article.slice(passage.span) for passage in self.passages]


RECORD = TypeAdapter(Record)


def snapshot_id(*, model_digest: str, engine: str, content_digest: str) -> str:
    """Return the id of the snapshot that these inputs make: the same inputs, the same id."""
    identity = json.dumps([SCHEMA, model_digest, engine, content_digest])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def article_digest(article: Article) -> str:
    """Return the digest of an article's text and metadata."""
    return hashlib.sha256(dump((article.source, article.text), indent=None)).hexdigest()


def content_digest(info: LibraryInfo, articles: Mapping[str, str], rules: str) -> str:
    """Return one digest of all texts, metadata and splits: ``articles`` are the digests of the articles by id."""
    return hashlib.sha256(dump((info, dict(articles), rules), indent=None)).hexdigest()


def record_name(article: str) -> str:
    """Return the name of the file that holds the text and the passages of ``article``."""
    return f"articles/{article}.json"


def vectors_name(article: str) -> str:
    """Return the name of the file that holds the vectors of ``article``."""
    return f"vectors/{article}.safetensors"


@contextmanager
def writing(index: Path, name: str, shared: Set[str] = frozenset()) -> Iterator[Path]:
    """Give a temporary folder that becomes ``index/name`` when the block ends well and vanishes when it does not.

    ``shared`` are names of files in it that are on the disk already, as they belong to an older snapshot too.

    Raises:
        SnapshotError: the disk is full or the folder cannot be written; the old snapshot stays as it was.
    """
    temporary = index / f"{TEMPORARY}{name}-{os.getpid()}"
    try:
        index.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        _sync(temporary, shared)
        _rename(temporary, index / name)
    except OSError as error:
        raise SnapshotError(
            f"The index cannot be written to {index}: {error.strerror or error}. Free space or set BOT_INDEX to a "
            "writable folder; the index in use is unchanged."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(index / f"{ASIDE}{name}", ignore_errors=True)


def sweep(index: Path) -> None:
    """Remove what stopped runs left half written. Only under the indexer's lock: nobody else is writing then."""
    for aside in index.glob(f"{ASIDE}*"):
        home = index / aside.name.removeprefix(ASIDE)
        if not home.exists():
            os.replace(aside, home)  # killed between the two renames of a rebuilt snapshot
    for left in index.glob(f"{TEMPORARY}*"):
        shutil.rmtree(left, ignore_errors=True)
    for name in (CURRENT, "manifest.json"):
        for half in index.glob(f".{name}-*"):
            half.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Delete a snapshot: gone at once for readers, and what a stopped removal leaves is swept away by the next run.

    Raises:
        SnapshotError: it cannot be moved or deleted.
    """
    gone = folder.with_name(f"{TEMPORARY}gone-{folder.name}")
    try:
        os.replace(folder, gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise SnapshotError(f"{folder} cannot be deleted: {error.strerror or error}. Check its permissions.") from error


def share(source: Path, target: Path, names: Iterable[str]) -> frozenset[str]:
    """Give the files ``names`` of ``source`` a second name in ``target``, or copy them where links are impossible.

    Return the names of those that were linked.
    """
    linked = set()
    for name in names:
        try:
            os.link(f"{source}/{name}", f"{target}/{name}")
            linked.add(name)
        except OSError:
            shutil.copyfile(source / name, target / name)
    return frozenset(linked)


def sound_files(folder: Path, manifest: Manifest, names: Iterable[str]) -> frozenset[str]:
    """Return those of the files ``names`` that are what the manifest says; those ``untouched`` are not read again.

    After a rollback those that are shared with a newer snapshot look touched: then that one is asked.
    """
    try:
        there = frozenset(_names(folder)).intersection(names)
        sound = _vouched_for(folder, manifest, there, _newest_beside(folder))
        damaged = {n for n, digest in _digests(folder, sorted(there - sound)) if digest != manifest.files.get(n)}
    except OSError:
        return frozenset()
    return there - damaged


def _vouched_for(folder: Path, manifest: Manifest, names: frozenset[str], other: Path | None) -> frozenset[str]:
    """Return those of the files ``names`` that need not be read: untouched, in this snapshot or in ``other``.

    Raises:
        OSError: a file cannot be looked at.
    """
    sound = untouched(folder, manifest, names)
    return sound | (proven_through(folder, manifest, other) & names) if other and sound != names else sound


def _newest_beside(folder: Path) -> Path | None:
    """Return the snapshot beside ``folder`` that was sealed last, None when there is no other."""
    others = [path for path in folder.parent.glob("*/manifest.json") if path.parent != folder]
    return max(others, key=lambda path: path.stat().st_mtime_ns).parent if others else None


def untouched(folder: Path, manifest: Manifest, names: Iterable[str]) -> frozenset[str]:
    """Return those of the files ``names`` that no program changed since ``manifest`` was sealed.

    Their status times tell, and those of their folders: no program can set them back. What a disk spoils by itself is
    found by ``verify`` alone.

    Raises:
        OSError: a file cannot be looked at.
    """
    inner = {os.path.dirname(name) for name in names}
    whole = {place for place in inner if not place or _before(f"{folder}/{place}", manifest.sealed, stat.S_ISDIR)}
    return frozenset(
        name
        for name in names
        if os.path.dirname(name) in whole and _before(f"{folder}/{name}", manifest.sealed, stat.S_ISREG)
    )


def _before(path: str, moment: int, kind: Callable[[int], bool]) -> bool:
    """Return True when ``path`` itself, no link to another, is of ``kind`` and unchanged since ``moment`` (ns)."""
    status = os.lstat(path)
    return kind(status.st_mode) and status.st_ctime_ns <= moment


def proven_through(folder: Path, manifest: Manifest, other: Path) -> frozenset[str]:
    """Return the files of ``folder`` that are shared with the snapshot ``other`` and untouched since its seal.

    To share a file sets its status time: in the older snapshot it looks touched.
    """
    try:
        later = read_manifest(other)
        same = [name for name, digest in manifest.files.items() if later.files.get(name) == digest]
        shared = [name for name in same if os.path.samefile(f"{folder}/{name}", f"{other}/{name}")]
        return untouched(other, later, shared)
    except (OSError, SnapshotError):
        return frozenset()


def seal(folder: Path, manifest: Manifest, known: Mapping[str, str] | None = None) -> None:
    """Write the manifest of ``folder``, with the sha256 of every other file and of itself.

    ``known`` are digests of files that were proven before and are shared with another snapshot.
    """
    known, sealed = known or {}, time.time_ns()
    names = _names(folder)
    files = {**known, **dict(_digests(folder, [name for name in names if name not in known]))}
    (folder / "manifest.json").write_bytes(_manifest_file(replace(manifest, files=files, sealed=sealed)))


def amend(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest of ``folder`` by one that says more about the same files.

    Raises:
        SnapshotError: it cannot be written; the old one is unchanged.
    """
    # A file too many in the folder would make it unsound.
    _replace_file(folder / "manifest.json", _manifest_file(manifest), folder.parent)


def activate(index: Path, name: str) -> None:
    """Make ``index/name`` the current snapshot: readers see the old one or the new one, nothing between."""
    _replace_file(index / CURRENT, f"{name}\n".encode(), index)


def current(index: Path) -> Path:
    """Return the folder of the current snapshot.

    Raises:
        SnapshotError: there is none yet, or the pointer names a folder that is gone.
    """
    pointer = index / CURRENT
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except PermissionError as error:
        raise SnapshotError(f"'{pointer}' cannot be read: {error.strerror}. Check its permissions.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(f"There is no index in '{index}'. {REBUILD}") from error
    if not name or Path(name).name != name or not (index / name).is_dir():
        raise SnapshotError(f"{pointer} names '{name[:80]}', which is not in '{index}'. {REBUILD}")
    return index / name


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of one snapshot (its own digest, schema and id), without reading other files.

    Raises:
        SnapshotError: it is missing, damaged, made by another version, or not the one this folder is named after.
    """
    path = folder / "manifest.json"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        digest = body.pop("digest")
        manifest = TypeAdapter(Manifest).validate_python(body)
    except (OSError, ValueError, KeyError, AttributeError, ValidationError) as error:
        raise SnapshotError(f"{path} is missing or damaged. {REBUILD} --force") from error
    if manifest.schema != SCHEMA:
        raise SnapshotError(f"{folder} was made by version {manifest.code_version} of this program. {REBUILD}")
    expected = snapshot_id(
        model_digest=manifest.model_digest, engine=manifest.engine, content_digest=manifest.content_digest
    )
    if hashlib.sha256(dump(body, indent=None)).hexdigest() != digest or not manifest.id == expected == folder.name:
        raise SnapshotError(f"{path} was changed or belongs to another snapshot. {REBUILD} --force")
    return manifest


def verify(folder: Path, parts: tuple[str, ...] = ("",), *, proven: Set[str] = frozenset()) -> Manifest:
    """Check every file of a snapshot whose name begins with one of ``parts`` and return the manifest.

    Of the files ``proven`` only the names are looked at.

    Raises:
        SnapshotError: names the first file that is missing, changed, foreign or unreadable.
    """
    manifest = read_manifest(folder)
    prove(folder, manifest, _listed(folder, manifest, parts) - proven)
    return manifest


def verify_quickly(folder: Path, other: Path | None) -> Manifest:
    """Check every file of a snapshot, but read only those that were touched since their seal; return the manifest.

    ``other`` is a snapshot that may share files with it.

    Raises:
        SnapshotError: as ``verify`` does.
    """
    manifest = read_manifest(folder)
    names = _listed(folder, manifest)
    try:
        sound = _vouched_for(folder, manifest, names, other)
    except OSError as error:
        raise SnapshotError(f"{folder} cannot be read: {error}. {REBUILD} --force") from error
    prove(folder, manifest, names - sound)
    return manifest


def _listed(folder: Path, manifest: Manifest, parts: tuple[str, ...] = ("",)) -> frozenset[str]:
    """Return the names of the manifest's files that begin with one of ``parts``.

    Raises:
        SnapshotError: one is missing, or another file lies there.
    """
    known = frozenset(name for name in manifest.files if name.startswith(parts))
    names = {name for name in _names(folder) if name.startswith(parts)} - {"manifest.json"}
    if names != known:
        odd = sorted(names ^ known)[0]
        raise SnapshotError(f"{folder / odd} is missing or does not belong there. {REBUILD} --force")
    return known


def prove(folder: Path, manifest: Manifest, names: Iterable[str]) -> None:
    """Check the files ``names`` of a snapshot.

    Raises:
        SnapshotError: names the first file that is missing, changed or unreadable.
    """
    try:
        for name, digest in _digests(folder, sorted(names)):
            if digest != manifest.files.get(name):
                raise SnapshotError(f"{folder / name} is damaged: its sha256 is not the manifest's. {REBUILD} --force")
    except OSError as error:
        raise SnapshotError(f"{folder} cannot be read: {error}. {REBUILD} --force") from error


def read_content(folder: Path) -> Content:
    """Read the text side of a snapshot whose ``TEXTS`` are verified.

    Raises:
        SnapshotError: it was deleted or changed meanwhile.
    """
    try:
        info = TypeAdapter(LibraryInfo).validate_json((folder / "library.json").read_bytes())
        articles = sorted(path.stem for path in (folder / "articles").iterdir())
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{folder} cannot be read: {type(error).__name__}. {REBUILD} --force") from error
    return content_of(info, (read_record(folder, article) for article in articles))


def read_record(folder: Path, article: str) -> Record:
    """Read one article of a snapshot whose ``TEXTS`` are verified.

    Raises:
        SnapshotError: it was deleted or changed meanwhile.
    """
    path = folder / record_name(article)
    try:
        return RECORD.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{path} cannot be read: {type(error).__name__}. {REBUILD} --force") from error


def content_of(info: LibraryInfo, records: Iterable[Record]) -> Content:
    """Put a content together from its articles."""
    records = tuple(records)
    passages = tuple(passage for record in records for passage in record.passages)
    return Content(info, tuple(record.article for record in records), passages)


def _names(folder: Path) -> list[str]:
    start = len(os.fspath(folder)) + 1
    return sorted(os.path.join(at, name)[start:] for at, _, names in os.walk(folder) for name in names)


def _digests(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each name and the sha256 of its file; several files are read at once, as gigabytes take seconds."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from zip(names, pool.map(lambda name: file_digest(folder / name), names), strict=True)


def _sync(folder: Path, shared: Set[str]) -> None:
    """Have every file on disk before the folder gets its name: a power cut must not leave a hollow snapshot."""
    for name in (name for name in _names(folder) if name not in shared):
        with (folder / name).open("rb") as stream:
            os.fsync(stream.fileno())
    for at, _, _ in os.walk(folder):
        sync_names(Path(at))


def _rename(temporary: Path, home: Path) -> None:
    """Give ``temporary`` its name; a snapshot of that name is moved aside, so that it is never half deleted."""
    if home.exists():
        aside = home.with_name(f"{ASIDE}{home.name}")
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(home, aside)
    try:
        os.replace(temporary, home)
    except OSError:
        sweep(home.parent)  # puts the old one back
        raise
    sync_names(home.parent)


def _replace_file(path: Path, data: bytes, folder: Path) -> None:
    try:
        write_whole(path, data, folder=folder)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be written: {error.strerror or error}. {cure(error)}") from error


def _manifest_file(manifest: Manifest) -> bytes:
    body = {part.name: getattr(manifest, part.name) for part in fields(manifest)}
    return dump({**body, "digest": hashlib.sha256(dump(body, indent=None)).hexdigest()}, indent=None)


def dump(value: object, *, indent: int | None = 1) -> bytes:
    """Return ``value`` as JSON, byte for byte the same for the same value. Without ``indent`` ten times faster."""
    text = json.dumps(value, default=_plain, ensure_ascii=False, indent=indent, sort_keys=True)
    return text.encode("utf-8", errors="surrogatepass")


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written to a snapshot")
