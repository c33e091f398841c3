"""Every error of the program. Messages say what was found, where, and what to do next.

BotError
|-- CorpusError      a maintainer fixes a file of the corpus
|-- SnapshotError    a maintainer rebuilds the index
|-- ModelError       a maintainer installs or names another embedding model
|-- SettingsError    a maintainer fixes a setting
|-- WordsError       a fixed text is missing or broken: the program refuses to start
|-- RulesError       a safety rule file is broken: the program refuses to start
|-- JournalError     the journal of questions is damaged, locked or full
|-- AccountError     a staff account cannot be made or read
|-- QuoteError       a quote is not a slice of its article: our bug; logged, nothing is shown
`-- InputError       a question that cannot be answered as typed; the reader is told why
"""

import errno
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class BotError(Exception):
    """Base of every error that this program raises on purpose."""


class CorpusError(BotError):
    """A file in the corpus folder is missing, unreadable or wrong."""


class SnapshotError(BotError):
    """The index is missing, damaged or made for something else."""


class ModelError(BotError):
    """The embedding model cannot be found, verified or exported."""


class SettingsError(BotError):
    """A setting has a value that cannot be used."""


class WordsError(BotError):
    """A fixed text that must be shown is missing or incomplete."""


class RulesError(BotError):
    """A safety rule cannot be read, or its own examples do not pass."""


class JournalError(BotError):
    """The journal cannot be read or written."""


class AccountError(BotError):
    """The file of staff accounts is wrong, or a name or password cannot be used."""


class QuoteError(BotError):
    """A quote is not the slice of its article that it claims to be."""


class InputError(BotError):
    """A question that cannot be read: empty, too long, or not text."""


def cure(error: OSError) -> str:
    """Return what to do about a file that could not be written."""
    return "Free space." if error.errno in FULL else "Check its permissions."


def first_fault(error: "ValidationError") -> str:
    """Return the first field that is wrong in what was checked, and why."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'line'}: {first['msg']}"


def where(error: BaseException) -> str:
    """Return the type of ``error`` and the lines it passed; not its message, which may repeat a question."""
    lines = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} at {' > '.join(lines)}"
