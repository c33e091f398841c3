"""The plain routes: the JSON API, health, the list of articles, the reader page and the notes for programs."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.errors import SnapshotError
from bot.library import Library
from bot.readers.text import legible
from bot.types import Article, Passage, ReviewStatus
from bot.web.desk import Desk, visitor_of
from bot.web.originals import original
from bot.web.pages import CSP, article_page, docs_page, message_page, sources_page
from bot.wire import answer_to_dict, source_to_dict

# Well above any allowed question: a longer one is refused whole, never cut, as its end may hold the emergency.
# Half of an emoji is no text for pydantic, and the words around it have to be screened all the same.
Text = Annotated[
    str, BeforeValidator(lambda said: legible(said) if isinstance(said, str) else said), Field(max_length=20_000)
]


class Ask(BaseModel):
    """One question to the articles."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: Text = Field(description="the question, in plain words", examples=["Does it help with pain?"])
    turns: list[Text] = Field([], max_length=20, description="the visitor's earlier questions, oldest first")
    not_emergency: bool = Field(False, description="true when the visitor said that a safety card was not needed")


class Feedback(BaseModel):
    """What a reader thinks of one answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    trace_id: Annotated[str, Field(pattern=r"^[a-z0-9]{10}$", description="the answer's code")]
    helpful: bool | None = Field(None, description="did it help")
    reason: Annotated[str, Field(max_length=2000)] = Field("", description="why; identifiers are taken out")
    article: Annotated[str, Field(max_length=200)] = Field("", description="a reported quote: its article ...")
    start: Annotated[int, Field(ge=0, le=10**8)] = Field(0, description="... and where it begins")
    end: Annotated[int, Field(ge=0, le=10**8)] = Field(0, description="... and ends")


def add_routes(app: FastAPI, desk: Desk) -> None:
    """Add all plain routes and the handler of invalid requests to ``app``."""
    app.include_router(ask_routes(desk))
    app.include_router(library_routes(desk))
    app.add_exception_handler(RequestValidationError, _refuse(desk))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return _html(docs_page(app.openapi(), desk.answerer.words))


def ask_routes(desk: Desk) -> APIRouter:
    """Return POST /api/ask, POST /api/feedback and GET /healthz."""
    router = APIRouter()

    @router.post("/api/ask", responses={429: {"description": "Too many questions"}, 500: {"description": "Failed"}})
    def ask(body: Ask, request: Request) -> JSONResponse:
        """Answer a question with exact quotes. Show `message`, `quotes` and `disclaimer` together, always.

        The answer holds: question (as redacted), status (answered, no_evidence, declined, urgent), routes,
        message, notices, quotes, disclaimer, suggestions, index and trace_id. Errors hold the same fields.
        """
        visitor = visitor_of(request.client.host if request.client else None)
        reply = desk.ask(visitor, body.question, body.turns, entrance="api", not_emergency=body.not_emergency)
        headers = {"retry-after": "60"} if reply.code == 429 else None
        return JSONResponse(answer_to_dict(reply.answer), reply.code, headers)

    @router.post("/api/feedback", status_code=204)
    def feedback(body: Feedback) -> Response:
        """Tell the clinic's staff whether an answer helped, or report one of its quotes.

        The reply is always 204: it does not tell whether the code is known or anything is noted.
        """
        passage = (body.article, body.start, body.end) if body.article else None
        desk.feedback(body.trace_id, helpful=body.helpful, reason=body.reason, passage=passage)
        return Response(status_code=204)

    @router.get("/healthz")
    def healthz() -> dict[str, Any]:
        """Say that the program is up, and which index it answers from."""
        manifest = desk.answerer.library.manifest
        return {"status": "ok", "snapshot": manifest.id, "built_at": manifest.built_at, "articles": len(_shown(desk))}

    return router


def library_routes(desk: Desk) -> APIRouter:
    """Return the list of articles and the reader page. Ids are only looked up, never used as a path."""
    router = APIRouter()
    words, settings = desk.answerer.words, desk.answerer.settings

    @router.get("/sources", include_in_schema=False)
    def sources() -> HTMLResponse:
        return _html(sources_page(list(_shown(desk).values()), desk.answerer.library.info, words))

    @router.get("/sources.json")
    def sources_json() -> dict[str, Any]:
        """List the articles that can be quoted."""
        articles = [source_to_dict(article.source) for article in _shown(desk).values()]
        return {"articles": articles, "disclaimer": words.disclaimer_no_quotes}

    @router.get("/article/{article_id}", include_in_schema=False)
    def read(article_id: str, s: str = "", e: str = "", v: str = "", framed: str = "") -> HTMLResponse:
        article, passages, note = _edition(desk, article_id, v)
        if article is None:
            return _html(message_page(words.label_no_article, words), 404)
        file = settings.originals and article.source.original is not None
        span = _offset(s), _offset(e)
        return _html(article_page(article, passages, *span, words, note=note, original=file, framed=framed == "1"))

    @router.get("/original/{article_id}", include_in_schema=False)
    def save(article_id: str) -> Response:
        article = _shown(desk).get(article_id)
        if article is None or not settings.originals:
            return _html(message_page(words.label_no_article, words), 404)
        return original(article.source, settings.corpus)

    return router


def _edition(desk: Desk, article_id: str, snapshot: str) -> tuple[Article | None, tuple[Passage, ...], str]:
    """Return an article as ``snapshot`` has it, with a note when that is not the one in use.

    Old conversations keep showing the words that answered them; an article that is no longer approved is not shown.
    """
    library, words = desk.answerer.library, desk.answerer.words  # once: it may be swapped at any moment
    article = _approved(library).get(article_id)
    if article is None or snapshot in ("", library.manifest.id):
        return article, library.passages, ""
    try:
        content = desk.live.content(snapshot)
    except SnapshotError:
        return article, library.passages, words.label_renewed
    before = next((a for a in content.articles if a.source.id == article_id), None)
    if before is None or before.text == article.text:
        return article, library.passages, ""
    return before, content.passages, words.label_older


def _shown(desk: Desk) -> dict[str, Article]:
    return _approved(desk.answerer.library)


def _approved(library: Library) -> dict[str, Article]:
    found = library.articles.items()
    return {key: article for key, article in found if article.source.review.status is ReviewStatus.APPROVED}


def _offset(value: str) -> int:
    """Read an offset of a link; anything odd is 0, so that a broken link still shows the article."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def _html(content: str, code: int = 200) -> HTMLResponse:
    return HTMLResponse(content, code, {"content-security-policy": CSP})


def _refuse(desk: Desk) -> Any:  # noqa: ANN401 - the type of a handler differs between starlette's versions
    def handler(request: Request, error: Exception) -> JSONResponse:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        words = desk.answerer.words
        text = words.too_long if any(item["type"] == "string_too_long" for item in found) else words.unreadable
        problems = [{"where": list(item["loc"]), "problem": item["msg"]} for item in found]  # not the input itself
        return JSONResponse(answer_to_dict(desk.answerer.fallback(text)) | {"detail": problems}, 422)

    return handler
