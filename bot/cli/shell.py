"""What all commands share: the consoles, the options, the progress bar. The only package that prints."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

NOTHING_FOUND, BAD_CALL, BAD_STATE = 1, 2, 3
STOPPED = 130  # by Ctrl-C, as shells say it
# Words of articles are printed as they are: ":pill:" is no picture, and "[b]" no order.
out, err = Console(soft_wrap=True, emoji=False), Console(stderr=True, soft_wrap=True, emoji=False)
# What could steer a terminal when it stands in the name of a file.
STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")
IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of snapshots (BOT_INDEX).")]
CorpusOption = Annotated[Path | None, typer.Option("--corpus", help="Folder of articles (BOT_CORPUS).")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Private folder (BOT_DATA).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
ByOption = Annotated[str, typer.Option("--by", help="Your name, for the record.")]


@contextmanager
def progress_bar() -> Iterator[Any]:
    """Give a function (stage, done, total) that draws a bar for each stage."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(escape(stage), total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield report


class RateColumn(ProgressColumn):
    """How many steps a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of one bar."""
        return Text(f"{task.speed:.0f}/s" if task.speed else "")


def line(text: str) -> None:
    """Print one line of results, word for word; control characters are shown as their numbers."""
    sys.stdout.write(_tame(text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print one line about the work, beside the results."""
    err.print(_tame(text), markup=False, highlight=False)


def print_json(value: object) -> None:
    """Print ``value`` as JSON."""
    plain = not sys.stdout.encoding.lower().startswith("utf")
    sys.stdout.write(json.dumps(value, ensure_ascii=plain, indent=2) + "\n")
    sys.stdout.flush()


def fail(message: str, code: int) -> NoReturn:
    """Print what went wrong and end."""
    err.print(_tame(message), style="red", markup=False, highlight=False)
    sys.exit(code)


def _tame(text: str) -> str:
    shown = STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")
