"""Markdown: kept as it is, like plain text; a heading of the first level at its start is its title."""

import re
from dataclasses import replace

from bot.extract import Extract, Limits
from bot.extract import plain as text
from bot.extract.plain import fact

UNDERLINE = re.compile(r"=+[ \t]*")


def read(data: bytes, limits: Limits) -> Extract:
    """Return the text as it is, with the title that it states.

    Raises:
        ExtractError: it is no text.
    """
    found = text.read(data, limits)
    return replace(found, title=fact(_title(found.text)))


def _title(source: str) -> str | None:
    """Return the words of a heading of the first level ("# Words", or words underlined by "=") at the start."""
    first, _, rest = source.lstrip("\n").partition("\n")
    if first.startswith(("# ", "#\t")):
        return first.strip(" \t#")
    return first if first.strip() and UNDERLINE.fullmatch(rest.split("\n", 1)[0]) else None
