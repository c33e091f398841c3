"""Which files are opened: told by the interpreter itself."""

import os
import sys
from contextlib import contextmanager
from functools import cache

_watched: list[list[str]] = []


@cache  # one for good: a hook cannot be taken away
def _hook():
    sys.addaudithook(_audit)


def _audit(event, arguments):
    if event == "open":
        for names in _watched:
            names.append(str(arguments[0]))


@contextmanager
def opened(folder):
    """Collect the paths of the files in ``folder`` that anything opens meanwhile, as seen from there."""
    _hook()
    names, found = [], set()
    _watched.append(names)
    try:
        yield found
    finally:
        _watched.remove(names)
        found |= {os.path.relpath(name, folder) for name in names if name.startswith(f"{folder}{os.sep}")}
