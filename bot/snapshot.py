"""One immutable snapshot of the library on disk: written whole, proven by its manifest, switched to atomically."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from bot.errors import SnapshotError
from bot.files import sync_names, write_whole
from bot.types import Article, LibraryInfo, Passage, Source

SCHEMA = 2  # raise when files of a snapshot change their meaning: older snapshots are then refused
CURRENT = "current"
TEMPORARY = ".tmp-"
ASIDE = f"{TEMPORARY}old-"  # a snapshot while another one takes its name
TEXTS = ("articles/", "library.json", "passages.json", "sources.json")
REBUILD = "Run: python -m bot index"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding or a failed question that a person let through when the snapshot was published."""

    what: str
    by: str
    why: str
    on: str  # ISO date


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
    files: Mapping[str, str] = field(default_factory=dict)  # file name -> sha256
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


class Saved(Protocol):
    """Something that writes itself into a folder."""

    def save(self, path: Path) -> None:
        """Write to ``path``."""
        ...


def snapshot_id(*, model_digest: str, engine: str, content_digest: str) -> str:
    """Return the id of the snapshot that these inputs make: the same inputs, the same id."""
    identity = json.dumps([SCHEMA, model_digest, engine, content_digest])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def content_files(content: Content) -> dict[str, bytes]:
    """Return the files that hold ``content``, byte for byte the same for the same content."""
    sources = [article.source for article in content.articles]
    files = {f"articles/{a.source.id}.txt": a.text.encode("utf-8") for a in content.articles}
    files["sources.json"] = dump(sources)
    files["library.json"] = dump(content.info)
    files["passages.json"] = dump(content.passages, indent=None)
    return files


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return one sha256 over the names and contents of ``files``."""
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in sorted(files.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@contextmanager
def writing(index: Path, name: str) -> Any:  # noqa: ANN401 - a generator context manager
    """Give a temporary folder that becomes ``index/name`` when the block ends well and vanishes when it does not.

    Raises:
        SnapshotError: the disk is full or the folder cannot be written; the old snapshot stays as it was.
    """
    temporary = index / f"{TEMPORARY}{name}-{os.getpid()}"
    try:
        index.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        yield temporary
        _sync(temporary)
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


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` (relative name -> bytes) below ``folder``."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of ``folder``, with the sha256 of every other file and of itself."""
    files = {name: _digest(folder / name) for name in _names(folder)}
    (folder / "manifest.json").write_bytes(_manifest_file(replace(manifest, files=files)))


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
    if hashlib.sha256(dump(body)).hexdigest() != digest or not manifest.id == expected == folder.name:
        raise SnapshotError(f"{path} was changed or belongs to another snapshot. {REBUILD} --force")
    return manifest


def verify(folder: Path, parts: tuple[str, ...] = ("",)) -> Manifest:
    """Check every file of a snapshot whose name begins with one of ``parts`` and return the manifest.

    Raises:
        SnapshotError: names the first file that is missing, changed, foreign or unreadable.
    """
    manifest = read_manifest(folder)
    known = {name: digest for name, digest in manifest.files.items() if name.startswith(parts)}
    try:
        names = {name for name in _names(folder) if name.startswith(parts)} - {"manifest.json"}
        if names != known.keys():
            odd = sorted(names ^ known.keys())[0]
            raise SnapshotError(f"{folder / odd} is missing or does not belong there. {REBUILD} --force")
        for name, digest in known.items():
            if _digest(folder / name) != digest:
                raise SnapshotError(f"{folder / name} is damaged: its sha256 is not the manifest's. {REBUILD} --force")
    except OSError as error:
        raise SnapshotError(f"{folder} cannot be read: {error}. {REBUILD} --force") from error
    return manifest


def read_content(folder: Path) -> Content:
    """Read the text side of a snapshot whose ``TEXTS`` are verified.

    Raises:
        SnapshotError: it was deleted or changed meanwhile.
    """
    try:
        return _read_content(folder)
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{folder} cannot be read: {type(error).__name__}. {REBUILD} --force") from error


def _read_content(folder: Path) -> Content:
    sources = TypeAdapter(tuple[Source, ...]).validate_json((folder / "sources.json").read_bytes())
    info = TypeAdapter(LibraryInfo).validate_json((folder / "library.json").read_bytes())
    passages = TypeAdapter(tuple[Passage, ...]).validate_json((folder / "passages.json").read_bytes())
    articles = tuple(Article(s, (folder / "articles" / f"{s.id}.txt").read_bytes().decode("utf-8")) for s in sources)
    return Content(info, articles, passages)


def _names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Have every file on disk before the folder gets its name: a power cut must not leave a hollow snapshot."""
    for name in _names(folder):
        with (folder / name).open("rb") as stream:
            os.fsync(stream.fileno())
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_names(inner)


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
        raise SnapshotError(f"{path} cannot be written: {error.strerror or error}. Free space.") from error


def _manifest_file(manifest: Manifest) -> bytes:
    body = asdict(manifest)
    return dump({**body, "digest": hashlib.sha256(dump(body)).hexdigest()})


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
