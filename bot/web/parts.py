"""Pieces of HTML that show an answer. Pure functions: every value is escaped here, in Python, and nowhere else."""

import html
import re
from collections.abc import Iterable
from urllib.parse import quote as url_quote

from bot.plain import answer_text
from bot.types import Answer, Notice, Quote, Role, Source, Span, Status, Tag
from bot.words import Words

# The reviewed numbers of the fixed texts, and what a telephone can do with each. Numbers in quotes never become links.
CALL, TEXT = "tel", "sms"
NUMBERS: dict[str, tuple[str, ...]] = {
    "911": (CALL,),
    "988": (CALL, TEXT),
    "1-800-222-1222": (CALL,),
    "1-800-799-7233": (CALL,),
    "88788": (TEXT,),
    "1-800-422-4453": (CALL, TEXT),
    "1-800-662-4357": (CALL,),
}
NUMBER = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, NUMBERS)) + r")(?![\w-])")


def esc(text: str) -> str:
    """Escape ``text`` so that a browser's ``textContent`` gives back exactly the same characters."""
    return html.escape(text, quote=True).replace("\r", "&#13;")  # a bare CR would be read as a line feed


def linked(text: str) -> str:
    """Escape a fixed text and turn the known phone numbers in it into links."""
    return NUMBER.sub(lambda found: phone_link(found[1], NUMBERS[found[1]][0], found[1]), esc(text))


def phone_link(number: str, scheme: str, label: str, *, css: str = "phone") -> str:
    """Return a link that calls or texts ``number``."""
    body = "?&amp;body=START" if number == "88788" else ""  # the word that this text line waits for
    return f'<a class="{css}" href="{scheme}:{number}{body}">{esc(label)}</a>'


def question_html(question: str, words: Words) -> str:
    """Return the bubble with the redacted question; a heading, so that answers can be jumped between."""
    label = f'<span class="you">{esc(words.label_asked)}</span>'
    return f'<h2 class="asked" tabindex="-1">{label} <span class="asked-words">{esc(question)}</span></h2>'


def answer_html(answer: Answer, words: Words, *, feedback: bool = False, base: str = "") -> str:
    """Return one whole message: words first, then quotes, then the disclaimer, inside one element.

    With ``feedback`` a reader can say whether it helped and report a quote; ``base`` leads to the chat's page.
    """
    dose_on_card = any(Tag.DOSE in quote.tags for quote in answer.quotes)
    notices = [n for n in answer.notices if not (dose_on_card and n.text == words.dose_label)]
    parts = [
        _message(answer, words),
        _notices(notices),
        *(quote_html(quote, words, answer.snapshot, report=feedback, base=base) for quote in answer.quotes),
        _topics(answer, words, base),
        f'<p class="disclaimer"><strong>{esc(words.label_safety)}:</strong> {linked(answer.disclaimer)}</p>',
        # Nobody in danger is asked how helpful that was.
        _feedback(words) if feedback and answer.status is not Status.URGENT else "",
        _tools(answer, words),
    ]
    opening = f'<article class="answer answer-{answer.status.value}" data-code="{esc(answer.trace_id)}">'
    return f"{opening}{''.join(parts)}</article>"


def quote_html(quote: Quote, words: Words, snapshot: str = "", *, report: bool = False, base: str = "") -> str:
    """Return one quote card: the exact words, then where they come from."""
    label = {Role.BALANCE: words.label_balance, Role.DISAGREEMENT: words.label_disagreement}.get(quote.role)
    role = f'<p class="role">{esc(label)}</p>' if label else ""
    dose = f'<p class="notice">{linked(words.dose_label)}</p>' if Tag.DOSE in quote.tags else ""
    inside = [(start - quote.span.start, end - quote.span.start) for start, end in quote.highlights]
    return (
        f'<figure class="quote quote-{quote.role.value}">{role}{dose}'
        f'<blockquote><p class="words">{marked(quote.text, inside)}</p></blockquote>'
        f"<figcaption>{source_html(quote.source, words)}{_where(quote, words, snapshot, base, report=report)}"
        "</figcaption></figure>"
    )


def marked(text: str, ranges: Iterable[tuple[int, int]]) -> str:
    """Escape ``text`` and put ``<mark>`` around the given ranges, clamped and in order; no character changes."""
    pieces, at = [], 0
    for start, end in sorted(ranges):
        start, end = max(start, at), min(end, len(text))
        if start < end:
            pieces += [esc(text[at:start]), f"<mark>{esc(text[start:end])}</mark>"]
            at = end
    return "".join([*pieces, esc(text[at:])])


def source_html(source: Source, words: Words) -> str:
    """Return title, publisher, author and date; what is unknown is said to be unknown."""
    facts = [source.publisher or words.label_no_publisher]
    facts += [f"{words.label_by} {source.author}"] if source.author else []
    facts += [source.published or words.label_no_date]
    line = "".join(f'<span class="fact">{esc(fact)}</span>' for fact in facts)
    sells = f'<p class="sells">{esc(words.label_sells)}</p>' if source.sells_treatment else ""
    return f'<cite>{esc(source.title)}</cite><p class="facts">{line}</p>{sells}'


def context_url(span: Span, snapshot: str = "") -> str:
    """Return the address of the reader page at these words of ``snapshot``, relative to the chat page."""
    edition = f"&v={url_quote(snapshot, safe='')}" if snapshot else ""
    return f"article/{url_quote(span.article, safe='')}?s={span.start}&e={span.end}{edition}#hit"


def web_url(url: str | None) -> str | None:
    """Return ``url`` when it is a plain web address; anything else (such as a script) is no link."""
    return url if url and re.match(r"https?://[^\s]+$", url, re.IGNORECASE) else None


def _message(answer: Answer, words: Words) -> str:
    if answer.status is not Status.URGENT:
        return f'<p class="lead">{linked(answer.message)}</p>'
    first, rest = _until_number(answer.message)
    more = f"<p>{linked(rest)}</p>" if rest else ""
    return (
        f'<div class="card" role="alert"><p class="card-title">{esc(words.label_urgent)}</p>'
        f'<p class="card-first">{linked(first)}</p>{_actions(answer.message, words)}{more}</div>'
    )


def _until_number(message: str) -> tuple[str, str]:
    """Cut a card after the first sentence that names a number: it leads, the buttons follow, then the rest."""
    sentences = re.split(r"(?<=[.!?]) ", message)
    named = next((place for place, sentence in enumerate(sentences) if NUMBER.search(sentence)), 0)
    return " ".join(sentences[: named + 1]), " ".join(sentences[named + 1 :])


def _actions(message: str, words: Words) -> str:
    """Return large call and text buttons for the numbers of a card, in the card's own order."""
    verbs = {CALL: words.label_call, TEXT: words.label_text}
    numbers = dict.fromkeys(NUMBER.findall(message))
    links = [
        phone_link(number, scheme, f"{verbs[scheme]} {number}", css="action")
        for number in numbers
        for scheme in NUMBERS[number]
    ]
    return f'<p class="actions">{"".join(links)}</p>' if links else ""


def _notices(notices: Iterable[Notice]) -> str:
    return "".join(f'<p class="notice">{linked(notice.text)}</p>' for notice in notices)


def _topics(answer: Answer, words: Words, base: str) -> str:
    """Return the headings that the library does have, as links into the articles."""
    links = "".join(
        f'<li><a class="context" href="{esc(base + context_url(t.span, answer.snapshot))}">{esc(t.text)}</a></li>'
        for t in answer.topics
    )
    return f'<div class="topics"><p>{esc(words.label_topics)}</p><ul>{links}</ul></div>' if links else ""


def _where(quote: Quote, words: Words, snapshot: str, base: str, *, report: bool) -> str:
    page = f", {words.label_page} {quote.page}" if quote.page else ""
    file = f"{words.label_file} {quote.source.file}{page}"
    link = f'<a class="context" href="{esc(base + context_url(quote.span, snapshot))}">{esc(words.label_context)}</a>'
    button = _report(quote, words) if report else ""
    return f'<p class="where">{link}{button}<span class="file">{esc(file)}</span></p>'


def _feedback(words: Words) -> str:
    """Return the question whether it helped; the page's script sends the reply."""
    return (
        f'<div class="feedback"><span>{esc(words.label_helpful)}</span>'
        f'<button type="button" class="vote" data-helpful="true">{esc(words.label_yes)}</button>'
        f'<button type="button" class="vote" data-helpful="false">{esc(words.label_no)}</button></div>'
    )


def _report(quote: Quote, words: Words) -> str:
    span = quote.span
    return (
        f'<button type="button" class="report" data-article="{esc(span.article)}" data-start="{span.start}" '
        f'data-end="{span.end}">{esc(words.label_report)}</button>'
    )


def _tools(answer: Answer, words: Words) -> str:
    code = f'<span class="code">{esc(words.label_reference)} <code>{esc(answer.trace_id)}</code></span>'
    if answer.status is Status.URGENT:  # what comes next is the way out of a false alarm: nothing in between
        return f'<p class="tools">{code}</p>'
    built = f"{words.label_built} {answer.built_at[:10]}" if answer.built_at else ""
    return (
        f'<p class="tools"><button type="button" class="copy">{esc(words.label_copy)}</button>'
        f'{code}<span class="built">{esc(built)}</span></p>'
        f'<div class="copy-text" hidden>{esc(_copied(answer, words))}</div>'
    )


def _copied(answer: Answer, words: Words) -> str:
    return f"{words.label_asked}: {answer.question}\n\n{answer_text(answer, words)}"
