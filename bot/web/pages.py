"""Plain HTML pages beside the chat: one article, the list of articles, the notes for programs. No script at all."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.types import Article, Kind, LibraryInfo, Passage, Source
from bot.web.parts import esc, linked, source_html, web_url
from bot.words import Words

STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CSP = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# The login page alone may send its form, and only back to this server.
FORM_CSP = CSP.replace("form-action 'none'", "form-action 'self'")
# What a reader may see of an article. Everything else, and whatever no rule has classified, is left out.
READABLE = frozenset({Kind.BODY, Kind.HEADING, Kind.TITLE})


def page(title: str, body: str, words: Words) -> str:
    """Return a whole page with the banner on top; ``body`` is HTML made from escaped parts."""
    return (
        '<!doctype html><html lang="en" class="plain"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{esc(title)}</title><style>{STYLE}</style></head>"
        f'<body><aside id="banner" aria-label="{esc(words.label_safety)}"><p>{linked(words.banner)}</p></aside>'
        f'<main class="sheet">{body}</main></body></html>'
    )


def article_page(
    article: Article,
    passages: Iterable[Passage],
    start: int,
    end: int,
    words: Words,
    *,
    note: str = "",
    original: bool = False,
    framed: bool = False,
) -> str:
    """Return the readable words of one article with [start, end) marked; odd offsets mark less or nothing.

    With ``original`` the file that the text was taken from can be saved, beside a note on what it may hold. In a frame
    of the chat (``framed``) no link leads to another page.
    """
    source = article.source
    renewed = f'<p class="notice">{esc(note)}</p>' if note else ""
    file = (
        f'<p><a href="../original/{esc(source.id)}" download>{esc(words.label_original_file)}</a>. '
        f"{esc(words.original_note)}</p>"
        if original
        else ""
    )
    crumbs = (
        f'<p class="crumbs"><a href="../">{esc(words.label_back)}</a> <a href="../sources">'
        f"{esc(words.label_sources)}</a></p>"
    )
    body = (
        f"{'' if framed else crumbs}<h1>{esc(source.title)}</h1>{about_source(source, words)}{file}{renewed}"
        f'<div class="reading">{reading(article, passages, start, end, words)}</div>'
        f'<p class="disclaimer">{linked(words.disclaimer)}</p>'
    )
    return page(source.title, body, words)


def reading(article: Article, passages: Iterable[Passage], start: int, end: int, words: Words) -> str:
    """Return the article's text, exact where it is shown; the first marked piece has the id ``hit``."""
    start, end = max(0, min(start, len(article.text))), max(0, min(end, len(article.text)))
    left_out = f'\n\n<span class="left-out">[{esc(words.label_left_out)}]</span>\n\n'
    pieces: list[str] = []
    hits = 0
    for begin, stop, shown in _stretches(article, passages):
        if not shown:
            pieces.append(left_out)
            continue
        first, last = max(start, begin), min(end, stop)
        if first >= last:
            pieces.append(esc(article.text[begin:stop]))
            continue
        name = ' id="hit" tabindex="-1"' if not hits else ""
        hits += 1
        pieces += [
            esc(article.text[begin:first]),
            f"<mark{name}>{esc(article.text[first:last])}</mark>",
            esc(article.text[last:stop]),
        ]
    return "".join(pieces)


def about_source(source: Source, words: Words) -> str:
    """Return what is known about an article, and who checked it."""
    review = source.review
    checked = f"{words.label_reviewed} {review.reviewer}" if review.reviewer else words.label_no_review
    url = web_url(source.url)
    link = (
        f'<p><a href="{esc(url)}" target="_blank" rel="noopener noreferrer">{esc(words.label_original)}</a></p>'
        if url
        else ""
    )
    return (
        f'<div class="about-source">{source_html(source, words)}<p class="file">{esc(checked)}. '
        f"{esc(words.label_file)} {esc(source.file)}</p>{link}</div>"
    )


def sources_page(articles: Sequence[Article], info: LibraryInfo, words: Words) -> str:
    """Return the list of all articles that can be quoted."""
    items = "".join(
        f'<li><a href="article/{esc(article.source.id)}">{esc(article.source.title)}</a>'
        f"{about_source(article.source, words)}</li>"
        for article in articles
    )
    body = (
        f'<p class="crumbs"><a href="./">{esc(words.label_back)}</a></p><h1>{esc(words.label_sources)}</h1>'
        f'<p>{esc(info.title)}</p><ul class="sources">{items}</ul><p class="disclaimer">{linked(words.disclaimer)}</p>'
    )
    return page(f"{words.label_sources} - {info.title}", body, words)


def message_page(message: str, words: Words) -> str:
    """Return a page with one fixed line, such as "there is no such article"."""
    body = (
        f"<h1>{esc(message)}</h1>"
        f'<p class="crumbs"><a href="../">{esc(words.label_back)}</a> <a href="../sources">{esc(words.label_sources)}'
        f'</a></p><p class="disclaimer">{linked(words.disclaimer_no_quotes)}</p>'
    )
    return page(message, body, words)


def login_page(words: Words, token: str, message: str) -> str:
    """Return the form that staff sign in with; ``token`` proves that the form came from here."""
    told = f'<p class="notice" role="alert">{esc(message)}</p>' if message else ""
    body = (
        f'<p class="crumbs"><a href="../">{esc(words.label_back)}</a></p><h1>{esc(words.staff_title)}</h1>{told}'
        f'<form class="login" method="post" action="login"><input type="hidden" name="token" value="{esc(token)}">'
        f'<label>{esc(words.staff_name)}<input name="name" autocomplete="username" required maxlength="40"></label>'
        f'<label>{esc(words.staff_password)}<input name="password" type="password" '
        f'autocomplete="current-password" required maxlength="200"></label>'
        f'<button type="submit">{esc(words.staff_enter)}</button></form>'
        f'<p class="disclaimer">{linked(words.disclaimer_no_quotes)}</p>'
    )
    return page(words.staff_title, body, words)


def docs_page(schema: Mapping[str, Any], words: Words) -> str:
    """Return the notes for programmers, made from the OpenAPI schema, so that no script from a CDN is needed."""
    rows = "".join(
        f"<h2><code>{esc(method.upper())} {esc(path)}</code></h2><p>{_named(about.get('description', ''))}</p>"
        for path, methods in schema["paths"].items()
        for method, about in methods.items()
    )
    ask = esc(json.dumps(schema["components"]["schemas"]["Ask"], indent=2))
    example = "curl -s http://127.0.0.1:7860/api/ask -H 'content-type: application/json' -d '{\"question\": \"...\"}'"
    body = (
        f'<p class="crumbs"><a href="./">{esc(words.label_back)}</a> <a href="openapi.json">openapi.json</a></p>'
        f'<h1>{esc(words.label_api)}</h1><pre tabindex="0">{esc(example)}</pre>{rows}'
        f'<h2>Ask</h2><pre tabindex="0">{ask}</pre>'  # can be scrolled sideways, so it must take the focus
        f'<p class="disclaimer">{linked(words.disclaimer_no_quotes)}</p>'
    )
    return page(words.label_api, body, words)


def _named(text: str) -> str:
    """Return ``text`` with the names that stand between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", esc(text))


def _stretches(article: Article, passages: Iterable[Passage]) -> list[tuple[int, int, bool]]:
    """Cut the whole text into (start, end, shown) stretches; only sentences known to be readable are shown."""
    spans = sorted(
        (sentence.span.start, sentence.span.end)
        for passage in passages
        if passage.span.article == article.source.id
        for sentence in passage.sentences
        if sentence.kind in READABLE
    )
    cuts: list[tuple[int, int, bool]] = []
    at = 0
    for start, end in [*spans, (len(article.text), len(article.text))]:
        if at < start:
            cuts.append((at, start, not article.text[at:start].strip()))
        if at < end:
            cuts.append((max(at, start), end, True))
            at = end
    return _joined(cuts)


def _joined(cuts: Iterable[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    joined: list[tuple[int, int, bool]] = []
    for start, end, shown in cuts:
        if joined and joined[-1][2] == shown:
            joined[-1] = (joined[-1][0], end, shown)
        elif start < end:
            joined.append((start, end, shown))
    return joined
