"""Any article file -> one text. The file is parsed in a process of its own, so a hostile one costs a refusal only.

The modules of this package run in that process (``bot.extract.sandbox``); nothing here imports them, so the libraries
that parse foreign bytes are never loaded into the program itself.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import bot
from bot.errors import BotError

SUFFIXES = frozenset({".txt", ".md", ".html", ".htm", ".pdf", ".docx"})
# -P keeps the folder the program is started in off the import path: it may be the folder of the foreign files.
COMMAND = (sys.executable, "-P", "-B", "-m", "bot.extract.sandbox")
FILES_PER_PROCESS = 100  # a parser that leaks must not end the last of a thousand files
NOISE = 2000  # characters kept of what the libraries write to stderr


class ExtractError(BotError):
    """A file cannot become an article: unknown format, damaged, locked, or over a limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: ``seconds`` of wall clock and of CPU, ``memory`` and ``bytes`` in bytes, the rest counts.

    ``unpacked`` is the most bytes a DOCX may hold when unpacked, ``ratio`` the most bytes for one packed byte.
    """

    seconds: float = 60.0
    memory: int = 1_500_000_000
    bytes: int = 50_000_000
    characters: int = 10_000_000
    pages: int = 2_000
    unpacked: int = 200_000_000
    ratio: int = 200


LIMITS = Limits()
BOOK = 1_000_000  # characters; an article has a hundredth of it


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of one file and what the file says of itself.

    ``text`` has paragraphs parted by one empty line, "- " bullets, line feeds as line ends, NFC, no control characters
    but tabs of plain text. ``pages`` are the offsets in ``text`` where each page of a PDF begins. The facts are what
    the file states in its metadata, None if nothing. ``warnings`` are for the person who adds the article; ``ocr`` is
    True when a program read the words off pictures of pages.
    """

    text: str
    pages: tuple[int, ...] = ()
    title: str | None = None
    author: str | None = None
    publisher: str | None = None
    published: str | None = None
    url: str | None = None
    warnings: tuple[str, ...] = ()
    ocr: bool = False


def extract(path: Path, limits: Limits = LIMITS) -> Extract:
    """Return the text of the file ``path``, parsed in a process of its own.

    Raises:
        ExtractError: one line naming the file, what was found, why that is refused and what to do.
    """
    with Worker(limits) as worker:
        return worker.extract(path)


def extract_all(
    paths: Iterable[Path], limits: Limits = LIMITS, command: tuple[str, ...] = COMMAND
) -> Iterator[tuple[Path, Extract | ExtractError]]:
    """Yield each of ``paths`` with its text or the reason why there is none; none is left out."""
    with Worker(limits, command) as worker:
        for path in paths:
            try:
                yield path, worker.extract(path)
            except ExtractError as error:
                yield path, error


class Worker:
    """Holds the parsing process open between files and replaces it after a failure."""

    def __init__(self, limits: Limits = LIMITS, command: tuple[str, ...] = COMMAND) -> None:
        self._limits, self._command = limits, command
        self._process: subprocess.Popen[bytes] | None = None
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def extract(self, path: Path) -> Extract:
        """Return the text of the file ``path``.

        Raises:
            ExtractError: see the function of the same name.
        """
        check_file(path, self._limits)
        try:
            reply = self._ask(path)
        except ExtractError as error:
            self.stop()
            raise ExtractError(f"{path} {error}") from error
        if "error" in reply:
            if reply["broken"]:
                self.stop()
            raise ExtractError(f"{path} {reply['error']}")
        told = [*reply["warnings"], *_of_length(reply["text"])]
        return Extract(**{**reply, "pages": tuple(reply["pages"]), "warnings": tuple(told)})

    def stop(self) -> None:
        """End the process; the next file starts another."""
        process, self._process, self._done = self._process, None, 0
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            _present(stream).close()

    def _ask(self, path: Path) -> dict[str, Any]:
        if self._done >= FILES_PER_PROCESS:
            self.stop()
        self._process = self._process or _start(self._command)
        self._done += 1
        request = json.dumps({"path": str(path.absolute()), "limits": asdict(self._limits)}) + "\n"
        try:
            _present(self._process.stdin).write(request.encode("utf-8"))
            _present(self._process.stdin).flush()
        except BrokenPipeError:
            pass  # it ended before it read: the missing reply says how
        return _reply(self._process, self._limits)


def check_file(path: Path, limits: Limits) -> None:
    """Refuse what need not be opened to be refused.

    Raises:
        ExtractError: no such file, no regular file, another suffix, empty or too large.
    """
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(sorted(SUFFIXES))
        raise ExtractError(f"{path} has the suffix '{path.suffix}', which is not read. Save it as one of {known}.")
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise ExtractError(f"{path} cannot be read: {error}. Check the name and its permissions.") from error
    if not path.is_file():
        raise ExtractError(f"{path} is not a regular file. Name a file or a folder of files.")
    if not size:
        raise ExtractError(f"{path} is empty (0 bytes). Save or download it again.")
    if size > limits.bytes:
        raise ExtractError(
            f"{path} is too large: {size / 1e6:.0f} MB, the limit is {limits.bytes / 1e6:.0f} MB. Split it, or save it "
            "without its images."
        )


def _start(command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """Start the process with nothing of this one's environment but the search path for programs."""
    environment = {"PYTHONPATH": str(Path(bot.__file__).resolve().parents[1]), "PATH": os.environ.get("PATH", "")}
    return subprocess.Popen(  # noqa: S603 - the command is fixed, no word of it comes from outside
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def _reply(process: subprocess.Popen[bytes], limits: Limits) -> dict[str, Any]:
    """Return the one line that the process answers, within the time and size allowed."""
    deadline = time.monotonic() + limits.seconds
    out, noise = bytearray(), bytearray()
    streams = {_present(process.stdout).fileno(): out, _present(process.stderr).fileno(): noise}
    while not out.endswith(b"\n"):
        ready, _, _ = select.select(list(streams), [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise ExtractError(
                f"was given up after {limits.seconds:g} seconds. Export it anew from the program that made it, "
                "or as plain text."
            )
        for number in ready:
            chunk = os.read(number, 1 << 16)
            if not chunk:
                del streams[number]
            streams.get(number, out).extend(chunk)
        del noise[:-NOISE]
        if len(streams) < 2 and process.stdout is not None and process.stdout.fileno() not in streams:
            raise _ended(process, bytes(noise))
        if len(out) > 12 * limits.characters + 100_000:
            raise ExtractError(f"gives more than {limits.characters} characters of text. Split it.")
    answer: dict[str, Any] = json.loads(out)
    return answer


def _ended(process: subprocess.Popen[bytes], noise: bytes) -> ExtractError:
    """Return why the process ended without an answer."""
    code = process.wait()
    if -code == signal.SIGXCPU:
        return ExtractError("was given up: it took too much computing time. Export it anew, or as plain text.")
    last = noise.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
    how = signal.Signals(-code).name if code < 0 else f"code {code}"
    return ExtractError(
        f"ended the program that reads it ({how}: {last[0][:200]}). It is damaged or made to do harm: do not add it, "
        "or export it anew from the program that made it."
    )


def _present(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ExtractError("cannot be read: the reading process has no pipe. Report this.")
    return stream


def _of_length(text: str) -> Iterator[str]:
    if len(text) > BOOK:
        yield f"it holds {len(text):,} characters, as much as books: indexing takes minutes. Better one file an article"
