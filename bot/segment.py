"""Article -> passages and sentences, as spans of the unchanged text. The only home of the sentence splitter."""

import re
from collections.abc import Iterator

import syntok.segmenter

from bot.claims import tags_of
from bot.kinds import BULLET, by_rule, line_kind
from bot.types import Article, Kind, Override, Passage, Sentence, Span

LINE = re.compile(r"[^\r\n\u2028\u2029\x0b\x0c\x85]+")
ENDS_SENTENCE = re.compile(r"[.!?:;\u2026][\"'\u201d\u2019)\]]*$")
# Without these before it, such a sentence says of something that it does not name.
LEANS = re.compile(
    r"\W*(?:this|these|that|those(?!\s+(?:who|with|\w+ing)\b)|such|it|its|they|their|them|he|she|his|her|both|neither|"
    r"however|but|still|yet|nevertheless|nonetheless|instead|therefore|thus|hence|then|otherwise|"
    r"for this reason|by doing so|as a result|in (?:this|that|these|those) (?:way|case|cases)|"
    r"on the other hand|in contrast)\b",
    re.I,
)
# "It is important to drink", "It has been shown that ...": the pronoun stands for what follows.
EXPLETIVE = re.compile(
    r"\W*it(?:\s+(?:is|was|may be|can be|might be|could be)|['\u2019]s)\s+(?:\w+\s+)?"
    r"(?:important|essential|crucial|vital|necessary|possible|common|best|wise|likely|unlikely|normal|known|clear|unclear|"
    r"usual|advisable|helpful|recommended|thought|estimated|believed|rare|not (?:known|clear))\b"
    r"|\W*it\s+(?:has been|was|is)\s+\w+ed\s+that\b",
    re.I,
)
POINTS_BACK = re.compile(r"\b(?:that|whether|if|how)\s+(?:this|these|those|such|they|it)\b", re.I)
LATE_CONTRAST = re.compile(r"\W*(?:[\w'\u2019-]+\s+){1,3}[\w'\u2019-]+,\s+(?:however|though|in contrast),", re.I)


def segment(article: Article) -> tuple[Passage, ...]:
    """Split ``article`` into passages (paragraphs, headings) and their sentences, in reading order.

    Every non-blank character is in exactly one sentence; spans are in order and never overlap.
    """
    passages: list[Passage] = []
    heading: Span | None = None
    paragraphs = list(_paragraphs(article))
    for number, span in enumerate(paragraphs):
        found = line_kind(article, span, followed=number + 1 < len(paragraphs))
        if found is None:
            passages.append(Passage(span, heading, tuple(_sentences(article, span))))
            continue
        sentence = _decide(article, Sentence(span, *found))
        passages.append(Passage(span, None if sentence.kind is Kind.HEADING else heading, (sentence,)))
        heading = span if sentence.kind is Kind.HEADING else heading
    return tuple(passages)


def leans(text: str) -> bool:
    """Return True when a sentence cannot be understood without the one before it."""
    if EXPLETIVE.match(text):
        return POINTS_BACK.search(text[:100]) is not None
    return LEANS.match(text) is not None or LATE_CONTRAST.match(text) is not None


def _paragraphs(article: Article) -> Iterator[Span]:
    """Yield one span per paragraph: a line, or several when the text was wrapped by hand."""
    start = end = -1
    for line in LINE.finditer(article.text):
        first, last = _trim(article.text, line.start(), line.end())
        if first >= last:
            continue
        if start >= 0 and _continues(article.text, start, end, first):
            end = last
            continue
        if start >= 0:
            yield Span(article.source.id, start, end)
        start, end = first, last
    if start >= 0:
        yield Span(article.source.id, start, end)


def _continues(text: str, start: int, end: int, first: int) -> bool:
    """Return True when the line at ``first`` goes on with the one before: no blank line, no full stop, small letter."""
    gap = text[end:first]
    blank_line = gap.replace("\r\n", "\n").count("\n") > 1
    return not blank_line and not ENDS_SENTENCE.search(text[start:end]) and text[first].islower()


def _sentences(article: Article, paragraph: Span) -> Iterator[Sentence]:
    previous_bullet = BULLET.match(article.slice(paragraph)) is not None
    for span in _split(article, paragraph):
        text = article.slice(span)
        kind, rule = by_rule(text) or (Kind.BODY, "running text")
        first = span.start == paragraph.start
        leaning = leans(text) and not (first and previous_bullet)
        yield _decide(article, Sentence(span, kind, rule, leaning, tags_of(text) if kind is Kind.BODY else frozenset()))


def _split(article: Article, paragraph: Span) -> Iterator[Span]:
    """Yield the sentences of a paragraph. The splitter gives token offsets, so the text itself is never touched."""
    text = article.slice(paragraph)
    cuts = [0]
    for found in syntok.segmenter.analyze(text):
        cuts.extend(tokens[0].offset for tokens in (list(sentence) for sentence in found) if tokens)
    cuts = sorted({0, *cuts, len(text)})
    for start, end in zip(cuts, cuts[1:], strict=False):
        first, last = _trim(text, start, end)
        if first < last:
            yield Span(article.source.id, paragraph.start + first, paragraph.start + last)


def _decide(article: Article, sentence: Sentence) -> Sentence:
    """Apply the sidecar's overrides: a person's decision wins over every rule."""
    kind, rule, tags = sentence.kind, sentence.rule, sentence.tags
    for override in _overrides(article, sentence.span):
        rule = "override"
        kind = override.kind or kind
        tags = tags if override.tags is None else frozenset(override.tags)
    if kind is Kind.BODY and sentence.kind is not Kind.BODY and not tags:
        tags = tags_of(article.slice(sentence.span))
    return Sentence(sentence.span, kind, rule, sentence.leans, tags)


def _overrides(article: Article, span: Span) -> Iterator[Override]:
    for override in article.source.overrides:
        start = article.text.index(override.words)
        if start < span.end and span.start < start + len(override.words):
            yield override


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start].isspace() or text[start] == "\ufeff"):
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
