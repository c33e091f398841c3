"""Commands for the accounts of the staff console."""

import sys
from typing import Annotated

import typer

from bot.accounts import Accounts
from bot.cli.shell import DataOption, line, note
from bot.settings import load_settings

staff = typer.Typer(help="Accounts of the staff console at /staff.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="Name to sign in with: a-z, 0-9, '.', '_', '-'.")]


@staff.command()
def add(name: NameArgument, data: DataOption = None) -> None:
    """Add an account, or give it a new password. The password is asked for, or read from a pipe.

    Example: python -m bot staff add jane -- or from a password manager: pass show clinic | python -m bot staff add jane
    """
    fresh = _accounts(data).add(name.lower(), _password())
    line(f"{'Added' if fresh else 'New password for'} {name.lower()}. Sign in at /staff.")


@staff.command()
def remove(name: NameArgument, data: DataOption = None) -> None:
    """Remove an account; whoever is signed in with it is signed out at once.

    Example: python -m bot staff remove jane
    """
    _accounts(data).remove(name.lower())
    line(f"Removed {name.lower()}.")


@staff.command("list")
def list_names(data: DataOption = None) -> None:
    """List the accounts."""
    names = _accounts(data).names()
    for name in names:
        line(name)
    if not names:
        note("No accounts yet. Make one: python -m bot staff add NAME")


def _accounts(data: object) -> Accounts:
    return Accounts(load_settings(data=data).data / "staff.json")


def _password() -> str:
    if sys.stdin is None:  # closed by the caller
        return ""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.buffer.readline().decode("utf-8", "surrogateescape").rstrip("\n")
