"""What staff did to the library: each act is written down with the files before and after, and can be undone."""

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot.accounts import private_folder
from bot.corpus import changing, load_corpus
from bot.errors import AccountError, CorpusError
from bot.files import write_whole

log = logging.getLogger(__name__)
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,199}")
Texts = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Act:
    """One act: ``files`` are the names in the corpus folder with their text before and after (None: no such file)."""

    number: int
    at: str
    by: str
    what: str
    files: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)


ACT = TypeAdapter(Act)


class Acts:
    """The record of acts in one JSON Lines file. Safe to share between threads; processes may share the file."""

    def __init__(self, path: Path, corpus: Path) -> None:
        self._path, self._corpus = path, corpus
        self._lock = threading.Lock()
        self._told: set[bytes] = set()

    def perform(self, by: str, what: str, names: list[str], change: Callable[[], object]) -> Act:
        """Do ``change``, which may touch the files ``names`` of the corpus, and write it down.

        Raises:
            CorpusError: what ``change`` raises, or the record cannot be written; then the files are as they were.
        """
        with self._lock, changing(self._corpus):
            before = self._texts(names)
            try:
                change()
                after = self._texts(names)
                return self._note(by, what, {name: (before[name], after[name]) for name in names})
            except BaseException:
                self._put(before)
                raise

    def undo(self, number: int, *, by: str) -> Act:
        """Put the files of one act back as they were before it.

        Raises:
            CorpusError: there is no such act, a file was changed since, or the corpus would not read; nothing changed.
        """
        with self._lock, changing(self._corpus):
            act = next((one for one in self._read() if one.number == number and one.files), None)
            if act is None:
                raise CorpusError(f"There is no act {str(number)[:20]} that can be undone.")
            now = self._texts(act.files)
            changed = _changed(act, now)
            if changed:
                raise CorpusError(f"{changed[0]} was changed after act {number}. Undo the later acts first.")
            try:
                self._put({name: before for name, (before, _) in act.files.items()})
                load_corpus(self._corpus)
                back = {name: (after, before) for name, (before, after) in act.files.items()}
                return self._note(by, f"undid {number}: {act.what}", back)
            except BaseException:
                self._put(now)
                raise

    def latest(self, most: int = 30) -> list[Act]:
        """Return the newest acts, newest first."""
        with self._lock:
            return self._read()[: -most - 1 : -1]

    def states(self, most: int = 30) -> list[tuple[Act, str]]:
        """Return the newest acts, newest first, each with whether it can be undone now: "yes", why not, or ""."""
        acts = self.latest(most)
        return [(act, self._state(act, acts)) for act in acts]

    def _state(self, act: Act, acts: list[Act]) -> str:
        try:
            changed = _changed(act, self._texts(act.files))
        except CorpusError:  # one damaged file must not hide all acts
            return "no: its file cannot be read"
        if not changed:
            return "yes" if act.files else ""
        later = max(
            (one.number for one in acts if one.number > act.number and one.files.keys() & changed), default=None
        )
        return f"no: act {later} changed it since" if later else "no: its file was changed since"

    def _note(self, by: str, what: str, files: Mapping[str, tuple[str | None, str | None]]) -> Act:
        if not by.strip():
            raise CorpusError("An act needs the name of whoever does it. Sign in again.")
        number = max((act.number for act in self._read()), default=0) + 1
        act = Act(number, datetime.now(UTC).isoformat(timespec="seconds"), by, what, files)
        try:
            private_folder(self._path.parent)
            with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - 1))
                start = b"" if stream.read(1) in (b"", b"\n") else b"\n"  # a line cut short must not swallow this one
                stream.write(start + json.dumps(asdict(act), ensure_ascii=True).encode() + b"\n")
        except (OSError, AccountError) as error:
            raise CorpusError(f"Nothing was done, as it cannot be written down in {self._path}: {error}") from error
        return act

    def _read(self) -> list[Act]:
        """Return every act that can be read; a damaged line is told in the log, and the others still count."""
        try:
            lines = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        except OSError as error:
            raise CorpusError(f"{self._path} cannot be read: {error.strerror}. Check its permissions.") from error
        found = []
        for number, line in enumerate(lines, 1):
            try:
                found += [ACT.validate_json(line)] if line.strip() else []
            except ValidationError:
                if line not in self._told:
                    log.warning("%s:%d is damaged: that act cannot be undone any more", self._path, number)
                    self._told.add(line)
        return found

    def _texts(self, names: Iterable[str]) -> dict[str, str | None]:
        return {name: self._text(name) for name in names}

    def _text(self, name: str) -> str | None:
        # The record is a file: a name in it must not lead anywhere else.
        if not NAME.fullmatch(name):
            raise CorpusError(f"'{name[:80]}' is no name of a file of the corpus.")
        path = self._corpus / name
        try:
            return path.read_bytes().decode("utf-8") if path.exists() else None
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"{path} cannot be read: {error}. Save it as UTF-8.") from error

    def _put(self, texts: Texts) -> None:
        """Give each file its text, those that have it already excepted."""
        for name, text in texts.items():
            path = self._corpus / name
            if self._text(name) == text:
                continue
            try:
                if text is None:
                    path.unlink()
                else:
                    write_whole(path, text.encode("utf-8"))
            except OSError as error:
                raise CorpusError(f"{path} cannot be written: {error.strerror}. Check its permissions.") from error


def _changed(act: Act, now: Texts) -> list[str]:
    """Return the files of ``act`` that are not, ``now``, as it left them."""
    return [name for name, (_, after) in act.files.items() if now[name] != after]
