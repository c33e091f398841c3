"""Plain text, kept as it is; and what every format's text has in common."""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from bot.extract import Extract, ExtractError, Limits
from bot.readers.text import legible

LINE_END = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
# Control and invisible characters, the latter except those that join letters and emoji.
HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
LONGEST = 500  # characters of a title, author or publisher; longer ones are no such thing


class Shape(StrEnum):
    """How a block stands in the text: between empty lines, or as a line among its like."""

    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"


Block = tuple[Shape, str]


def read(data: bytes, limits: Limits) -> Extract:
    """Return text as it is, with line feeds as line ends, composed accents (NFC) and without a byte order mark.

    Raises:
        ExtractError: the encoding is not UTF-8 or UTF-16 with a mark, or there are control characters.
    """
    text = unicodedata.normalize("NFC", LINE_END.sub("\n", decode(data)))
    found = CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise ExtractError(
            f"is not plain text: line {line} holds the control character U+{ord(found[0]):04X}. Remove it, or save the "
            "article anew as plain text."
        )
    return Extract(text)


def decode(data: bytes, encoding: str = "utf-8") -> str:
    """Decode by the byte order mark if there is one, else as ``encoding``.

    Raises:
        ExtractError: names the first byte that does not fit and how to convert the file.
    """
    if data.startswith(codecs.BOM_UTF8):
        data, encoding = data[3:], "utf-8"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ExtractError(
            f"is not {encoding.upper()} text (byte {error.start} is 0x{data[error.start]:02x}). Save it as UTF-8, for "
            "example: iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def tidy(text: str) -> str:
    """Return ``text`` as one line: NFC, without hidden characters, single spaces, halves of characters as U+FFFD."""
    seen = legible(HIDDEN.sub("", LINE_END.sub(" ", text)))
    return " ".join(unicodedata.normalize("NFC", seen).split())


def compose(blocks: Iterable[Block]) -> tuple[str, tuple[int, ...]]:
    """Join blocks to a text; return it and where each block begins. List items and table rows follow line by line."""
    parts: list[str] = []
    starts: list[int] = []
    length, before = 0, None
    for shape, text in blocks:
        gap = "" if before is None else "\n" if shape is before and shape is not Shape.PARAGRAPH else "\n\n"
        starts.append(length + len(gap))
        parts.append(gap + text)
        length += len(parts[-1])
        before = shape
    return "".join(parts) + ("\n" if parts else ""), tuple(starts)


def fact(value: object) -> str | None:
    """Return a fact of the metadata as one clean line, or None when it says nothing."""
    line = tidy(value) if isinstance(value, str) else ""
    return line if 0 < len(line) <= LONGEST else None
