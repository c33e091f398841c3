"""Lines of a PDF -> paragraphs: running heads out, lines joined, words parted at line ends made whole."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from bot.extract.layout import BULLETS, Line, by_page, width
from bot.extract.plain import Block, Shape

OUTER = 3  # lines at the top and at the bottom of a page where running heads stand
REPEATED = 3  # pages, with at most one other between, that show a running head
NUMBER = re.compile(r"\d+")
PAGE_NUMBER = re.compile(r"[-\u2013\s]*(?:page\s+)?(\d{1,4})(?:\s*(?:/|of)\s*\d{1,4})?[-\u2013\s]*", re.I)
ENDS = re.compile(r"[.!?:;\u2026][\"'\u201d\u2019)\]]*$")
NUMBERED = re.compile(r"(?:\d{1,2}|[a-z])[.)]\s")
HYPHEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010]$")
WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
SUSPENDED = re.compile(r"(?:and|or|to|und|y|et)\b")  # "short- and long-term"
# Beginnings that are written with a hyphen more often than they are parted: "non-cancer", "anti-inflammatory".
PREFIXES = frozenset(
    """all anti co cross double evidence ex follow full half high long low multi non one part post pre quasi self semi
    short side single sub three two ultra well""".split()
)
SHORT = 0.6  # of the width is not reached by the last line of a paragraph, where space parts paragraphs as well
SPACED = 0.08  # of the distances between lines are wider where space parts paragraphs
FULL = 0.97  # of the width is filled by a line with the first word of the next, if that did not fit


@dataclass(slots=True)
class Paragraph:
    """A paragraph under construction: ``marks`` are (page, offset in ``text``) where a page begins."""

    text: str
    shape: Shape
    last: Line
    first: Line
    marks: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spacing:
    """How lines stand: the distance of two lines of a paragraph by font size; whether more space parts paragraphs."""

    leading: dict[int, float]
    spaced: bool

    def parts(self, above: Line, below: Line) -> bool:
        """Return True when the space between two lines ends a paragraph."""
        usual = self.leading.get(round(below.size), 1.5 * below.size)
        return above.y - below.y > 1.25 * usual + 0.5


@dataclass(frozen=True, slots=True)
class Flow:
    """Paragraphs of a document with the words that were made whole without a proof in the text."""

    paragraphs: tuple[Paragraph, ...]
    unproven: tuple[str, ...]

    def blocks(self) -> Iterator[Block]:
        """Yield the paragraphs as blocks of a text."""
        return ((paragraph.shape, paragraph.text) for paragraph in self.paragraphs)


def without_running_heads(lines: Iterable[Line]) -> tuple[list[Line], tuple[str, ...]]:
    """Return the lines without headers, footers and page numbers, and an example of each one removed."""
    pages = list(by_page(lines))
    places: dict[str, list[int]] = {}
    for page in pages:
        for line in _outer(page):
            for key in _keys(line):
                places.setdefault(key, []).append(line.page)
    running = {key for key, where in places.items() if _repeats(where, len(pages))}
    kept: list[Line] = []
    removed: dict[str, str] = {}
    for page in pages:
        heads = {id(line): key for line in _outer(page) for key in _keys(line) if key in running}
        heads |= {id(line): "page number" for line in _outer(page) if _is_page_number(line)}
        removed.update({heads[id(line)]: line.text for line in page if id(line) in heads})
        kept += [line for line in page if id(line) not in heads]
    return kept, tuple(dict.fromkeys(removed.values()))


def _outer(page: list[Line]) -> list[Line]:
    heights = sorted({round(line.y) for line in page})
    outer = {*heights[:OUTER], *heights[-OUTER:]}
    return [line for line in page if round(line.y) in outer]


def _is_page_number(line: Line) -> bool:
    found = PAGE_NUMBER.fullmatch(line.text)
    return found is not None and int(found[1]) == line.page + 1


def _keys(line: Line) -> set[str]:
    """Return what is equal on each page that shows the same running head: a number may count the pages."""
    place = f"@{round(line.y / 3)}"
    numbers = list(NUMBER.finditer(line.text)) if len(line.text) < 200 else []
    keys = {line.text + place}
    for found in (numbers[:1] + numbers[-1:]) if all(len(n[0]) < 6 for n in numbers) else []:
        keys.add(f"{line.text[: found.start()]}\0{int(found[0]) - line.page}\0{line.text[found.end() :]}{place}")
    return keys


def _repeats(pages: list[int], total: int) -> bool:
    """Return True when enough pages, each at most two after the one before, show the same."""
    wanted, chain = max(2, min(REPEATED, total)), 1
    for before, after in pairwise(sorted(set(pages))):
        chain = chain + 1 if after - before <= 2 else 1
        if chain >= wanted:
            return True
    return False


def flow(lines: list[Line]) -> Flow:
    """Join ``lines``, in reading order, to paragraphs."""
    spacing, words = _spacing(lines), _words(lines)
    paragraphs: list[Paragraph] = []
    unproven: list[str] = []
    for line in lines:
        paragraph = paragraphs[-1] if paragraphs else None
        if paragraph is not None and _goes_on(paragraph, line, spacing):
            unproven += _append(paragraph, line, words)
            continue
        shape, text = _begin(line)
        paragraphs.append(Paragraph(text, shape, line, line))
        if paragraph is None or paragraph.last.page != line.page:
            paragraphs[-1].marks.append((line.page, 0))
    return Flow(tuple(paragraphs), tuple(unproven))


def _begin(line: Line) -> Block:
    """Return the shape and the words of the first line of a paragraph."""
    if line.row:
        return Shape.ROW, line.text
    if line.text[0] in BULLETS or line.text.startswith(("- ", "* ", "\u2013 ")):
        return Shape.ITEM, "- " + line.text[1:].lstrip()
    return (Shape.ITEM if NUMBERED.match(line.text) else Shape.PARAGRAPH), line.text


def _spacing(lines: list[Line]) -> Spacing:
    """Measure how lines of a paragraph, and paragraphs, stand apart."""
    found: dict[int, Counter[float]] = {}
    for a, b in pairwise(lines):
        if a.region == b.region and _alike(a, b) and a.y - b.y > 0.5 * a.size:
            found.setdefault(round(a.size), Counter())[round((a.y - b.y) * 2) / 2] += 1
    leading = {
        size: min(d for d, count in distances.items() if count >= 0.4 * max(distances.values()))
        for size, distances in found.items()
    }
    wide = sum(n for size, ds in found.items() for d, n in ds.items() if d > 1.25 * leading[size] + 0.5)
    return Spacing(leading, wide >= SPACED * sum(n for ds in found.values() for n in ds.values()))


def _alike(a: Line, b: Line) -> bool:
    return abs(a.size - b.size) <= 0.08 * max(a.size, b.size) and a.bold == b.bold


def _goes_on(paragraph: Paragraph, line: Line, spacing: Spacing) -> bool:
    """Return True when ``line`` belongs to ``paragraph``."""
    last = paragraph.last
    if line.row or last.row or not _alike(last, line) or _begin(line)[0] is Shape.ITEM and _may_begin(paragraph, line):
        return False
    ended = ENDS.search(last.text) is not None
    if last.region != line.region:
        return not ended and (line.text[0].islower() or _full(last, line) and not paragraph.first.bold)
    if spacing.parts(last, line):
        return False
    if paragraph.shape is Shape.ITEM:
        return line.x > paragraph.first.x + 2 or not (ended or line.text[0].isupper())
    indented = line.x > last.x + 0.8 * line.size and line.x > paragraph.first.x + 2
    short = last.end < last.x + SHORT * (last.edge - last.x) if spacing.spaced else not _full(last, line)
    return not (ended and (indented or short))


def _may_begin(paragraph: Paragraph, line: Line) -> bool:
    """Return True unless the list mark is a number or dash in running text that fell on the start of a line."""
    if line.text[0] in BULLETS or paragraph.shape is Shape.ITEM:
        return True
    return ENDS.search(paragraph.last.text) is not None or not _full(paragraph.last, line)


def _full(line: Line, following: Line) -> bool:
    """Return True when ``line`` ended because the first word of ``following`` did not fit."""
    more = width(" " + following.text.split(" ", 1)[0], line.size)
    return line.end + more >= line.x + FULL * (line.edge - line.x)


def _append(paragraph: Paragraph, line: Line, words: Counter[str]) -> list[str]:
    """Add ``line``; return the word that was made whole without a proof, if any."""
    stem = HYPHEN.search(paragraph.text)
    follows = WORD.match(line.text)
    gap, unproven = " ", []
    if stem is not None and follows is not None and not SUSPENDED.match(line.text):
        gap = ""
        whole, parted = (stem[1] + follows[0]).lower(), f"{stem[1]}-{follows[0]}".lower()
        if _drops_hyphen(stem[1], line.text, words[whole], words[parted]):
            paragraph.text = paragraph.text[:-1]
            unproven = [] if words[whole] else [f"{stem[1]}-{follows[0]}"]
    if paragraph.last.page != line.page:
        paragraph.marks.append((line.page, len(paragraph.text) + len(gap)))
    paragraph.text += gap + line.text
    paragraph.last = line
    return unproven


def _drops_hyphen(stem: str, following: str, whole: int, parted: int) -> bool:
    """Return True when the hyphen was put there to part a word; ``whole`` and ``parted`` count its forms elsewhere."""
    if whole or parted:
        return whole > parted
    return following[0].islower() and "-" not in stem and stem.lower() not in PREFIXES


def _words(lines: list[Line]) -> Counter[str]:
    """Count the words of the text but those that a line end may have parted."""
    words: Counter[str] = Counter()
    parted = False
    for line in lines:
        found = [word[0].lower().replace("\u2010", "-") for word in WORD.finditer(line.text)]
        ends = HYPHEN.search(line.text) is not None
        words.update(found[1 if parted else 0 : -1 if ends else None])
        parted = ends
    return words
