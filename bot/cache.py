"""What was encoded, split or looked over before, by digest: nothing is done twice, and a stopped run goes on.

One SQLite file in the index folder. It holds nothing that cannot be made again: a damaged one is thrown away.
"""

import hashlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from bot.errors import SnapshotError
from bot.interfaces import Matrix
from bot.snapshot import dump
from bot.types import Article, Passage

log = logging.getLogger(__name__)
ASKED = 500  # keys in one query
LAYOUT = 2  # raise when the tables change: what another version wrote is then dropped
MOST_UNUSED = 0.5  # share of the rows that nobody needs any more, above which they are deleted
PASSAGES = TypeAdapter(tuple[Passage, ...])
TABLE_NAMES = ("encodings", "passages", "facts")
TABLES = """
CREATE TABLE IF NOT EXISTS encodings (key BLOB PRIMARY KEY, vector BLOB NOT NULL, tokens BLOB);
CREATE TABLE IF NOT EXISTS passages (key BLOB PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, body BLOB NOT NULL);
"""
# What SQLite says of a file that is not what it wrote; everything else is the disk's or the folder's fault.
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_FORMAT", "SQLITE_IOERR_SHORT_READ")


@dataclass(frozen=True, slots=True)
class Encoding:
    """One encoded sentence: its vector (dim,), its token vectors (tokens, dim) in half precision and token ids."""

    vector: Matrix
    tokens: NDArray[np.float16]
    ids: NDArray[np.int32]


class Cache:
    """Encodings by model and text, passages by article and rules. For one process at a time (the indexer's lock)."""

    def __init__(self, path: Path, *, model: str, rules: str, fresh: bool = False) -> None:
        """``model`` and ``rules`` are digests of all that the encodings and the passages depend on.

        With ``fresh`` nothing that was there before is given out.

        Raises:
            SnapshotError: the file cannot be opened or written.
        """
        self._path, self._model, self._rules, self._fresh = path, model, rules, fresh
        self._used: set[bytes] = set()
        with self._guarded():
            self._open = self._connect()

    def encodings(self, texts: Sequence[str]) -> dict[str, Encoding]:
        """Return what is known of each text that was encoded as a sentence."""
        found = {}
        for text, (vector, tokens) in self._known("encodings", "vector, tokens", texts, map(self._key, texts)):
            if vector is not None and tokens is not None:
                found[text] = _encoding(vector, tokens)
        return found

    def vectors(self, texts: Sequence[str]) -> dict[str, Matrix]:
        """Return the vector (dim,) of each text that was encoded, as a sentence or a passage."""
        rows = self._known("encodings", "vector", texts, map(self._key, texts))
        return {text: np.frombuffer(vector, dtype=np.float32) for text, (vector,) in rows if vector is not None}

    def keep_encodings(self, encodings: Mapping[str, Encoding]) -> None:
        """Remember the encodings of sentences, on disk before this returns."""
        rows = []
        for text, one in encodings.items():
            key = self._key(text)
            tokens = one.ids.astype(np.int32).tobytes() + one.tokens.astype(np.float16).tobytes()
            rows.append((key, _sealed(key, one.vector.astype(np.float32).tobytes()), _sealed(key, tokens)))
        self._keep("INSERT OR REPLACE INTO encodings VALUES (?, ?, ?)", rows)

    def keep_vectors(self, vectors: Mapping[str, Matrix]) -> None:
        """Remember the vectors of passages, on disk before this returns."""
        keyed = [(self._key(text), vector.astype(np.float32).tobytes()) for text, vector in vectors.items()]
        self._keep(
            "INSERT OR REPLACE INTO encodings VALUES (?, ?, NULL)", [(key, _sealed(key, data)) for key, data in keyed]
        )

    def passages(self, articles: Sequence[Article]) -> dict[str, tuple[Passage, ...]]:
        """Return the passages of each article that is known, by article id."""
        ids = [article.source.id for article in articles]
        rows = self._known("passages", "body", ids, map(self._article_key, articles))
        return {name: PASSAGES.validate_json(body) for name, (body,) in rows if body is not None}

    def keep_passages(self, articles: Sequence[Article], passages: Mapping[str, tuple[Passage, ...]]) -> None:
        """Remember how ``articles`` were split (``passages`` by article id)."""
        keyed = [(self._article_key(article), dump(passages[article.source.id])) for article in articles]
        self._keep("INSERT OR REPLACE INTO passages VALUES (?, ?)", [(key, _sealed(key, data)) for key, data in keyed])

    def facts(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Return what was noted under each digest that is known."""
        rows = self._known("facts", "body", digests, map(bytes.fromhex, digests))
        return {digest: body for digest, (body,) in rows if body is not None}

    def keep_facts(self, facts: Mapping[str, bytes]) -> None:
        """Note something under each digest (hexadecimal) of all that it depends on."""
        keyed = [(bytes.fromhex(digest), data) for digest, data in facts.items()]
        self._keep("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(key, _sealed(key, data)) for key, data in keyed])

    def rows(self) -> int:
        """Return how many encodings and splits are held."""
        with self._guarded():
            return sum(self._open.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLE_NAMES)  # noqa: S608

    def use(self, texts: Iterable[str], articles: Iterable[Article]) -> None:
        """Count ``texts`` and ``articles`` as asked for."""
        self._used |= {self._key(text) for text in texts} | {self._article_key(article) for article in articles}

    def tidy(self) -> int:
        """Forget what is unused when that is more than half of all, and return how many rows were deleted.

        Not at every chance: an article that is withdrawn for a day, or an index rolled back, keeps its encodings.
        """
        try:
            held = self.rows()
            return self.forget_unused() if held - len(self._used) > held * MOST_UNUSED else 0
        except SnapshotError as error:
            log.warning("what is unused in the cache was not deleted: %s", error)  # what was built is in use already
            return 0

    def forget_unused(self) -> int:
        """Delete what nobody asked for or gave since this was opened, and return how many rows that were."""
        deleted = 0
        with self._guarded():
            with self._open:
                self._open.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY)")
                self._open.executemany("INSERT INTO used VALUES (?)", [(key,) for key in self._used])
                for table in TABLE_NAMES:
                    unused = f"DELETE FROM {table} WHERE key NOT IN (SELECT key FROM used)"  # noqa: S608
                    deleted += self._open.execute(unused).rowcount
                self._open.execute("DROP TABLE used")
            self._open.execute("VACUUM")
        return deleted

    def close(self) -> None:
        """Let go of the file."""
        self._open.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            return _opened(self._path)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            return self._new()

    def _new(self) -> sqlite3.Connection:
        log.warning("the cache %s is damaged and is made anew", self._path)
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        return _opened(self._path)

    def _known(
        self, table: str, columns: str, names: Sequence[str], keys: Iterable[bytes]
    ) -> Iterator[tuple[str, list[bytes | None]]]:
        """Yield the name and the proven columns of each row that is there; None for what is not there or not whole."""
        asked = dict(zip(keys, names, strict=True))
        self._used |= asked.keys()
        todo = [] if self._fresh else list(asked)
        for place in range(0, len(todo), ASKED):
            for key, *found in self._rows(table, columns, todo[place : place + ASKED]):
                yield asked[key], [_proven(key, data) for data in found]

    def _rows(self, table: str, columns: str, keys: list[bytes]) -> list[tuple[bytes, ...]]:
        query = f"SELECT key, {columns} FROM {table} WHERE key IN ({', '.join('?' * len(keys))})"  # noqa: S608
        with self._guarded():
            try:
                return self._open.execute(query, keys).fetchall()
            except sqlite3.DatabaseError as error:
                self._renew(error)
                return []

    def _keep(self, order: str, rows: Sequence[tuple[bytes, ...]]) -> None:
        self._used |= {row[0] for row in rows}
        with self._guarded():
            try:
                with self._open:
                    self._open.executemany(order, rows)
            except sqlite3.DatabaseError as error:
                self._renew(error)
                with self._open:
                    self._open.executemany(order, rows)

    def _renew(self, error: sqlite3.DatabaseError) -> None:
        if not _is_damage(error):
            raise error
        self._open.close()
        self._open = self._new()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise SnapshotError(
                f"The cache {self._path} cannot be used: {error}. Free space or set BOT_INDEX to a writable folder; "
                "the index in use is unchanged."
            ) from error

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(json.dumps([self._model, text]).encode()).digest()

    def _article_key(self, article: Article) -> bytes:
        source = article.source
        about = [self._rules, source.id, source.title, article.text, dump(source.overrides).decode()]
        return hashlib.sha256(json.dumps(about).encode()).digest()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA user_version").fetchone() != (LAYOUT,):
            connection.executescript("".join(f"DROP TABLE IF EXISTS {table};" for table in TABLE_NAMES))
        connection.executescript(TABLES)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute("SELECT key, vector, tokens FROM encodings WHERE key = x''").fetchone()
        connection.execute("SELECT key, body FROM passages WHERE key = x''").fetchone()
        connection.execute("SELECT key, body FROM facts WHERE key = x''").fetchone()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return str(getattr(error, "sqlite_errorname", "")).startswith(DAMAGED)


def _sealed(key: bytes, data: bytes) -> bytes:
    """Put a checksum before ``data``: SQLite has none, and a flipped bit must not become a vector of the index."""
    return zlib.crc32(key + data).to_bytes(4, "big") + data


def _proven(key: bytes, sealed: bytes | None) -> bytes | None:
    """Return what ``_sealed`` was given, None when it is not whole."""
    if sealed is None:
        return None
    if zlib.crc32(sealed[4:], zlib.crc32(key)).to_bytes(4, "big") != sealed[:4]:
        log.warning("an entry of the cache is damaged and is made anew")
        return None
    return sealed[4:]


def _encoding(vector: bytes, tokens: bytes) -> Encoding:
    one = np.frombuffer(vector, dtype=np.float32)
    count = len(tokens) // (4 + 2 * len(one))
    ids = np.frombuffer(tokens, dtype=np.int32, count=count)
    return Encoding(one, np.frombuffer(tokens, dtype=np.float16, offset=4 * count).reshape(-1, len(one)), ids)
