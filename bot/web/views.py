"""What staff see of a trace: pure functions from the stored trace and the texts of its snapshot to escaped HTML."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.library import rows_of
from bot.snapshot import Content
from bot.types import Article, Kind, Sentence, Span
from bot.web.parts import esc, marked

MOST_BARS, MOST_ROWS = 12, 500
MOST_READ = 200_000  # characters of an article that are shown at once
SCORES = {  # what each score of a hit is called on the page
    "probability": "probability",
    "large": "read again",
    "rerank": "read",
    "fused": "fused",
    "late": "late",
    "dense": "dense",
    "context": "passage",
    "lexical": "BM25",
    "coverage": "words",
    "kind": "kind",
    "lacks": "no amount",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One hit of a trace with its words; ``text`` is "" when the snapshot is gone."""

    hit: Mapping[str, Any]
    span: Span | None
    text: str

    @property
    def quoted(self) -> bool:
        """True when the sentence was quoted."""
        return not self.hit["dropped"]


def found_in(trace: Mapping[str, Any], content: Content | None) -> list[Found]:
    """Return the hits of ``trace`` with their sentences in ``content`` (None: the snapshot is not kept any more)."""
    if content is None:
        return [Found(hit, None, "") for hit in trace.get("hits", [])]
    rows = rows_of(content.passages)
    articles = content.by_id
    spans = [(hit, rows[hit["row"]].sentence.span) for hit in trace.get("hits", [])]
    return [Found(hit, span, articles[span.article].slice(span)) for hit, span in spans]


def summary_view(trace: Mapping[str, Any]) -> str:
    """Return what was decided: screening, query, stages with their times, ids."""
    queries = [
        # Traces of earlier versions have no form without the name.
        ("asked", q["text"], q["corrected"], q.get("unnamed", ""), q["medical"], ", ".join(q["kinds"]) or "anything")
        for q in trace.get("queries", [])
    ]
    verdicts = [
        (v["rule"], v["route"], "card" if v["hard"] else "line", v["reason"]) for v in trace.get("verdicts", [])
    ]
    answer = trace.get("answer", {})
    ids = [
        ("answer code", trace.get("id", "")),
        ("snapshot", answer.get("index", {}).get("snapshot", "")),
        ("settings", trace.get("settings", "")),
    ]
    return (
        "<h3>Screening</h3>"
        + (table(("rule", "class", "gives", "reason"), verdicts) if verdicts else "<p>No rule spoke.</p>")
        + "<h3>What was searched for</h3>"
        + (
            table(
                ("", "with what it leans on", "spelling corrected", "subject as it", "medical words", "asks for"),
                queries,
            )
            if queries
            else "<p>Nothing was searched.</p>"
        )
        + "<h3>Time of each stage</h3>"
        + stages_view(trace.get("millis", {}))
        + "<h3>Ids</h3>"
        + table(("what", "id"), ids)
    )


def stages_view(millis: Mapping[str, float]) -> str:
    """Return a bar for each stage's milliseconds."""
    total = max(millis.get("total", 0.0), 0.001)
    rows = "".join(
        f'<li><span class="name">{esc(name)}</span>{bar(spent / total)}<span class="number">{spent:.1f} ms</span></li>'
        for name, spent in millis.items()
    )
    return f'<ul class="bars">{rows}</ul>'


def chart_view(found: Sequence[Found], thresholds: tuple[float, float]) -> str:
    """Return the probabilities of the best hits as bars, with the two thresholds as lines."""
    first, further = thresholds
    rows = "".join(
        f'<li class="{"quoted" if one.quoted else "dropped"}"><span class="name">{esc(_short(one))}</span>'
        f"{bar(one.hit['probability'], thresholds)}"
        f'<span class="number">{one.hit["probability"]:.2f}</span></li>'
        for one in found[:MOST_BARS]
    )
    told = (
        f"The lines are the least probability of a first quote, {first:.2f}, and, dashed, of a further one, "
        f"{further:.2f}. Dark bars were quoted."
    )
    return f'<p class="told">{esc(told)}</p><ul class="bars chart">{rows}</ul>' if rows else "<p>No candidates.</p>"


def hits_view(found: Sequence[Found]) -> str:
    """Return the table of candidates with every score and the reason why a sentence was not quoted."""
    rows = [
        (
            one.text or f"sentence {one.hit['row']}",
            one.hit["dropped"] or "quoted",
            one.span.article if one.span else "",
            *(_number(one.hit.get(name)) for name in SCORES),
        )
        for one in found[:MOST_ROWS]
    ]
    head = ("sentence", "what became of it", "article", *SCORES.values())
    more = f"<p>{len(found) - MOST_ROWS} more candidates are not listed.</p>" if len(found) > MOST_ROWS else ""
    return table(head, rows, css="hits") + more


def article_view(article: Article, found: Iterable[Found]) -> str:
    """Return the whole text with the retrieved sentences coloured by probability, quoted ones underlined."""
    own = [one for one in found if one.span and one.span.article == article.source.id]
    cuts = sorted({(one.span.start, one.span.end): one for one in own if one.span}.items())
    marks = []
    for (start, end), one in cuts:
        share = max(0, min(4, int(one.hit["probability"] * 5)))
        told = f"probability {one.hit['probability']:.2f}: {one.hit['dropped'] or 'quoted'}"
        marks.append((start, end, f"heat heat-{share}{' quoted' if one.quoted else ''}", told))
    return _reading(article.text, marks, "Article")


def quotable_view(article: Article, sentences: Iterable[Sentence], most: int = MOST_READ) -> str:
    """Return the text as a person reads it before approving: what may be quoted is marked, the rest struck out."""
    marks = [
        (one.span.start, one.span.end, "not" if one.unquotable else "may", _why(one))
        for one in sentences
        if one.span.end <= most
    ]
    more = f"<p>{len(article.text) - most} more characters are not shown.</p>" if len(article.text) > most else ""
    told = "Marked: may be quoted once the article is approved. Struck out: never quoted (the reason is in its title)."
    return f'<p class="told">{esc(told)}</p>{_reading(article.text[:most], marks, "Text")}{more}'


def _why(sentence: Sentence) -> str:
    rule = sentence.rule if sentence.kind is not Kind.BODY else "too long"
    return f"not quoted: {rule} ({sentence.kind.value})" if sentence.unquotable else "may be quoted"


def _reading(text: str, marks: Iterable[tuple[int, int, str, str]], label: str) -> str:
    """Return ``text`` with marks (start, end, class, title), without those that overlap an earlier one."""
    pieces, at = [], 0
    for start, end, css, told in marks:
        if start < at:
            continue
        pieces += [esc(text[at:start]), f'<mark class="{css}" title="{esc(told)}">{esc(text[start:end])}</mark>']
        at = end
    shown = "".join(pieces) + esc(text[at:])
    return f'<div class="reading staff-reading" tabindex="0" role="region" aria-label="{label}">{shown}</div>'


def compared_view(names: tuple[str, str], answers: tuple[Mapping[str, Any], Mapping[str, Any]]) -> str:
    """Return two answers to one question side by side."""
    sides = "".join(
        f'<div class="side"><h3>{esc(name)}</h3><p>{esc(answer["status"])}: {esc(answer["message"])}</p>'
        + "".join(_quote(quote) for quote in answer["quotes"])
        + "</div>"
        for name, answer in zip(names, answers, strict=True)
    )
    return f'<div class="sides">{sides}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, css: str = "") -> str:
    """Return an HTML table; every cell is escaped. It scrolls sideways by itself, so it takes the focus."""
    top = "".join(f'<th scope="col">{esc(name)}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{esc(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(head[0] or head[-1])}">'
        f'<table class="{css}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def bar(share: float, thresholds: Sequence[float] = ()) -> str:
    """Return a bar of 0..1, with a line at each of ``thresholds``."""
    width = round(max(0.0, min(1.0, share)) * 100, 1)
    lines = "".join(f'<i class="line" style="left:{threshold * 100:.1f}%"></i>' for threshold in thresholds)
    return f'<span class="track" aria-hidden="true"><b style="width:{width}%"></b>{lines}</span>'


def _quote(quote: Mapping[str, Any]) -> str:
    inside = [(start - quote["start"], end - quote["start"]) for start, end in quote["highlights"]]
    told = f"{quote['source']['title']} ({quote['role']}, {quote['score']:.2f})"
    return f"<blockquote><p>{marked(quote['text'], inside)}</p><cite>{esc(told)}</cite></blockquote>"


def _short(one: Found) -> str:
    text = one.text or f"sentence {one.hit['row']}"
    return text if len(text) <= 90 else text[:89] + "\u2026"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def told_view(message: str) -> str:
    """Return lines that a screen reader reads out, or nothing."""
    lines = "<br>".join(esc(line) for line in message.splitlines())
    return f'<p role="status">{lines}</p>' if message.strip() else ""


def lines_view(lines: Iterable[str]) -> str:
    """Return lines as a list."""
    return '<ul class="plan">' + "".join(f"<li>{esc(line)}</li>" for line in lines) + "</ul>"
