"""File -> text: one reader per format, found by the file's suffix."""

from collections.abc import Callable

from bot.readers.text import read_text

READERS: dict[str, Callable[[bytes], str]] = {".txt": read_text, ".md": read_text}
