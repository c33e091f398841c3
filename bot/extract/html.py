"""Web pages: the article without menus, advertisements and scripts; facts from meta tags and JSON-LD only."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring
from trafilatura import bare_extraction

from bot.extract import Extract, ExtractError, Limits
from bot.extract.plain import Block, Shape, compose, decode, fact, tidy

CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
UNSEEN = "script style noscript template svg math iframe object canvas".split()
HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?![.\d])", re.I)
KEPT = 0.5  # a smaller share of the page's characters in the article is worth a look
SHORT = 250  # characters of an article that is probably not all of it
META = {
    "title": ("citation_title", "og:title", "dc.title", "dcterms.title", "twitter:title"),
    "author": ("citation_author", "author", "dc.creator", "dcterms.creator", "article:author"),
    "publisher": ("citation_publisher", "og:site_name", "dc.publisher", "dcterms.publisher"),
    "published": ("citation_publication_date", "article:published_time", "datepublished", "dc.date", "dcterms.issued"),
    "url": ("og:url",),
}
LINKED = {"title": "headline", "author": "author", "publisher": "publisher", "published": "datePublished"}


def read(data: bytes, limits: Limits) -> Extract:
    """Return the article of a web page.

    Raises:
        ExtractError: the bytes are not in the encoding the page names, or there is no article in it.
    """
    tree = _tree(decode(data, _encoding(data)))
    facts: dict[str, Any] = dict(_facts(tree))
    _drop_unseen(tree)
    whole = len(tidy(" ".join(tree.itertext())))
    document = bare_extraction(tree, include_comments=False, include_formatting=False, with_metadata=False)
    body = getattr(document, "body", None)
    blocks = [] if body is None else list(_blocks(body))
    text, _ = compose(blocks)
    if not text:
        raise ExtractError(
            f"holds no article that can be told from menus ({whole} characters in all). Open it in a browser and copy "
            "the article into a .txt file."
        )
    return Extract(text, **facts, warnings=tuple(_warnings(blocks, len(text) - 1, whole)))


def _encoding(data: bytes) -> str:
    """Return the encoding that the page names; without one it is UTF-8, as browsers take new pages."""
    found = CHARSET.search(data[:4096])
    name = found[1].decode("ascii", "replace") if found else "utf-8"
    if name.lower() in {"iso-8859-1", "latin1", "ascii", "us-ascii"}:
        name = "windows-1252"  # what browsers read for these names
    try:
        codec = codecs.lookup(name)
    except LookupError as error:
        raise ExtractError(f"names an unknown encoding, '{name[:40]}'. Save it as UTF-8.") from error
    # A page that could be read as ASCII up to its meta tag is not UTF-16, whatever it says.
    return "utf-8" if codec.name.startswith("utf-16") or not codec._is_text_encoding else codec.name


def _tree(text: str) -> HtmlElement:
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    source = DECLARATION.sub("", text).encode("utf-8", "replace")
    try:
        tree = document_fromstring(source, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise ExtractError(f"is a web page without content ({error}). Save the page anew from a browser.") from error
    if any("depth" in entry.message for entry in parser.error_log):
        raise ExtractError("is nested deeper than any page (256 elements). Copy the article into a .txt file.")
    return tree


def _drop_unseen(tree: HtmlElement) -> None:
    """Remove what a reader of the page does not see, as far as the page itself says so."""
    unseen = [tree.iterfind(f".//{name}") for name in UNSEEN]
    doomed = [element for found in unseen for element in found]
    doomed += tree.xpath(".//dialog[not(@open)] | .//*[@hidden] | .//*[@aria-hidden='true'] | .//input[@type='hidden']")
    doomed += [element for element in tree.xpath(".//*[@style]") if HIDDEN_STYLE.search(element.get("style"))]
    for element in doomed:
        if element.getparent() is not None and element.tag not in {"html", "body"}:
            element.drop_tree()


def _blocks(body: etree._Element) -> Iterator[Block]:
    """Yield the blocks of the tree that trafilatura makes: head, p, list of item, table of row of cell, quote."""
    for element in body:
        if element.tag == "list":
            yield from ((Shape.ITEM, f"- {t}") for item in element.iter("item") if (t := _own_words(item)))
        elif element.tag == "table":
            for row in element.iter("row"):
                cells = [tidy(" ".join(cell.itertext())) for cell in row.iter("cell")]
                if any(cells):
                    yield Shape.ROW, "; ".join(cell for cell in cells if cell)
        elif element.tag in {"div", "quote"} and len(element):
            yield from _loose(element.text)
            yield from _blocks(element)
        else:
            yield from _loose("".join(_with_breaks(element)))
        yield from _loose(element.tail)


def _loose(text: str | None) -> Iterator[Block]:
    for line in (text or "").split("\x1e"):
        words = tidy(line)
        if words:
            yield Shape.PARAGRAPH, words


def _with_breaks(element: etree._Element) -> Iterator[str]:
    """Yield the words of ``element``; a line break becomes a mark, which ends the paragraph."""
    yield element.text or ""
    for child in element.iterdescendants():
        yield "\x1e" if child.tag == "lb" else child.text or ""
        yield child.tail or ""


def _own_words(item: etree._Element) -> str:
    """Return the words of a list item without those of items in it, which follow as items of their own."""
    words = [item.text or ""]
    for child in item:
        if child.tag != "list":
            words.append(" ".join(child.itertext()) if len(child) else child.text or "")
        words.append(child.tail or "")
    return tidy("".join(words))


def _facts(tree: HtmlElement) -> Iterator[tuple[str, str | None]]:
    metas: dict[str, str | None] = {}
    for meta in tree.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").strip().lower()
        metas.setdefault(name, meta.get("content"))
    linked = _linked_data(tree)
    for name, keys in META.items():
        found = [_name(linked.get(LINKED.get(name, "")))] + [metas.get(key) for key in keys]
        if name == "title":
            found.append(tree.findtext(".//head/title"))
        if name == "url":
            found += [link.get("href") for link in tree.iterfind(".//link[@rel='canonical']")]
        values = [value for value in map(fact, found) if value and _is_address(value) == (name == "url")]
        yield name, values[0] if values else None


def _linked_data(tree: HtmlElement) -> dict[str, object]:
    """Return the first JSON-LD object that states a headline; a broken one states nothing."""
    queue: list[object] = []
    for script in tree.iterfind(".//script[@type='application/ld+json']"):
        try:
            queue.append(json.loads(script.text or ""))
        except (ValueError, RecursionError):
            continue  # pages often carry broken JSON-LD; the meta tags still count
    for value in queue:  # grows while it is walked
        if isinstance(value, list):
            queue.extend(value)
        elif isinstance(value, dict):
            if isinstance(value.get("headline"), str):
                return value
            queue.append(value.get("@graph"))
    return {}


def _name(value: object) -> str | None:
    """Return the name in a JSON-LD value: text, an object with a name, or several of them."""
    if isinstance(value, list):
        return ", ".join(name for name in map(_name, value) if name)
    if isinstance(value, dict):
        value = value.get("name")
    return value if isinstance(value, str) else None


def _is_address(value: str) -> bool:
    return re.fullmatch(r"https?://[^\s<>\"']+", value) is not None


def _warnings(blocks: list[Block], kept: int, whole: int) -> Iterator[str]:
    if any(shape is Shape.ROW for shape, _ in blocks):
        yield "tables were flattened, a row to a line"
    if kept < SHORT or kept < KEPT * whole:
        yield f"{kept} of {whole} characters were kept as the article: compare with the page"
