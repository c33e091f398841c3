"""Staff accounts: names and salted scrypt hashes in one private file; nothing in it gives a password back.

The file is read anew when it changes, so a removed account ends its sessions at once.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from bot.errors import AccountError

NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")
SHORTEST = 12  # characters of a password, after NIST SP 800-63B's advice on length before composition
LONGEST = 200
FEWEST = 5  # different characters of a password
# scrypt at 32 MB a check (128 * n * r bytes): a small server also holds the models. After the OWASP cheat sheet.
COST, BLOCK, PARALLEL = 2**15, 8, 3
MEMORY = 64 * 1024 * 1024
AT_ONCE = 2  # checks: more would take the memory and the cores from patients
WAIT = 5.0  # seconds for another process that changes the file


@dataclass(frozen=True, slots=True)
class Account:
    """One person: ``salt`` and ``hash`` in hexadecimal, with the cost they were made with."""

    salt: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    hash: Annotated[str, Field(pattern="^[0-9a-f]{128}$")]
    n: Annotated[int, Field(ge=2**14, le=COST, multiple_of=2**14)] = COST  # what scrypt takes within MEMORY
    r: Annotated[int, Field(ge=1, le=BLOCK)] = BLOCK
    p: Annotated[int, Field(ge=1, le=16)] = PARALLEL


class Accounts:
    """The file of accounts. Threads may share this object, and processes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._seen: tuple[int, int, int] = (0, 0, 0)
        self._known: dict[str, Account] = {}
        # Checked for unknown names, so that the time of a refusal does not tell which names exist.
        self._nobody = Account(secrets.token_hex(16), secrets.token_hex(64))

    def names(self) -> tuple[str, ...]:
        """Return all names, sorted.

        Raises:
            AccountError: the file is damaged.
        """
        return tuple(sorted(self._read()))

    def add(self, name: str, password: str) -> bool:
        """Add an account or give it a new password; return False when it was there already.

        Raises:
            AccountError: the name or password cannot be used, or the file cannot be written.
        """
        if not NAME.fullmatch(name):
            raise AccountError(f"'{name[:40]}' cannot be a name. Use 2 to 40 of a-z, 0-9, '.', '_' and '-'.")
        _check_password(name, password)
        account = _hashed(password)  # takes long, so it is made before others have to wait
        with self._changing() as known:
            fresh = name not in known
            known[name] = account
        return fresh

    def remove(self, name: str) -> None:
        """Remove an account; whoever is signed in with it is signed out.

        Raises:
            AccountError: there is no such account, or the file cannot be written.
        """
        with self._changing() as known:
            if name not in known:
                raise AccountError(f"There is no account '{name[:40]}'. Known: {', '.join(sorted(known)) or 'none'}.")
            del known[name]

    def check(self, name: str, password: str) -> bool:
        """Return True for a known name with its password; takes the same time for every other pair.

        Raises:
            AccountError: the file is damaged.
        """
        account = self._read().get(name)
        with self._slots:
            right = _matches(account or self._nobody, password[:LONGEST])
        return right and account is not None and len(password) <= LONGEST

    def stamp(self, name: str) -> str:
        """Return a mark that changes with the password; "" for an unknown name.

        Raises:
            AccountError: the file is damaged.
        """
        account = self._read().get(name)
        return account.salt if account else ""

    def _read(self) -> dict[str, Account]:
        with self._lock:
            try:
                status = self._path.stat()
            except FileNotFoundError:
                return {}
            except OSError as error:
                raise _unreadable(self._path) from error
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen != self._seen:
                self._known = _parse(self._path)
                self._seen = seen
            return self._known

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Account]]:
        """Hand out all accounts and write them back as they then are.

        The new file is also the lock: who cannot make it waits, so that two processes do not undo each other's work.
        """
        new = self._path.with_name(f".{self._path.name}-new")
        try:
            private_folder(self._path.parent)
            descriptor = _claimed(new)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    known = _parse(self._path) if self._path.exists() else {}
                    yield known
                    stream.write(_written(known))
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(new, self._path)
            except BaseException:
                with suppress(FileNotFoundError):
                    new.unlink()
                raise
        except OSError as error:
            raise AccountError(f"{self._path} cannot be written: {error.strerror}. Check BOT_DATA.") from error


def private_folder(folder: Path) -> None:
    """Make ``folder`` for this user alone.

    Raises:
        AccountError: others use it too.
        OSError: it cannot be made or changed.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_mode & stat.S_ISVTX:  # such as /tmp: nobody else could use it afterwards
        raise AccountError(f"{folder} is used by others. Set BOT_DATA to a folder of its own.")
    folder.chmod(0o700)


def _check_password(name: str, password: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST or password.casefold() == name or len(set(password)) < FEWEST:
        raise AccountError(
            f"A password needs {SHORTEST} to {LONGEST} characters, {FEWEST} different ones, and must not be the name."
        )
    # The form cannot send these: half characters come from a pipe that is not UTF-8, a line end from one of Windows.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):
        raise AccountError("A password must be one line of UTF-8 text. Look for a line end or another encoding in it.")


def _claimed(new: Path) -> int:
    """Make ``new``, which must not exist, and return its descriptor; wait while another process has it."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            if time.monotonic() > end:
                raise AccountError(
                    f"{new} is in the way: another process writes it, or died while it did. Try again; if it is still "
                    "there after a minute, delete it."
                ) from error
            time.sleep(0.02)


def _written(accounts: dict[str, Account]) -> str:
    return json.dumps({name: asdict(accounts[name]) for name in sorted(accounts)}, indent=1) + "\n"


def _parse(path: Path) -> dict[str, Account]:
    try:
        return TypeAdapter(dict[str, Account]).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        # Not chained: pydantic's message quotes the salts and hashes that it refuses.
        raise _unreadable(path) from None


def _unreadable(path: Path) -> AccountError:
    return AccountError(
        f"{path} is no file of accounts that can be read. Make it readable for this user, or move it away and add the "
        "accounts again: python -m bot staff add NAME"
    )


def _hashed(password: str) -> Account:
    salt = secrets.token_hex(16)
    return Account(salt, _scrypt(password, salt, COST, BLOCK, PARALLEL))


def _matches(account: Account, password: str) -> bool:
    found = _scrypt(password, account.salt, account.n, account.r, account.p)
    return hmac.compare_digest(found, account.hash)


def _scrypt(password: str, salt: str, n: int, r: int, p: int) -> str:
    return hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=n, r=r, p=p, maxmem=MEMORY).hex()
