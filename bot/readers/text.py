"""Plain text and Markdown: the bytes, decoded, nothing else. Quotes are slices of exactly this text."""

import re

from bot.errors import CorpusError

SURROGATE = re.compile(r"[\ud800-\udfff]")


def read_text(data: bytes) -> str:
    """Return ``data`` decoded as UTF-8; byte order mark, line ends and accents stay as they are.

    Raises:
        CorpusError: another encoding, or not text at all; says where and what to do.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"is not UTF-8 text (byte {error.start} is 0x{data[error.start]:02x}). Save it as UTF-8, for example: "
            "iconv -f WINDOWS-1252 -t UTF-8"
        ) from error
    position = text.find("\0")
    if position >= 0:
        raise CorpusError(f"is not text: it holds a NUL character at {position}. Export it as plain text.")
    if not text.strip("\ufeff \t\r\n"):
        raise CorpusError("is empty. Put the article's text into it, or remove it with its sidecar.")
    return text


def legible(text: str) -> str:
    """Return ``text`` with U+FFFD for each half of a character: no file and no tokenizer takes these.

    A phone may send half of an emoji, and the words around it may tell of a danger.
    """
    return SURROGATE.sub("\ufffd", text)
