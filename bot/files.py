"""Writing a file whole or not at all, and the digest of one."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes, *, folder: Path | None = None) -> None:
    """Give the file ``path`` the content ``data``: readers, and a power cut, find the old one or the new one.

    Args:
        path: the file, which need not exist yet.
        data: its whole content.
        folder: where the new file stands until it gets its name, on the same disk; by default beside ``path``.

    Raises:
        OSError: it cannot be written; the old one is unchanged and nothing is left over.
    """
    temporary = (folder or path.parent) / f".{path.name}-{os.getpid()}"
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        sync_names(path.parent)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def sync_names(folder: Path) -> None:
    """Have the names in ``folder`` on disk, not the contents of its files alone."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def file_digest(path: Path) -> str:
    """Return the sha256 of what ``path`` holds, read piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
