"""Word documents: paragraphs, headings, lists and tables in order, as they read with all tracked changes accepted."""

import io
import zipfile
import zlib
from collections.abc import Iterator

import docx
from docx.document import Document
from docx.opc.exceptions import OpcError, PackageNotFoundError
from docx.oxml.ns import qn
from lxml import etree

from bot.extract import Extract, ExtractError, Limits
from bot.extract.plain import Block, Shape, compose, fact, tidy

MOST_PARTS = 10_000  # files in the archive
# What is not the document's own running text: deleted words, field codes, and the second copy of drawings.
LEFT_OUT = {qn(name) for name in ("w:del", "w:moveFrom", "w:instrText", "w:delText", "w:rPr", "w:pPr")} | {
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
}
SPACES = {qn("w:tab"), qn("w:br"), qn("w:cr"), qn("w:noBreakHyphen")}
PLACEHOLDERS = {"Word Document", "python-docx", "Microsoft Office User", "Unknown"}
DAMAGE = (OpcError, PackageNotFoundError, KeyError, ValueError, zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError)
OFF = {"0", "false", "off"}


def read(data: bytes, limits: Limits) -> Extract:
    """Return the text of a Word document.

    Raises:
        ExtractError: damaged, or it unpacks to more than ``limits`` allow.
    """
    check_archive(data, limits)
    try:
        document = docx.Document(io.BytesIO(data))
    except DAMAGE as error:
        raise ExtractError(
            f"is a damaged Word document ({type(error).__name__}: {str(error)[:120]}). Open it in a word processor and "
            "save it anew."
        ) from error
    body = document.element.body
    if body is None or body.getroottree().docinfo.doctype:
        raise ExtractError(
            "has no body, or declares entities as no word processor does. Do not add it, or save it anew."
        )
    text, _ = compose(_blocks(body, _list_styles(document)))
    facts = document.core_properties
    return Extract(text, title=_stated(facts.title), author=_stated(facts.author), warnings=tuple(_warnings(body)))


def check_archive(data: bytes, limits: Limits) -> None:
    """Refuse an archive by its directory, before anything is unpacked.

    Raises:
        ExtractError: the parts are too many or too large, or one is encrypted.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.unpacked or unpacked > limits.ratio * len(data) or len(parts) > MOST_PARTS:
        raise ExtractError(
            f"unpacks from {len(data) / 1e6:.1f} MB to {unpacked / 1e6:.0f} MB in {len(parts)} parts, more than any "
            f"article (limits: {limits.unpacked / 1e6:.0f} MB, {limits.ratio} times its size). Do not open it unless "
            "you know who made it."
        )
    if any(part.flag_bits & 1 for part in parts):
        raise ExtractError("is encrypted. Save it without a password.")


def _blocks(parent: etree._Element, list_styles: frozenset[str]) -> Iterator[Block]:
    """Yield the blocks of a body, cell or content control in order."""
    for child in parent:
        if child.tag == qn("w:p"):
            text = tidy("".join(_words(child)))
            if text:
                yield (Shape.ITEM, f"- {text}") if _is_item(child, list_styles) else (Shape.PARAGRAPH, text)
        elif child.tag == qn("w:tbl"):
            yield from _rows(child)
        elif child.tag == qn("w:sdt") and not _is_contents(child):
            yield from _blocks(child.find(qn("w:sdtContent")), list_styles)
        elif child.tag in {qn("w:ins"), qn("w:moveTo"), qn("w:customXml"), qn("w:smartTag")}:
            yield from _blocks(child, list_styles)


def _rows(table: etree._Element) -> Iterator[Block]:
    for row in table.iterchildren(qn("w:tr")):
        if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is not None:
            continue
        cells = [tidy(" ".join("".join(_words(p)) for p in cell.iter(qn("w:p")))) for cell in row.iter(qn("w:tc"))]
        if any(cells):
            yield Shape.ROW, "; ".join(cell for cell in cells if cell)


def _words(element: etree._Element) -> Iterator[str]:
    """Yield the visible words below ``element``. A stack, not recursion: depth is the file's choice."""
    stack = [element]
    while stack:
        node = stack.pop()
        if node.tag in LEFT_OUT or (node.tag == qn("w:r") and _hidden(node)):
            continue
        if node.tag == qn("w:t"):
            yield node.text or ""
        elif node.tag in SPACES:
            yield "-" if node.tag == qn("w:noBreakHyphen") else " "
        elif node is not element and node.tag == qn("w:p"):
            yield " "  # a paragraph of a text box inside this one
        stack.extend(reversed(node))


def _hidden(run: etree._Element) -> bool:
    mark = run.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
    return mark is not None and mark.get(qn("w:val")) not in OFF


def _is_item(paragraph: etree._Element, list_styles: frozenset[str]) -> bool:
    style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    if style is not None and (style.get(qn("w:val")) or "").lower().startswith("heading"):
        return False  # a numbered heading
    number = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}/{qn('w:numId')}")
    if number is not None:
        return bool(number.get(qn("w:val")) != "0")
    return style is not None and style.get(qn("w:val")) in list_styles


def _list_styles(document: Document) -> frozenset[str]:
    """Return the ids of styles that make list items; headings may be numbered too and are none."""
    return frozenset(
        style.style_id
        for style in document.styles
        if (style.name or "").lower().startswith("list ") and "continue" not in (style.name or "").lower()
    )


def _is_contents(control: etree._Element) -> bool:
    gallery = control.find(f"{qn('w:sdtPr')}/{qn('w:docPartObj')}/{qn('w:docPartGallery')}")
    no_content = control.find(qn("w:sdtContent")) is None
    return no_content or (gallery is not None and gallery.get(qn("w:val")) == "Table of Contents")


def _warnings(body: etree._Element) -> Iterator[str]:
    tables = sum(1 for _ in body.iter(qn("w:tbl")))
    if tables:
        yield f"{tables} tables were flattened, a row to a line"
    if any(True for _ in body.iter(qn("w:del"), qn("w:ins"), qn("w:moveFrom"))):
        yield "holds tracked changes: read as if all were accepted"
    notes = sum(1 for _ in body.iter(qn("w:footnoteReference"), qn("w:endnoteReference")))
    if notes:
        yield f"{notes} footnotes were left out"
    pictures = sum(1 for _ in body.iter(qn("w:drawing"), qn("w:pict")))
    if pictures:
        yield f"{pictures} pictures or drawings were left out"


def _stated(value: str) -> str | None:
    return None if value in PLACEHOLDERS else fact(value)
