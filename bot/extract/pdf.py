"""PDF documents, by pypdf: opened, checked for text, laid out page by page."""

import io
import logging
import re
from collections.abc import Iterator

from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError, PyPdfError

from bot.extract import Extract, ExtractError, Limits
from bot.extract.layout import Layout, Page, arrange, read_page
from bot.extract.paragraphs import Flow, flow, without_running_heads
from bot.extract.plain import Shape, compose, fact, tidy

DAMAGED = "Open it in a program that shows it and print it to a new PDF, or export the article as plain text."
# What programs write by themselves when nobody gave a title or author.
PLACEHOLDER = re.compile(
    r"\(?(?:untitled|anonymous|unspecified|unknown)\)?|microsoft word - .*|.*\.(?:docx?|indd|pdf)", re.I
)
UNREADABLE = re.compile("[\ufffd\ue000-\uf8ff]")
MOST_UNREADABLE = 0.1  # share of the characters
EXAMPLES = 5


def read(data: bytes, limits: Limits) -> Extract:
    """Return the text of a PDF with the offset of each page.

    Raises:
        ExtractError: locked, scanned, damaged, or too many pages.
    """
    noticed: list[str] = []
    logging.getLogger("pypdf").handlers = [_Notes(noticed)]
    reader = _open(data)
    try:
        count = len(reader.pages)
        if count > limits.pages:
            raise ExtractError(f"has {count} pages, the limit is {limits.pages}. Split it.")
        pages = [_read_page(page, number) for number, page in enumerate(reader.pages)]
    except (PyPdfError, RecursionError, OverflowError) as error:
        raise ExtractError(f"is a damaged PDF ({type(error).__name__}: {str(error)[:120]}). {DAMAGED}") from error
    _check_text(pages, noticed)
    layouts = arrange(pages)
    lines, heads = without_running_heads(line for page in layouts for line in page.lines)
    running = flow(lines)
    text, starts = compose(running.blocks())
    return Extract(
        text,
        _page_offsets(running, starts, count, len(text)),
        title=_stated(reader, "title"),
        author=_stated(reader, "author"),
        warnings=(*_warnings(pages, layouts, heads, running, text), *_faults(noticed)),
    )


class _Notes(logging.Handler):
    """Keeps what pypdf says of faults in the file: text may be missing where it found one."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message, the first thousand of them."""
        if len(self._kept) < 1000:
            self._kept.append(tidy(record.getMessage()))


def _faults(noticed: list[str]) -> Iterator[str]:
    if noticed:
        yield "the file has faults, compare the text with it: " + _examples(tuple(dict.fromkeys(noticed)))


def _open(data: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ExtractError("is a PDF with a password. Open it with the password and save it without one.")
    except DependencyError as error:
        raise ExtractError(
            "is a PDF encrypted with AES, which cannot be read here. Open it and print it to a new PDF."
        ) from error
    except (PyPdfError, RecursionError) as error:
        raise ExtractError(f"is a damaged PDF ({type(error).__name__}: {str(error)[:120]}). {DAMAGED}") from error
    return reader


def _read_page(page: PageObject, number: int) -> Page:
    """Read one page; what fails is told with the page's number."""
    try:
        return read_page(page)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError, AssertionError) as error:
        raise ExtractError(
            f"is a damaged PDF (page {number + 1}: {type(error).__name__}: {str(error)[:120]}). {DAMAGED}"
        ) from error


def _check_text(pages: list[Page], noticed: list[str]) -> None:
    text = "".join(run.text for page in pages for run in page.runs)
    if not text and noticed:
        raise ExtractError(f"is a damaged PDF without readable text ({noticed[0][:120]}). {DAMAGED}")
    if not text:
        raise ExtractError(
            f"holds no text on its {len(pages)} pages: it seems to be scanned. Have its words recognised (OCR), for "
            "example: python -m bot add --ocr FILE"
        )
    lost = len(UNREADABLE.findall(text))
    if lost > MOST_UNREADABLE * len(text):
        raise ExtractError(
            f"has a font without a table of its letters: {lost} of {len(text)} characters cannot be read. {DAMAGED}"
        )


def _page_offsets(running: Flow, starts: tuple[int, ...], count: int, length: int) -> tuple[int, ...]:
    """Return where each page begins; a page without text begins where the next one does."""
    known = {
        page: start + offset
        for paragraph, start in zip(running.paragraphs, starts, strict=True)
        for page, offset in paragraph.marks
    }
    offsets, following = [], length
    for page in reversed(range(count)):
        following = known.get(page, following)
        offsets.append(following)
    return tuple(reversed(offsets))


def _stated(reader: PdfReader, key: str) -> str | None:
    try:
        facts = reader.metadata
        value = fact(getattr(facts, key, None))
    except (PyPdfError, KeyError, AttributeError, TypeError, ValueError):
        return None  # a broken information dictionary states nothing; the text is sound
    return None if value is None or PLACEHOLDER.fullmatch(value) else value


def _warnings(
    pages: list[Page], layouts: list[Layout], heads: tuple[str, ...], running: Flow, text: str
) -> Iterator[str]:
    empty = sum(1 for page in layouts if not page.lines)
    if empty:
        yield f"{empty} of {len(layouts)} pages hold no text: scanned?"
    columns = sum(1 for page in layouts if page.columns > 1)
    if columns:
        yield f"{columns} pages have two or more columns: check the reading order"
    if any(paragraph.shape is Shape.ROW for paragraph in running.paragraphs):
        yield "tables were flattened, a row to a line"
    turned = sum(page.turned for page in pages)
    if turned:
        yield f"{turned} characters that stand sideways were left out"
    if heads:
        yield "left out as running heads: " + _examples(heads)
    if running.unproven:
        yield "words parted at line ends were joined: " + _examples(running.unproven)
    lost = len(UNREADABLE.findall(text))
    if lost:
        yield f"{lost} characters cannot be read"


def _examples(values: tuple[str, ...]) -> str:
    more = f" and {len(values) - EXAMPLES} more" if len(values) > EXAMPLES else ""
    return "; ".join(value[:60] for value in values[:EXAMPLES]) + more
