"""One indexer at a time: a lock on the index folder that the system takes back when its holder dies."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bot.errors import SnapshotError
from bot.files import write_whole


@contextmanager
def indexing(index: Path, *, by: str = "", wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of ``index`` for the block; wait at most ``wait`` seconds for another holder.

    Raises:
        SnapshotError: somebody else is indexing; says who, and since when.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SnapshotError(f"The index folder {index} cannot be made: {error.strerror}. Set BOT_INDEX.") from error
    holder, lock = index / ".lock-holder", FileLock(index / ".lock")
    try:
        lock.acquire(timeout=wait)
        _sign(holder, by)
    except Timeout as error:
        raise SnapshotError(
            f"The index in {index} is being built by {_who(holder)}. Wait for it, or run again with --wait 600."
        ) from error
    except OSError as error:
        lock.release()
        raise SnapshotError(
            f"The index folder {index} cannot be written: {error.strerror or error}. Free space or set BOT_INDEX to a "
            "writable folder; the index in use is unchanged."
        ) from error
    try:
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _sign(holder: Path, by: str) -> None:
    about = {"pid": os.getpid(), "host": socket.gethostname(), "by": by, "since": _now()}
    write_whole(holder, json.dumps(about).encode())


def _who(holder: Path) -> str:
    try:
        about = json.loads(holder.read_text(encoding="utf-8"))
        name = f"{about['by']}, " if about["by"] else ""
        return f"{name}process {about['pid']} on {about['host']} since {about['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
