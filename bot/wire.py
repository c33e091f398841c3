"""The answer as JSON: one shape for the command line, the HTTP API and exports."""

from typing import Any

from bot.types import Answer, Quote, Source, Trace


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """Return the answer as plain JSON values; the format is described in docs/ANSWER_FORMAT.md."""
    return {
        "question": answer.question,
        "status": answer.status.value,
        "routes": [route.value for route in answer.routes],
        "message": answer.message,
        "notices": [{"rule": notice.rule, "text": notice.text} for notice in answer.notices],
        "quotes": [_quote(quote) for quote in answer.quotes],
        "disclaimer": answer.disclaimer,
        "suggestions": list(answer.suggestions),
        "topics": [
            {"text": t.text, "article": t.span.article, "start": t.span.start, "end": t.span.end} for t in answer.topics
        ],
        "index": {"snapshot": answer.snapshot, "built_at": answer.built_at},
        "trace_id": answer.trace_id,
    }


def trace_to_dict(trace: Trace) -> dict[str, Any]:
    """Return the whole trace as plain JSON values, for staff and for debugging."""
    return {
        "id": trace.id,
        "query": trace.query,
        "queries": [
            {
                "text": q.text,
                "corrected": q.corrected,
                "unnamed": q.unnamed,
                "medical": q.medical,
                "kinds": sorted(q.kinds),
            }
            for q in trace.queries
        ],
        "settings": trace.settings,
        "verdicts": [
            {"rule": v.rule, "route": v.route.value, "hard": v.hard, "reason": v.reason}
            for v in trace.screening.verdicts
        ],
        "hits": [{name: getattr(hit, name) for name in hit.__dataclass_fields__} for hit in trace.hits],
        "millis": dict(trace.millis),
        "megabytes": dict(trace.megabytes),
        "answer": answer_to_dict(trace.answer),
    }


def source_to_dict(source: Source) -> dict[str, Any]:
    """Return one article's metadata as plain JSON values; unknown ones are null."""
    return {
        "id": source.id,
        **_origin(source),
        "licence": source.licence,
        "status": source.review.status.value,
        "reviewer": source.review.reviewer,
        "reviewed_on": source.review.reviewed_on.isoformat() if source.review.reviewed_on else None,
        "sha256": source.sha256,
    }


def _origin(source: Source) -> dict[str, Any]:
    return {
        "title": source.title,
        "publisher": source.publisher,
        "author": source.author,
        "published": source.published,
        "url": source.url,
        "sells_treatment": source.sells_treatment,
    }


def _quote(quote: Quote) -> dict[str, Any]:
    return {
        "text": quote.text,
        "article": quote.span.article,
        "start": quote.span.start,
        "end": quote.span.end,
        "page": quote.page,
        "highlights": [list(pair) for pair in quote.highlights],
        "role": quote.role.value,
        "source": _origin(quote.source),
        "score": round(quote.score, 4),
    }
