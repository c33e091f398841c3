"""Commands for the corpus: add, lint, check."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.shell import BAD_STATE, CorpusOption, IndexOption, JsonOption, fail, line, note, print_json
from bot.settings import load_settings
from bot.types import Kind

VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="List every sentence that is not quoted, and the rule that said so.")
]


def add(
    files: Annotated[list[Path], typer.Argument(help="Files or folders: .txt .md .html .pdf .docx")],
    corpus: CorpusOption = None,
    ocr: Annotated[bool, typer.Option("--ocr", help="Read scanned pages of PDFs (needs the extra 'ocr').")] = False,
) -> None:
    """Take new files into the corpus as articles under review, each with a sidecar to fill in.

    Example: python -m bot add leaflet.pdf articles/ -- every file is listed as added or refused with its reason.
    Nothing is quoted from them until a person sets their status to "approved" and the index is built.
    """
    from bot.ingest import Added, add_files

    settings = load_settings(corpus=corpus)
    added = refused = 0
    for found in add_files(files, settings.corpus, ocr=ocr):
        if isinstance(found, Added):
            added += 1
            line(f"added    {found.file} as {settings.corpus / found.article}.toml (status: review)")
            for warning in found.warnings:
                line(f"         look at: {warning}")
        else:
            refused += 1
            line(f"refused  {found.file}: {found.reason}")
    if added:
        note("Next: fill in the sidecars, then python -m bot lint, set the status to approved, python -m bot index.")
    if refused:
        fail(f"Refused: {refused} of {added + refused}; the reasons are above.", BAD_STATE)


def lint(
    articles: Annotated[list[str] | None, typer.Argument(help="Ids of articles; none: all.")] = None,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what a person should look at before an article is approved, the gravest first, with what to do.

    Examples: python -m bot lint -- or for one article: python -m bot lint knee-exercises. Exit code 3 when a finding is
    critical.
    """
    from dataclasses import asdict

    from bot.build import read_corpus
    from bot.lint import Severity
    from bot.lint import lint as look_over

    content = read_corpus(load_settings(corpus=corpus).corpus)
    known = {article.source.id for article in content.articles}
    if lost := sorted(set(articles or ()) - known):
        fail(f"There is no article '{lost[0]}'. Known: {', '.join(sorted(known))}.", BAD_STATE)
    found = look_over(content.articles, content.passages, today=datetime.now(UTC).date())
    found = tuple(finding for finding in found if not articles or finding.article in articles)
    if as_json:
        print_json([asdict(finding) for finding in found])
    for finding in () if as_json else found:
        line(f"{finding.severity.value:8} {finding.article}:{finding.line} {finding.says}: {finding.excerpt}")
        line(f"         {finding.fix}")
    if not found:
        note("No findings.")
    if any(finding.severity is Severity.CRITICAL for finding in found):
        fail("There are critical findings.", BAD_STATE)


def check(corpus: CorpusOption = None, index: IndexOption = None, verbose: VerboseOption = False) -> None:
    """Check that corpus and index are sound and belong together.

    Counts the sentences of each kind per article, and names regression questions about words that are gone; --verbose
    shows each decision, to be overridden in the sidecar.
    Example: python -m bot check --verbose
    """
    from bot.build import content_id, read_corpus
    from bot.library import open_library
    from bot.questions import lost_words, read_questions
    from bot.scan import scan

    settings = load_settings(corpus=corpus, index=index)
    content = read_corpus(settings.corpus)
    texts = content.by_id
    kinds = Counter((s.span.article, s.kind) for p in content.passages for s in p.sentences)
    for article in content.articles:
        found = ((kinds[article.source.id, kind], kind.value) for kind in Kind)
        counts = [f"{number} {kind}" for number, kind in found if number]
        line(f"{article.source.id} ({article.source.review.status.value}): {', '.join(counts)}")
        for finding in scan(article):
            line(f"  look at {finding.article}:{finding.line} ({finding.says}): {finding.excerpt}")
    if verbose:
        for sentence in (s for p in content.passages for s in p.sentences if s.unquotable):
            words = texts[sentence.span.article].slice(sentence.span)
            line(f"{sentence.span.article}:{sentence.span.start} {sentence.unquotable}: {words}")
    for told in lost_words(read_questions(settings.corpus), texts):
        line(f"look at {told}")
    library = open_library(settings.index, model=settings.model, threads=settings.threads)
    if library.manifest.content_digest != content_id(content):
        fail(f"The corpus changed since snapshot {library.manifest.id} was built. Run: python -m bot index", BAD_STATE)
    line(f"Sound: corpus '{settings.corpus}' and snapshot {library.manifest.id} belong together.")
