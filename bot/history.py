"""The snapshots on disk: list, compare, roll back, prune; and the record of who made which one the current one."""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter, ValidationError

from bot.errors import SnapshotError, cure
from bot.snapshot import (
    TEXTS,
    Manifest,
    activate,
    current,
    read_manifest,
    read_record,
    remove,
    verify,
    verify_quickly,
)

RECORD = "history.jsonl"
Texts = Callable[[Iterable[str]], frozenset[str]]
ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Act:
    """One change of the current snapshot."""

    at: str
    act: str  # "published" or "rolled back"
    snapshot: str
    before: str
    by: str
    why: str


ACT = TypeAdapter(Act)


@dataclass(frozen=True, slots=True)
class Kept:
    """One snapshot on disk. ``fault`` says why it cannot be used; "" for a sound one."""

    id: str
    current: bool
    manifest: Manifest | None
    fault: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What another snapshot has more, less or other: article ids and numbers of passages."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    new_passages: int
    lost_passages: int

    @property
    def empty(self) -> bool:
        """True when both hold the same articles."""
        return not (self.added or self.changed or self.removed)


def record(index: Path, act: str, snapshot: str, before: str, *, by: str, why: str) -> None:
    """Add one line to the record of ``index``."""
    line = Act(datetime.now(UTC).isoformat(timespec="seconds"), act, snapshot, before, by, why)
    path = index / RECORD
    try:
        with path.open("a+b") as stream:
            start = b"" if _ends_well(stream) else b"\n"  # a line cut short must not swallow this one
            stream.write(start + json.dumps(asdict(line)).encode() + b"\n")
    except OSError as error:
        raise SnapshotError(
            f"The snapshot {snapshot} is in use, but {path} could not be written: {error.strerror}. {cure(error)}"
        ) from error


def acts(index: Path) -> list[Act]:
    """Return the record, newest first; a line that a power cut left half written is passed over."""
    path = index / RECORD
    found = []
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        try:
            found.append(ACT.validate_json(line))
        except ValidationError:
            continue
    return found[::-1]


def current_id(index: Path) -> str:
    """Return the id of the current snapshot, "" when there is none."""
    try:
        return current(index).name
    except SnapshotError:
        return ""


def snapshots(index: Path) -> list[Kept]:
    """Return every snapshot of ``index``, newest first."""
    now = current_id(index)
    return sorted((_kept(folder, now) for folder in _folders(index)), key=lambda kept: _age(index, kept), reverse=True)


def roll_back(index: Path, name: str = "", *, by: str = "", why: str = "") -> Manifest:
    """Make the snapshot ``name`` (none: the one that was current before) the current one.

    Raises:
        SnapshotError: there is no such snapshot, or it is damaged; the current one stays, or is the current one again.
    """
    now = current_id(index)
    folder = folder_of(index, name or _before(index, now))
    manifest = verify_quickly(folder, index / now if now else None)
    activate(index, manifest.id)
    try:
        verify(folder)  # readers have it by now; who opens it proves it, too
    except SnapshotError:
        if now:
            activate(index, now)
        raise
    record(index, "rolled back", manifest.id, now, by=by, why=why)
    return manifest


def _before(index: Path, now: str) -> str:
    """Return the snapshot that was current before ``now``."""
    before = [act.before for act in acts(index) if act.snapshot == now and act.before not in ("", now)]
    if not before:
        raise SnapshotError("No earlier snapshot is on record. Name one: python -m bot snapshots list")
    if not (index / before[0]).is_dir():
        raise SnapshotError(
            f"The snapshot before this one, {before[0]}, was pruned. Name another one: python -m bot snapshots list"
        )
    return before[0]


def prune(index: Path, *, keep: int = 3) -> list[str]:
    """Delete all but the ``keep`` newest snapshots and the current one; return the ids of those deleted."""
    kept = snapshots(index)
    old = [one.id for one in kept if not one.current][max(0, keep - 1) :]
    for name in old:
        remove(index / name)
    return old


def folder_of(index: Path, name: str) -> Path:
    """Return the folder of the snapshot whose id is, or begins with, ``name``.

    Raises:
        SnapshotError: none or several do.
    """
    found = [folder.name for folder in _folders(index) if folder.name.startswith(name or "?")]
    if len(found) != 1:
        told = "Several snapshots begin with" if found else "There is no snapshot"
        raise SnapshotError(f"{told} '{name[:40]}' in {index}. See: python -m bot snapshots list")
    return index / found[0]


def differ(index: Path, one: str, other: str) -> Difference:
    """Return what snapshot ``other`` has other than ``one``.

    Raises:
        SnapshotError: one of them is not there or damaged.
    """
    before, after = (folder_of(index, name) for name in (one, other))
    old, new = (verify(folder, TEXTS).articles for folder in (before, after))
    return compare(old, new, partial(passage_texts, before), partial(passage_texts, after))


def compare(before: Mapping[str, str], after: Mapping[str, str], old: Texts, new: Texts) -> Difference:
    """Compare two libraries by their articles' digests.

    ``old`` and ``new`` give the texts of the passages of some articles; they are asked for those that differ only.
    """
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {name for name in after.keys() & before.keys() if after[name] != before[name]}
    lost, gained = old(changed | removed), new(changed | added)
    return Difference(
        added=tuple(sorted(added)),
        changed=tuple(sorted(changed)),
        removed=tuple(sorted(removed)),
        new_passages=len(gained - lost),
        lost_passages=len(lost - gained),
    )


def passage_texts(folder: Path, articles: Iterable[str]) -> frozenset[str]:
    """Return the texts of the passages of ``articles`` of the snapshot in ``folder``.

    Raises:
        SnapshotError: a file cannot be read.
    """
    return frozenset(text for article in articles for text in read_record(folder, article).texts)


def _folders(index: Path) -> list[Path]:
    """Return the folders that are named like a snapshot, whole or not; nothing else in ``index`` is ours."""
    return sorted(path for path in index.glob("*") if ID.fullmatch(path.name) and path.is_dir())


def _age(index: Path, kept: Kept) -> tuple[str, int]:
    """Order by the manifest's time, then by the file's: two may be built within a second. Damaged ones are oldest."""
    try:
        changed = (index / kept.id / "manifest.json").stat().st_mtime_ns
    except OSError:
        changed = 0
    return kept.manifest.built_at if kept.manifest else "", changed


def _ends_well(stream: IO[bytes]) -> bool:
    """Return True when nothing is in ``stream`` or its last byte ends a line."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 1))
    return stream.read(1) in (b"", b"\n")


def _kept(folder: Path, now: str) -> Kept:
    try:
        return Kept(folder.name, folder.name == now, read_manifest(folder), "")
    except SnapshotError as error:
        return Kept(folder.name, folder.name == now, None, str(error))
