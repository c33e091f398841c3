"""Commands that answer: ask, search, sources, serve."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from bot.cli.shell import NOTHING_FOUND, IndexOption, JsonOption, err, line, out, print_json, progress_bar
from bot.errors import InputError
from bot.plain import answer_text, origin
from bot.settings import Settings, load_settings
from bot.types import Answer, Status
from bot.words import Words, words_for

if TYPE_CHECKING:
    from bot.answer import Answerer

TurnOption = Annotated[list[str] | None, typer.Option("--turn", help="An earlier question; repeat, oldest first.")]


def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in quotes.")] = None,
    turn: TurnOption = None,
    as_json: JsonOption = False,
    trace: Annotated[bool, typer.Option("--trace", help="With --json: add how the answer came about.")] = False,
    batch: Annotated[Path | None, typer.Option(help="JSONL file with a question a line.")] = None,
    result: Annotated[Path | None, typer.Option("--out", help="With --batch: the JSONL file to write.")] = None,
    index: IndexOption = None,
) -> None:
    """Answer a question by quotes.

    Examples: python -m bot ask "how long does an infusion take" -- or --batch questions.jsonl --out answers.jsonl.
    A batch line holds "id" and "question" (or "message"), and may hold "turns", the earlier questions.
    """
    if (question is None) == (batch is None) or (batch is None) != (result is None):
        raise InputError("Give either a question, or --batch IN together with --out OUT.")
    answerer = _open(load_settings(index=index))
    if batch is not None and result is not None:
        _answer_batch(answerer, batch, result)
        return
    found = answerer.answer(question or "", tuple(turn or ()))
    if as_json:
        from bot.wire import answer_to_dict, trace_to_dict

        print_json(trace_to_dict(found) if trace else answer_to_dict(found.answer))
    else:
        _print_answer(found.answer, answerer.words)
    if found.answer.status is Status.NO_EVIDENCE:
        raise typer.Exit(NOTHING_FOUND)


def search(
    question: Annotated[str, typer.Argument(help="The words to search for.")],
    turn: TurnOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many sentences to list.")] = 15,
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Show what was retrieved for a question, with every score and why a sentence was not quoted.

    The question is screened first; nothing is retrieved for a message that needs urgent help.
    """
    answerer = _open(load_settings(index=index))
    found = answerer.answer(question, tuple(turn or ()))
    if as_json:
        from bot.wire import trace_to_dict

        print_json(trace_to_dict(found))
        return
    for verdict in found.screening.verdicts:
        line(f"screening: {verdict.route.value} by rule {verdict.rule} ({verdict.reason})")
    line(f"searched for: {found.query or '(nothing)'}    took: {dict(found.millis)}")
    for query in found.queries:
        forms = " / ".join(dict.fromkeys((query.corrected, query.unnamed, query.medical)))
        line(f"  as: {forms}    asks for: {', '.join(sorted(query.kinds)) or 'anything'}")
    names = "prob read again fused late bm25 kind article sentence".split()
    table = Table(*names, "not quoted because")
    for hit in found.hits[:limit]:
        read, again = ("-" if logit is None else f"{logit:.2f}" for logit in (hit.rerank, hit.large))
        scores = (hit.fused, hit.late, hit.lexical, hit.kind)
        article = answerer.library.rows[hit.row].sentence.span.article
        cells = [
            f"{hit.probability:.2f}",
            read,
            again,
            *(f"{score:.2f}" for score in scores),
            article,
            answerer.library.text(hit.row),
            hit.dropped,
        ]
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table)
    line(found.answer.disclaimer)


def sources(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """List the articles of the library: who published them, when, and who reviewed them."""
    from bot.library import open_library
    from bot.wire import source_to_dict

    settings = load_settings(index=index)
    library = open_library(settings.index, model=settings.model, threads=settings.threads)
    if as_json:
        print_json([source_to_dict(article.source) for article in library.articles.values()])
        return
    words = words_for(settings.region, settings.clinic_contact)
    for article in library.articles.values():
        source = article.source
        review = f"status: {source.review.status.value}; clinical reviewer: {source.review.reviewer or 'none'}"
        line(f"{source.id}: {origin(source, words)}; {review}")


def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on (BOT_PORT).")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (BOT_HOST).")] = None,
    index: IndexOption = None,
) -> None:
    """Start the web chat; the same as python app.py."""
    from bot.web import serve as serve_web

    serve_web(load_settings(port=port, host=host, index=index))


def _open(settings: Settings) -> "Answerer":
    from bot.answer import open_answerer

    return open_answerer(settings)


def _answer_batch(answerer: "Answerer", source: Path, target: Path) -> None:
    from bot.batch import answer_batch

    with progress_bar() as report:
        count = answer_batch(answerer, source, target, report)
    err.print(escape(f"Wrote {count} answers to {target}"))


def _print_answer(answer: Answer, words: Words) -> None:
    line(answer_text(answer, words))
    if answer.suggestions:
        line("\nYou could also ask:\n" + "\n".join(f"  {suggestion}" for suggestion in answer.suggestions))
