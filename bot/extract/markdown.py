"""Markdown: kept as it is, like plain text; a heading of the first level at its start is its title."""

import re
from dataclasses import replace

from bot.extract import Extract, Limits
from bot.extract import plain as text
from bot.extract.plain import fact

TITLE = re.compile(r"\s*(?:#[ \t]+(?P<hash>[^\n]+?)[ \t#]*|(?P<line>[^\n#][^\n]*)\n=+[ \t]*)(?:\n|$)")


def read(data: bytes, limits: Limits) -> Extract:
    """Return the text as it is, with the title that it states.

    Raises:
        ExtractError: it is no text.
    """
    found = text.read(data, limits)
    stated = TITLE.match(found.text)
    return replace(found, title=fact(stated["hash"] or stated["line"])) if stated else found
