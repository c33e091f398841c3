"""What a file is by its bytes, and whether that fits its suffix."""

import io
import re
import zipfile
import zlib

from bot.extract import ExtractError

HEAD = 4096  # bytes looked at
HTML = re.compile(rb"<!doctype\s+html|<html[\s>]", re.I)
MARKUP = re.compile(rb"<(?:html|head|body|div|p|h[1-6]|article|main|section|span|ul|table|meta|title)\b", re.I)
MAGIC = (
    (b"{\\rtf", "an RTF document: open it in a word processor and save it as .docx"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Word file (.doc) or a .docx with a password: save it as .docx without one",
    ),
    (b"\x89PNG", "a PNG picture: its words must be typed or recognised (OCR) first"),
    (b"\xff\xd8\xff", "a JPEG picture: its words must be typed or recognised (OCR) first"),
    (b"GIF8", "a GIF picture: its words must be typed or recognised (OCR) first"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
)
ZIPS = (
    ("word/document.xml", "a Word document: name it .docx"),
    ("xl/workbook.xml", "an Excel workbook: save the article as .docx"),
    ("ppt/presentation.xml", "a PowerPoint presentation: save the article as .docx"),
    ("content.xml", "an OpenDocument file: save it as .docx"),
    ("META-INF/container.xml", "an EPUB book: save the article as .html or .docx"),
)
KINDS = {".pdf": "pdf", ".docx": "docx", ".html": "html", ".htm": "html", ".txt": "text", ".md": "text"}
ADVICE = {
    "pdf": "a PDF: name it .pdf",
    "docx": "a Word document: name it .docx",
    "html": "a web page: name it .html",
    "text": "plain text: name it .txt",
}


def check_kind(data: bytes, suffix: str) -> None:
    """Refuse bytes that are not what ``suffix`` says.

    Raises:
        ExtractError: what the file seems to be instead and what to do.
    """
    found, advice = kind(data)
    wanted = KINDS[suffix]
    if found == wanted or (found == "text" and wanted == "html" and MARKUP.search(data)):
        return
    raise ExtractError(f"is not what its suffix '{suffix}' says: it seems to be {advice}.")


def kind(data: bytes) -> tuple[str, str]:
    """Return what ``data`` is ("pdf", "docx", "html", "text" or "other") and, in words, what to do with it."""
    head = data[:HEAD]
    for magic, advice in MAGIC:
        if head.startswith(magic):
            return "other", advice
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_kind(data)
    found = "text"
    if b"%PDF-" in head[:1024]:
        found = "pdf"
    elif HTML.match(_plain_head(head)):
        found = "html"
    elif b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "other", "binary data: find out which program made it and export it as .pdf, .docx or .txt"
    return found, ADVICE[found]


def _plain_head(head: bytes) -> bytes:
    """Return the start of a file from its first tag on, without encoding marks, comments and XML declaration."""
    head = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return re.sub(rb"\A(?:\s+|<!--.*?-->|<\?xml.*?\?>)+", b"", head, flags=re.S)


def _zip_kind(data: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, NotImplementedError) as error:
        return "other", f"a damaged or cut-off ZIP or Word file ({error}): save or download it again"
    for name, advice in ZIPS:
        if name in names:
            return ("docx" if name == ZIPS[0][0] else "other"), advice
    return "other", "a ZIP archive: unpack it and add the files in it"
