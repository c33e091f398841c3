"""Downloads of the journal and of the unanswered questions, with the disclaimer in them."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from bot.corpus import load_corpus
from bot.errors import CorpusError, InputError
from bot.journal import Entry
from bot.web.desk import Desk
from bot.web.originals import original
from bot.web.overview import Overview, days_ago
from bot.web.records import FORM, NO_JOURNAL, filter_of

COLUMNS = (
    "at", "code", "entrance", "question", "status", "routes", "articles", "top", "ms", "helpful", "reason", "reported",
    "snapshot",
)  # fmt: skip
# How a formula begins for some spreadsheet program, the full-width signs of East Asian ones among them.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def export_routes(desk: Desk, overview: Overview) -> APIRouter:
    """Return the downloads. They lie below /staff, so nobody reaches them without a session."""
    router = APIRouter(prefix="/staff", include_in_schema=False)
    note = desk.answerer.words.disclaimer_no_quotes

    @router.get("/journal.{kind}")
    def journal(kind: str, request: Request) -> Response:
        if desk.journal is None or kind not in ("csv", "jsonl"):
            return PlainTextResponse(NO_JOURNAL if desk.journal is None else "Use .csv or .jsonl", 404)
        try:
            entries = desk.journal.export(filter_of(**{k: v for k, v in request.query_params.items() if k in FORM}))
        except InputError as error:
            return PlainTextResponse(str(error), 400)
        lines = _csv(entries, note) if kind == "csv" else _jsonl(entries, note)
        return StreamingResponse(lines, media_type="text/csv" if kind == "csv" else "application/jsonl")

    @router.get("/original/{article_id}")
    def save(article_id: str) -> Response:
        corpus = desk.answerer.settings.corpus
        try:
            found = {article.source.id: article.source for article in load_corpus(corpus)}
        except CorpusError as error:
            return PlainTextResponse(str(error), 404)
        if article_id not in found:
            return PlainTextResponse("There is no such article in the corpus folder.", 404)
        return original(found[article_id], corpus)

    @router.get("/gaps.csv")
    def gaps(days: int = 30) -> Response:
        rows = [
            {"times": len(entries), "question": gap.typical, "other wordings": " | ".join(gap.wordings)}
            for gap, entries in overview.grouped(days_ago(max(1, min(days, 3650))))
        ]
        lines = _csv_rows(("times", "question", "other wordings"), iter(rows), note)
        return StreamingResponse(lines, media_type="text/csv")

    return router


def _jsonl(entries: Iterator[Entry], note: str) -> Iterator[str]:
    yield json.dumps({"disclaimer": note}) + "\n"
    for entry in entries:
        yield json.dumps(_row(entry), ensure_ascii=False) + "\n"


def _csv(entries: Iterator[Entry], note: str) -> Iterator[str]:
    return _csv_rows(COLUMNS, (_row(entry) for entry in entries), note)


def _csv_rows(columns: tuple[str, ...], rows: Iterator[dict[str, Any]], note: str) -> Iterator[str]:
    """Yield CSV with the disclaimer in every row: a sheet that is cut or sorted keeps it."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*columns, "disclaimer"])
    for row in rows:
        writer.writerow([*(_cell(row[name]) for name in columns), note])
        yield stream.getvalue()
        stream.seek(0)
        stream.truncate()
    yield stream.getvalue()


def _cell(value: object) -> object:
    """Return a cell that a spreadsheet program does not take for a formula."""
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text


def _row(entry: Entry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in COLUMNS}
    return row | {"at": entry.at.isoformat(), "routes": list(entry.routes), "articles": list(entry.articles)}
