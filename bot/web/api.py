"""The plain routes: the JSON API, health, the list of articles, the reader page and the notes for programs."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from bot.types import Article, ReviewStatus
from bot.web.desk import Desk, visitor_of
from bot.web.pages import CSP, article_page, docs_page, message_page, sources_page
from bot.wire import answer_to_dict, source_to_dict

# Well above any allowed question: a longer one is refused whole, never cut, as its end may hold the emergency.
Text = Annotated[str, Field(max_length=20_000)]


class Ask(BaseModel):
    """One question to the articles."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: Text = Field(description="the question, in plain words", examples=["Does it help with pain?"])
    turns: list[Text] = Field([], max_length=20, description="the visitor's earlier questions, oldest first")
    not_emergency: bool = Field(False, description="true when the visitor said that a safety card was not needed")


def add_routes(app: FastAPI, desk: Desk) -> None:
    """Add all plain routes and the handler of invalid requests to ``app``."""
    app.include_router(ask_routes(desk))
    app.include_router(library_routes(desk))
    app.add_exception_handler(RequestValidationError, _refuse(desk))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return _html(docs_page(app.openapi(), desk.answerer.words))


def ask_routes(desk: Desk) -> APIRouter:
    """Return POST /api/ask and GET /healthz."""
    router = APIRouter()

    @router.post("/api/ask", responses={429: {"description": "Too many questions"}, 500: {"description": "Failed"}})
    def ask(body: Ask, request: Request) -> JSONResponse:
        """Answer a question with exact quotes. Show `message`, `quotes` and `disclaimer` together, always.

        The answer holds: question (as redacted), status (answered, no_evidence, declined, urgent), routes,
        message, notices, quotes, disclaimer, suggestions, index and trace_id. Errors hold the same fields.
        """
        visitor = visitor_of(request.client.host if request.client else None)
        reply = desk.ask(visitor, body.question, body.turns, not_emergency=body.not_emergency)
        headers = {"retry-after": "60"} if reply.code == 429 else None
        return JSONResponse(answer_to_dict(reply.answer), reply.code, headers)

    @router.get("/healthz")
    def healthz() -> dict[str, Any]:
        """Say that the program is up, and which index it answers from."""
        manifest = desk.answerer.library.manifest
        return {"status": "ok", "snapshot": manifest.id, "built_at": manifest.built_at, "articles": len(_shown(desk))}

    return router


def library_routes(desk: Desk) -> APIRouter:
    """Return the list of articles and the reader page. Ids are only looked up, never used as a path."""
    router = APIRouter()
    words, library = desk.answerer.words, desk.answerer.library

    @router.get("/sources", include_in_schema=False)
    def sources() -> HTMLResponse:
        return _html(sources_page(list(_shown(desk).values()), library.info, words))

    @router.get("/sources.json")
    def sources_json() -> dict[str, Any]:
        """List the articles that can be quoted."""
        articles = [source_to_dict(article.source) for article in _shown(desk).values()]
        return {"articles": articles, "disclaimer": words.disclaimer_no_quotes}

    @router.get("/article/{article_id}", include_in_schema=False)
    def read(article_id: str, s: str = "", e: str = "") -> HTMLResponse:
        article = _shown(desk).get(article_id)
        if article is None:
            return _html(message_page(words.label_no_article, words), 404)
        return _html(article_page(article, library.passages, _offset(s), _offset(e), words))

    return router


def _shown(desk: Desk) -> dict[str, Article]:
    articles = desk.answerer.library.articles
    return {key: found for key, found in articles.items() if found.source.review.status is ReviewStatus.APPROVED}


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
