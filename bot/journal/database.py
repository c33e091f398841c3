"""The journal's database: opened, kept private, brought up to date; what SQLite says is put into words."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path

from bot.errors import JournalError

BUSY = 5.0  # seconds that another writer is waited for
CURES = {
    "SQLITE_CORRUPT": "is damaged. Move it, with its -wal and -shm files, to another folder: a new one is then begun",
    "SQLITE_FULL": "cannot be written: the disk is full. Free space",
    "SQLITE_IOERR": "cannot be read or written: the disk is full or failing. Free space or check the disk",
    "SQLITE_BUSY": f"was locked by another program for {BUSY:g} seconds. Look for a program that holds it open",
    "SQLITE_READONLY": "cannot be written. Check that it and its folder belong to the user of this program",
    "SQLITE_CANTOPEN": "cannot be opened. Check that it is a file in a folder of the user of this program",
}
CURES["SQLITE_NOTADB"] = CURES["SQLITE_CORRUPT"]


def open_database(path: Path) -> sqlite3.Connection:
    """Return the database at ``path``, made or brought up to date, private to its user.

    Raises:
        JournalError: it is damaged, locked, of another program or a later version, or cannot be made private.
    """
    _make_private(path)
    with explained(path):
        connection = connect(path)
        try:
            # Before the first table and before the log: later it would need the whole file written anew.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection, path)
            _make_private(path)
        except BaseException:
            connection.close()
            raise
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Return one more connection to the database at ``path``."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
    connection.execute("PRAGMA temp_store = MEMORY")  # no words in temporary files
    return connection


def _make_private(path: Path) -> None:
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_mode & stat.S_ISVTX:
            raise JournalError(
                f"The journal cannot be kept in {folder}, which others use. Give it a folder of its own."
            )
        folder.chmod(0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            with suppress(FileNotFoundError):
                (folder / name).chmod(0o600)
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be made or kept private: {error.strerror}. Check that it is a file in a folder "
            "that belongs to the user of this program."
        ) from error


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    folder = files("bot").joinpath("migrations")
    scripts = sorted((script for script in folder.iterdir() if script.name.endswith(".sql")), key=lambda s: s.name)
    with transaction(connection):
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version > len(scripts):
            raise JournalError(f"The journal {path} was made by a later version. Update this program.")
        if tables and not version:
            raise JournalError(f"{path} is a database of another program. Give the journal another file.")
        for number, script in enumerate(scripts[version:], version + 1):
            for statement in _statements(script.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> Iterator[str]:
    """Yield each statement alone: sqlite3's own ``executescript`` would end the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write all of the block or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says into an error with a cure."""
    try:
        yield
    # A number that SQLite cannot hold is an OverflowError. The message is left out: it may repeat what was typed.
    except (sqlite3.Error, OverflowError) as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        cure = CURES.get("_".join(name.split("_")[:2]), "could not be used. Open it again; if that fails, move it away")
        raise JournalError(f"The journal {path} {cure}. ({name})") from error
