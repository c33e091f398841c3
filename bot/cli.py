"""The command line: a thin shell over the functions that the web uses. The only module that prints."""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.errors import BotError, InputError, QuoteError
from bot.plain import answer_text, origin
from bot.settings import Settings, load_settings
from bot.types import Answer, Kind, Status
from bot.words import Words, words_for

if TYPE_CHECKING:
    from bot.answer import Answerer

EXIT_CODES = (
    "Exit codes: 0 done, 1 nothing in the library answers, 2 a mistake in the call, 3 corpus, index or setting."
)
NOTHING_FOUND, BAD_CALL, BAD_STATE = 1, 2, 3

cli = typer.Typer(
    help="Quotewell answers health questions only by quoting the articles of its library, word for word.\n\n"
    f"Begin with: python -m bot index, then python -m bot ask 'your question'. {EXIT_CODES}",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of snapshots (BOT_INDEX).")]
CorpusOption = Annotated[Path | None, typer.Option("--corpus", help="Folder of articles (BOT_CORPUS).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
TurnOption = Annotated[list[str] | None, typer.Option("--turn", help="An earlier question; repeat, oldest first.")]


def main() -> None:
    """Run the command line; every known error ends as one line and exit code 3."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        cli()
    except InputError as error:
        _fail(str(error), BAD_CALL)
    except QuoteError as error:
        _fail(f"Internal fault, please report it: {error}", BAD_STATE)
    except BotError as error:
        _fail(str(error), BAD_STATE)
    except BrokenPipeError:
        # The reader of our output (head, less) went away; Python would complain again while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@cli.command()
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

        _print_json(trace_to_dict(found) if trace else answer_to_dict(found.answer))
    else:
        _print_answer(found.answer, answerer.words)
    if found.answer.status is Status.NO_EVIDENCE:
        raise typer.Exit(NOTHING_FOUND)


@cli.command()
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

        _print_json(trace_to_dict(found))
        return
    for verdict in found.screening.verdicts:
        _line(f"screening: {verdict.route.value} by rule {verdict.rule} ({verdict.reason})")
    _line(f"searched for: {found.query or '(nothing)'}    took: {dict(found.millis)}")
    for query in found.queries:
        _line(f"  as: {query.corrected} / {query.medical}    asks for: {', '.join(sorted(query.kinds)) or 'anything'}")
    names = "prob read fused late bm25 kind article sentence".split()
    table = Table(*names, "not quoted because")
    for hit in found.hits[:limit]:
        read = "-" if hit.rerank is None else f"{hit.rerank:.2f}"
        scores = (hit.fused, hit.late, hit.lexical, hit.kind)
        article = answerer.library.rows[hit.row].sentence.span.article
        cells = [
            f"{hit.probability:.2f}",
            read,
            *(f"{score:.2f}" for score in scores),
            article,
            answerer.library.text(hit.row),
            hit.dropped,
        ]
        table.add_row(*(escape(cell) for cell in cells))
    out.print(table)
    _line(found.answer.disclaimer)


@cli.command("index")
def build(
    corpus: CorpusOption = None,
    index: IndexOption = None,
    model: Annotated[str | None, typer.Option(help="Embedding model: package, folder or name (BOT_MODEL).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Build again even if nothing changed.")] = False,
) -> None:
    """Read the corpus and build a new snapshot of the library; the old one stays in use until the new one is proven.

    Run it after adding or changing an article. Nothing is built when nothing changed.
    """
    from bot.build import build_index

    settings = load_settings(corpus=corpus, index=index, model=model)
    with _progress() as report:
        built = build_index(settings, force=force, progress=report)
    counts = ", ".join(f"{number} {name}" for name, number in built.manifest.counts.items())
    _line(f"{'Built' if built.fresh else 'Up to date'}: snapshot {built.manifest.id} ({counts}) in {built.folder}")


@cli.command()
def check(
    corpus: CorpusOption = None,
    index: IndexOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every sentence that is not quoted, and the rule that said so.")
    ] = False,
) -> None:
    """Check that corpus and index are sound and belong together.

    Counts the sentences of each kind per article; --verbose shows each decision, to be overridden in the sidecar.
    """
    from bot.build import content_id, read_corpus
    from bot.library import open_library
    from bot.scan import scan

    settings = load_settings(corpus=corpus, index=index)
    content = read_corpus(settings.corpus)
    texts = {article.source.id: article for article in content.articles}
    for article in content.articles:
        own = [s for p in content.passages for s in p.sentences if s.span.article == article.source.id]
        counts = [
            f"{sum(s.kind is kind for s in own)} {kind.value}" for kind in Kind if any(s.kind is kind for s in own)
        ]
        _line(f"{article.source.id} ({article.source.review.status.value}): {', '.join(counts)}")
        for finding in scan(article):
            _line(f"  look at {finding.article}:{finding.line} ({finding.says}): {finding.excerpt}")
    if verbose:
        for sentence in (s for p in content.passages for s in p.sentences if s.kind is not Kind.BODY):
            words = texts[sentence.span.article].slice(sentence.span)
            _line(f"{sentence.span.article}:{sentence.span.start} {sentence.kind.value} by {sentence.rule}: {words}")
    library = open_library(settings.index, model=settings.model, threads=settings.threads)
    if library.manifest.content_digest != content_id(content):
        _fail(f"The corpus changed since snapshot {library.manifest.id} was built. Run: python -m bot index", BAD_STATE)
    _line(f"Sound: corpus '{settings.corpus}' and snapshot {library.manifest.id} belong together.")


@cli.command()
def sources(as_json: JsonOption = False, index: IndexOption = None) -> None:
    """List the articles of the library: who published them, when, and who reviewed them."""
    from bot.library import open_library
    from bot.wire import source_to_dict

    settings = load_settings(index=index)
    library = open_library(settings.index, model=settings.model, threads=settings.threads)
    if as_json:
        _print_json([source_to_dict(article.source) for article in library.articles.values()])
        return
    words = words_for(settings.region, settings.clinic_contact)
    for article in library.articles.values():
        source = article.source
        review = f"status: {source.review.status.value}; clinical reviewer: {source.review.reviewer or 'none'}"
        _line(f"{source.id}: {origin(source, words)}; {review}")


@cli.command()
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

    with _progress() as report:
        count = answer_batch(answerer, source, target, report)
    err.print(escape(f"Wrote {count} answers to {target}"))


@contextmanager
def _progress() -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(escape(stage), total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield report


def _print_answer(answer: Answer, words: Words) -> None:
    _line(answer_text(answer, words))
    if answer.suggestions:
        _line("\nYou could also ask:\n" + "\n".join(f"  {suggestion}" for suggestion in answer.suggestions))


def _line(text: str) -> None:
    out.print(escape(text), highlight=False)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _fail(message: str, code: int) -> None:
    err.print(escape(message), style="red", highlight=False)
    sys.exit(code)
