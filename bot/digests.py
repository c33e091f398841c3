"""The digests of the files of a folder: what no program touched since it was read is not read again."""

import hashlib
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from bot.errors import CorpusError
from bot.interfaces import Notes

QUIET = 2_000_000_000  # ns: two changes of a file within this time may leave the same times on some disks


class FileDigests:
    """The sha256 of the files of a corpus; what the notes say of one is true as long as its status is the same.

    Whatever a program does to a file sets the time of its status anew, and no program can set that back.
    """

    def __init__(self, files: Sequence[Path], notes: Notes | None) -> None:
        """Take the status of ``files``, which are all those of one folder."""
        self._notes, self._fresh = notes, dict[str, bytes]()
        now, found = time.time_ns(), {path.name: _status(path) for path in files}
        self._plain = {name for name, status in found.items() if status and stat.S_ISREG(status.st_mode)}
        self._keys = {name: _status_key(name, found[name], now) for name in self._plain} if notes else {}
        self._known = notes.facts([key for key in self._keys.values() if key]) if notes else {}

    def of(self, paths: Sequence[Path]) -> list[str] | None:
        """Return the sha256 and the name of each file; None when one is gone or a link, which may lead elsewhere."""
        return [self._line(path) for path in paths] if self._plain.issuperset(p.name for p in paths) else None

    def read(self, path: Path) -> str:
        """Return the sha256, as it is now, and the name of a file."""
        digest = hashlib.sha256(read_bytes(path)).hexdigest()
        self.found(path, digest)
        return line_of(digest, path)

    def found(self, path: Path, digest: str) -> None:
        """Take in a digest of what ``path`` held at some time since this was made."""
        if key := self._keys.get(path.name):
            self._fresh[key] = bytes.fromhex(digest)

    def note(self) -> None:
        """Note what had to be read."""
        if self._notes and self._fresh:
            self._notes.keep_facts(self._fresh)

    def _line(self, path: Path) -> str:
        key = self._keys.get(path.name)
        return line_of(self._known[key].hex(), path) if key and key in self._known else self.read(path)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None  # it went away: whoever reads it says so


def _status_key(name: str, status: os.stat_result | None, now: int) -> str | None:
    """Return a digest of what tells one state of a file from another, None when it may change unseen (``now`` in ns).

    A file that was just changed may change again before the clock of its disk goes on.
    """
    if status is None or status.st_ctime_ns > now - QUIET:
        return None
    parts = (name, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def line_of(digest: str, path: Path) -> str:
    """Return a digest and the name of its file."""
    return f"{digest}  {path.name}"


def read_bytes(path: Path) -> bytes:
    """Return what a file of the corpus holds.

    Raises:
        CorpusError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error
