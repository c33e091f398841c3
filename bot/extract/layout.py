"""One page of a PDF -> its lines in reading order, from the places where pypdf finds pieces of text.

Lengths are points (1/72 inch), y grows upwards. How wide a piece is must be estimated: the standard fonts carry no
widths.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from pypdf import PageObject

from bot.extract.plain import tidy

BULLETS = frozenset("•‣⁃◦●○■□▪▫∙·\u2043\uf0b7\uf0a7\uf0d8\uf02d")
LETTERS = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\xad": "-"}
    # Adobe's encoding shows a bullet for codes without a letter, and programs draw it so.
    | {"\x7f": "•", "\x95": "•"}
)
NARROW, WIDE = frozenset("ijltfrI.,;:'!|()[]/- \u2019\u2018"), frozenset("mwMWQO@%\u2014")
SPLIT = 1.2  # gap, in font sizes, that may part two columns
CELL = 2.5  # gap, in font sizes, that parts the cells of a table
BASELINE = 0.35  # share of the font size that two pieces of one line may lie apart
COLUMN_LINES = 5  # fewer lines are no column
COLUMN_SHARE = 0.06  # of all lines begin where a column begins
COLUMN_WIDTH = 0.2  # of the page is the least width of a column
ACROSS = -1  # the column of a line that stands in several
FILLED = 0.5  # of its column is filled by a usual line; the cells of a table are shorter


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or a piece of it: from ``x`` to about ``end`` at height ``y``.

    ``glued`` is False when a gap lies before it. ``region`` numbers the column or full-width part of the document that
    it stands in, ``edge`` is where lines of that region end. ``row`` is True for a row of a table.
    """

    x: float
    y: float
    end: float
    size: float
    bold: bool
    text: str
    page: int = 0
    glued: bool = False
    region: int = 0
    edge: float = 0.0
    row: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What stands upright on one page, as drawn; ``turned`` counts the characters left out because they do not."""

    runs: tuple[Line, ...]
    turned: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of one page in reading order."""

    lines: tuple[Line, ...]
    columns: int = 1


def read_page(page: PageObject) -> Page:
    """Return the pieces of lines that pypdf finds on ``page``."""
    pieces = _pieces(page)
    letters: Counter[int] = Counter()
    for angle, piece in pieces:
        letters[angle] += len(piece.text.strip())
    upright = max(letters, key=lambda angle: letters[angle], default=0)
    runs = _runs(piece for angle, piece in pieces if angle == upright)
    return Page(tuple(runs), sum(letters.values()) - letters[upright])


def arrange(pages: list[Page]) -> list[Layout]:
    """Bring the lines of each page into reading order; a page with little text has the columns of the others."""
    found = [_columns(page.runs) for page in pages]
    usual = Counter(starts for starts in found if len(starts) > 1).most_common(1)
    layouts = []
    for number, (page, starts) in enumerate(zip(pages, found, strict=True)):
        if usual and len(starts) == 1 and _fits(page.runs, usual[0][0]):
            starts = usual[0][0]
        lines = tuple(_ordered(page.runs, starts, number)) if page.runs else ()
        layouts.append(Layout(lines, len(starts)))
    return layouts


def width(text: str, size: float) -> float:
    """Return about how wide ``text`` is in a usual typeface of ``size``."""
    return size * sum(0.29 if c in NARROW else 0.84 if c in WIDE else 0.66 if c.isupper() else 0.53 for c in text)


def _pieces(page: PageObject) -> list[tuple[int, Line]]:
    """Return what pypdf finds, in the order it was drawn, with the angle it stands at (degrees)."""
    found: list[tuple[int, Line]] = []
    ended = True

    def visit(text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:  # noqa: ANN401
        nonlocal ended
        if text.strip():
            angle, x, y, scale = _place(cm, tm)
            words = text.translate(LETTERS).strip("\n")
            shown = abs(size * scale) or 1.0
            bold = "bold" in str((font or {}).get("/BaseFont", "")).lower()
            glued = not ended and not words[0].isspace()
            found.append((angle, Line(x, y, x + width(words.strip(), shown), shown, bold, words, glued=glued)))
        elif text and found and not text.count("\n"):
            angle, last = found[-1]
            found[-1] = angle, replace(last, text=last.text + " ")
        ended = text.endswith(("\n", " ")) or (ended and not text)

    page.extract_text(visitor_text=visit)
    return found


def _place(cm: list[float], tm: list[float]) -> tuple[int, float, float, float]:
    """Return angle (0, 90, 180 or 270), x and y along and across the line, and the scale of a piece."""
    a, b = tm[0] * cm[0] + tm[1] * cm[2], tm[0] * cm[1] + tm[1] * cm[3]
    c, d = tm[2] * cm[0] + tm[3] * cm[2], tm[2] * cm[1] + tm[3] * cm[3]
    x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
    y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
    angle = round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360
    along, across = {0: (x, y), 90: (y, -x), 180: (-x, -y), 270: (-y, x)}[angle]
    return angle, along, across, math.hypot(c, d)


def _runs(pieces: Iterable[Line]) -> Iterator[Line]:
    """Join pieces that were drawn one after the other on one line; a wide gap parts them."""
    run: Line | None = None
    for piece in pieces:
        if run is not None and _continues(run, piece):
            run = _joined(run, piece)
            continue
        if run is not None:
            yield run
        run = piece
    if run is not None:
        yield run


def _continues(run: Line, piece: Line) -> bool:
    size = max(run.size, piece.size)
    if abs(piece.y - run.y) > BASELINE * size + (0.15 * size if piece.glued else 0) or piece.x < run.x:
        return False
    return piece.glued or piece.x - run.end < SPLIT * size


def _joined(first: Line, second: Line) -> Line:
    """Return both as one line, with a space between unless they are glued."""
    gap = "" if second.glued or first.text.endswith(" ") or second.text.startswith(" ") else " "
    main = first if len(first.text) >= len(second.text) else second
    bold = (first.bold or not first.text.strip()) and (second.bold or not second.text.strip())
    text = first.text + gap + second.text
    return replace(first, y=main.y, size=main.size, bold=bold, text=text, end=max(first.end, second.end))


def _columns(runs: tuple[Line, ...]) -> tuple[float, ...]:
    """Return where the columns of a page begin: one place, unless many long lines begin at another one too."""
    if not runs:
        return (0.0,)
    left, right = min(run.x for run in runs), max(run.end for run in runs)
    least = max(COLUMN_LINES, COLUMN_SHARE * len(runs))
    starts = [left]
    for x, count in _clusters(sorted(run.x for run in runs)):
        if count >= least and x - starts[-1] >= COLUMN_WIDTH * (right - left):
            starts.append(x)
    ends = [*starts[1:], right]
    for start, end in zip(starts, ends, strict=True):
        column = [run for run in runs if start - 8 <= run.x < end - 8 and not _crosses(run, end, start)]
        inside = sorted(run.end - run.x for run in column)
        if len(inside) < COLUMN_LINES or inside[len(inside) // 2] < FILLED * (end - start):
            return (left,)
    return tuple(starts)


def _fits(runs: tuple[Line, ...], starts: tuple[float, ...]) -> bool:
    """Return True when two lines or more begin where a column begins that is not the first, and few go across."""
    begun = [sum(abs(run.x - start) < 3 for run in runs) for start in starts[1:]]
    across = sum(run.x < starts[1] - 8 and _crosses(run, starts[1], starts[0]) for run in runs)
    return max(begun) >= 2 and across * 2 <= len(runs)


def _clusters(places: list[float]) -> Iterator[tuple[float, int]]:
    """Yield (first place, count) of places that lie together."""
    group: list[float] = []
    for x in places:
        if group and x - group[-1] > 3:
            yield group[0], len(group)
            group = []
        group.append(x)
    if group:
        yield group[0], len(group)


def _crosses(run: Line, end: float, start: float) -> bool:
    """Return True when ``run`` goes on beyond its column, for certain although its width is an estimate."""
    return run.end > end + 0.12 * (end - start)


def _ordered(runs: tuple[Line, ...], starts: tuple[float, ...], page: int) -> Iterator[Line]:
    """Yield the lines in reading order: a line across the columns ends what stands above it in each of them."""
    placed = [(run, _column(run, starts)) for run in sorted(runs, key=lambda run: (-run.y, run.x))]
    edges = {column: max(run.end for run, other in placed if other == column) for _, column in placed}
    region = page * 1000
    for _, band in groupby(placed, key=lambda item: item[1] == ACROSS):
        for column, group in groupby(sorted(band, key=lambda item: item[1]), key=lambda item: item[1]):
            lines = map(_line, _same_height([run for run, _ in group]))
            yield from (replace(line, page=page, region=region, edge=edges[column]) for line in lines)
            region += 1


def _column(run: Line, starts: tuple[float, ...]) -> int:
    """Return the number of the column that ``run`` stands in, or ACROSS when it goes on beyond it."""
    column = max((k for k, start in enumerate(starts) if start <= run.x + 8), default=0)
    last = column == len(starts) - 1
    return ACROSS if not last and _crosses(run, starts[column + 1], starts[column]) else column


def _same_height(runs: list[Line]) -> Iterator[list[Line]]:
    """Group runs, sorted downwards, that stand on one line."""
    group: list[Line] = []
    for run in runs:
        if group and group[-1].y - run.y > BASELINE * max(run.size, group[-1].size):
            yield group
            group = []
        group.append(run)
    if group:
        yield group


def _line(group: list[Line]) -> Line:
    ordered = sorted(group, key=lambda run: run.x)
    cells = [b for a, b in pairwise(ordered) if b.x - a.end > CELL * a.size and not is_label(a.text)]
    line = ordered[0]
    for run in ordered[1:]:
        line = _joined(line, run)
    return replace(line, text=tidy(line.text), row=bool(cells))


def is_label(text: str) -> bool:
    """Return True for a bullet or the number of a list item that stands alone."""
    text = text.strip()
    return text in BULLETS or (len(text) <= 4 and text.rstrip(".)").isalnum() and text.endswith((".", ")")))


def by_page(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield the lines of each page that has some."""
    for _, group in groupby(lines, key=lambda line: line.page):
        yield list(group)
