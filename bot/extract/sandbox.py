"""The process that parses: reads one request a line from stdin, answers one line of JSON each, under hard limits.

Run as ``python -m bot.extract.sandbox`` by ``bot.extract``; nothing else imports it.
"""

import importlib
import json
import os
import resource
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from bot.errors import where
from bot.extract import Extract, ExtractError, Limits
from bot.extract.sniff import check_kind

Reader = Callable[[bytes, Limits], Extract]
MODULES = {".txt": "plain", ".md": "markdown", ".html": "html", ".htm": "html", ".pdf": "pdf", ".docx": "docx"}
FORBIDDEN = frozenset(
    {"socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system", "os.exec", "os.fork"}
    | {"os.posix_spawn", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod"}
)


def main(find: Callable[[str], Reader] | None = None) -> None:
    """Answer requests until stdin ends. ``find`` gives the reader of a suffix."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    serve(sys.stdin.buffer, answers, find or reader)


def serve(requests: IO[bytes], answers: IO[str], find: Callable[[str], Reader]) -> None:
    """Answer each line of ``requests``."""
    for line in requests:
        request = json.loads(line)
        answer = run(Path(request["path"]), Limits(**request["limits"]), find)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def run(path: Path, limits: Limits, find: Callable[[str], Reader]) -> dict[str, Any]:
    """Parse one file; return its extract or its error as plain data. A broken process should be replaced."""
    try:
        read = find(path.suffix.lower())
        confine(limits)
        return asdict(parse(path, limits, read))
    except ExtractError as error:
        return {"error": str(error), "broken": False}
    except ImportError as error:
        return {"error": f"cannot be read: a library is missing here ({error}). Run: make install", "broken": True}
    except MemoryError:
        return {
            "error": f"needs more than {limits.memory / 1e6:.0f} MB of memory to be read. Split it, or export it as "
            "plain text.",
            "broken": True,
        }
    except Exception as error:  # parsers of foreign bytes raise anything; it is told, and the process replaced
        place = where(error).rsplit(" > ", 1)[-1]
        return {
            "error": f"cannot be parsed ({type(error).__name__} at {place}): it seems damaged. Open it in a program "
            "that shows it and export it anew.",
            "broken": True,
        }


def parse(path: Path, limits: Limits, read: Reader) -> Extract:
    """Read and parse one file whose bytes fit its suffix.

    Raises:
        ExtractError: without the file's name, which the caller adds.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(limits.bytes + 1)
    except OSError as error:
        raise ExtractError(f"cannot be read: {error.strerror}. Check its permissions.") from error
    if len(data) > limits.bytes:
        raise ExtractError(f"is larger than {limits.bytes / 1e6:.0f} MB. Split it, or save it without its images.")
    check_kind(data, path.suffix.lower())
    result = read(data, limits)
    if not result.text.strip():
        raise ExtractError("holds no text. Open it and look; if it shows text, copy that into a .txt file.")
    if len(result.text) > limits.characters:
        raise ExtractError(f"gives {len(result.text)} characters of text, the limit is {limits.characters}. Split it.")
    return result


def reader(suffix: str) -> Reader:
    """Return the function that parses files of ``suffix``; imports its library, in this process only."""
    read: Reader = importlib.import_module(f"bot.extract.{MODULES[suffix]}").read
    return read


def confine(limits: Limits) -> None:
    """Limit memory, and computing time from now on; the other process holds the clock."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, resource.RLIM_INFINITY))
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = used.ru_utime + used.ru_stime
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent + limits.seconds) + 1, resource.RLIM_INFINITY))


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    if event in FORBIDDEN:
        raise PermissionError(f"a parser tried {event}")


if __name__ == "__main__":
    sys.addaudithook(_refuse)
    main()
