"""The command line: a thin shell over the functions that the web uses."""

import io
import logging
import os
import sys

import typer

from bot.cli.ask import ask, search, serve, sources
from bot.cli.content import add, check, lint
from bot.cli.index import index, large, snapshots
from bot.cli.shell import BAD_CALL, BAD_STATE, fail
from bot.cli.staff import staff
from bot.errors import BotError, InputError, QuoteError

EXIT_CODES = (
    "Exit codes: 0 done, 1 nothing in the library answers, 2 a mistake in the call, 3 corpus, index or setting."
)
cli = typer.Typer(
    help="Quotewell answers health questions only by quoting the articles of its library, word for word.\n\n"
    f"Begin with: python -m bot index, then python -m bot ask 'your question'. {EXIT_CODES}",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (ask, search, index, check, add, lint, large, sources, serve):
    cli.command()(command)
cli.add_typer(snapshots, name="snapshots")
cli.add_typer(staff, name="staff")


def main() -> None:
    """Run the command line; every known error ends as a clear message and exit code 2 or 3."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to end
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        cli()
    except InputError as error:
        fail(str(error), BAD_CALL)
    except QuoteError as error:
        fail(f"Internal fault, please report it: {error}", BAD_STATE)
    except BotError as error:
        fail(str(error), BAD_STATE)
    except BrokenPipeError:
        # The reader of our output (head, less) went away; Python would complain again while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
