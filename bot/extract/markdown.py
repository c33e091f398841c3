"""Markdown (CommonMark with tables): the words that a reader of the page sees, without its marks."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.extract import Extract, ExtractError, Limits, plain
from bot.extract.plain import Block, Shape, compose, fact, tidy

NESTING = 100  # levels of lists and quotes; what lies deeper is left out by the parser
PARSER = MarkdownIt("commonmark", {"maxNesting": NESTING}).enable("table")
# Two rules with words between them are no front matter: that begins with the name of a field.
FRONT_MATTER = re.compile(r"\A---[ \t]*\n([A-Za-z][\w-]{0,40}[ \t]*:.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
TOML_MATTER = re.compile(r"\A\+\+\+[ \t]*\n(.{0,20000}?)\n\+\+\+[ \t]*(?:\n|\Z)", re.S)
STATED = re.compile(r"^(title|authors?|date|publisher|url)[ \t]*:[ \t]*([^\s\[{|>].{0,500})$", re.M)
LISTED = re.compile(r"^(authors?)[ \t]*:[ \t]*(?:\[([^\]]{1,500})\][ \t]*$|((?:\n[ \t]*-[ \t].{1,100}){1,20}))", re.M)
QUOTED = re.compile(r"""\A(["'])(.*)\1\Z""")
# Tags within a line: what they mean for the words around them. Any other one parts words.
BREAK_TAG, POWER_TAG = re.compile(r"<br\b", re.I), re.compile(r"<sup\b", re.I)
QUIET_TAG = re.compile(r"</?(?:sup|sub|b|i|em|strong|u|a|span|mark|small|abbr|code|font)\b|<!--", re.I)
CELLS, CODE, SHOWN = {"th_open", "td_open"}, {"fence", "code_block"}, {"text", "code_inline"}
BREAK = "\x1e"  # no text holds it: control characters are refused
KEPT = 0.5  # a smaller share of the file's characters in the text is worth a look


def read(data: bytes, limits: Limits) -> Extract:
    """Return the words of a Markdown file, and the facts that its front matter or first heading states.

    Raises:
        ExtractError: it is no text, or nothing in it is shown to a reader.
    """
    stated, body = _front_matter(plain.read(data, limits).text)
    tokens = PARSER.parse(body)
    text, _ = compose(_blocks(tokens))
    if not text:
        raise ExtractError("holds no words that a reader would see. Open it, and save the article as a .txt file.")
    return Extract(
        text,
        title=fact(stated.get("title")) or fact(_title(tokens)),
        author=fact(stated.get("author") or stated.get("authors")),
        publisher=fact(stated.get("publisher")),
        published=fact(stated.get("date")),
        url=fact(stated.get("url")) if stated.get("url", "").startswith(("http://", "https://")) else None,
        warnings=tuple(_warnings(tokens, len(text), len(body))),
    )


def _front_matter(source: str) -> tuple[dict[str, str], str]:
    """Return what the front matter of ``source`` states, lists as one line, and the rest of it."""
    if front := FRONT_MATTER.match(source):
        return _lines_of(front[1]), source[front.end() :]
    if toml := TOML_MATTER.match(source):
        # Words between two lines of +++ that are no TOML stay as they stand.
        with suppress(tomllib.TOMLDecodeError):
            return {name: _line(value) for name, value in tomllib.loads(toml[1]).items()}, source[toml.end() :]
    return {}, source


def _lines_of(matter: str) -> dict[str, str]:
    stated = {name: _plain(value) for name, value in STATED.findall(matter)}
    for name, inline, lines in LISTED.findall(matter):
        found = inline.split(",") if inline else [line.strip().removeprefix("-") for line in lines.split("\n")]
        stated[name] = _line([one for one in map(_plain, found) if one])
    return stated


def _line(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(value: str) -> str:
    return QUOTED.sub(r"\2", value.strip())


def _blocks(tokens: list[Token]) -> Iterator[Block]:
    """Yield what stands between empty lines, each item of a list, each row of a table."""
    cells: list[str] = []
    for number, token in enumerate(tokens):
        around = [one.type for one in tokens[max(0, number - 2) : number]]
        if token.type == "tr_close":
            yield from ((Shape.ROW, row) for row in ["; ".join(filter(None, cells))] if row)
            cells = []
        elif token.type == "inline" and around[-1] in CELLS:
            cells.append(tidy(_words(token).replace(BREAK, " ")))
        elif token.type == "inline" or token.type in CODE:
            yield from _lines(_words(token), item="list_item_open" in around)


def _lines(words: str, *, item: bool) -> Iterator[Block]:
    """Yield the lines of a paragraph; the first one of a list's item gets its bullet."""
    lines = [line for line in map(tidy, words.split(BREAK)) if line]
    for line in lines[:1]:
        yield (Shape.ITEM, f"- {line}") if item else (Shape.PARAGRAPH, line)
    yield from ((Shape.PARAGRAPH, line) for line in lines[1:])


def _words(token: Token) -> str:
    """Return what a reader sees of a token; a hard line break becomes a mark."""
    if token.type in CODE:
        return token.content
    return "".join(map(_shown, token.children or []))


def _shown(part: Token) -> str:
    if part.type in SHOWN:
        return part.content
    if part.type == "html_inline":
        return _tag(part.content)
    return {"softbreak": " ", "hardbreak": BREAK}.get(part.type, "")


def _tag(tag: str) -> str:
    """Return what stands for a tag: "10<sup>6</sup>" must not become 106, nor "5 mg<br>twice" one word."""
    if POWER_TAG.match(tag):
        return "^"
    return BREAK if BREAK_TAG.match(tag) else "" if QUIET_TAG.match(tag) else " "


def _title(tokens: list[Token]) -> str | None:
    """Return the words of a heading of the first level that the text begins with."""
    first = tokens[:2]
    return (
        _words(first[1]).replace(BREAK, " ")
        if len(first) > 1 and (first[0].type, first[0].tag) == ("heading_open", "h1")
        else None
    )


def _warnings(tokens: list[Token], kept: int, whole: int) -> Iterator[str]:
    if any(token.type == "tr_open" for token in tokens):
        yield "tables were flattened, a row to a line"
    if any(part.type.startswith("html") for token in tokens for part in (token, *(token.children or ()))):
        yield "HTML tags in it were left out, with the words that they hold as blocks: compare with the file"
    if kept < KEPT * whole:
        yield f"{kept} of {whole} characters were kept as the article: compare with the file"
