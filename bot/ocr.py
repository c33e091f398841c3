"""Scanned pages -> a copy of the PDF with their words, by OCRmyPDF (the extra "ocr") and Tesseract."""

import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from bot.extract import LIMITS, ExtractError, check_file

SECONDS = 900.0  # of wall clock for one file; a page takes one to five
MEMORY = 4_000_000_000  # bytes, of each process
OPTIONS = ("--skip-text", "--output-type", "pdf", "--rotate-pages", "--max-image-mpixels", "120", "--quiet")
MISSING = "needs OCRmyPDF and Tesseract. Run: pip install 'quotewell[ocr]'; apt-get install tesseract-ocr ghostscript"


@contextmanager
def recognised(scan: Path, *, seconds: float = SECONDS) -> Iterator[Path]:
    """Give a copy of the PDF ``scan`` in which pages without words have those that Tesseract reads; it goes away.

    The programs run under limits of time and memory, as the file may be damaged or made to do harm.

    Raises:
        ExtractError: one line naming the file and what to do.
    """
    check_file(scan, LIMITS)
    if find_spec("ocrmypdf") is None or which("tesseract") is None:
        raise ExtractError(f"{scan} {MISSING}")
    with tempfile.TemporaryDirectory(prefix="ocr-") as folder:
        copy = Path(folder) / "words.pdf"
        command = [sys.executable, "-P", "-m", "ocrmypdf", *OPTIONS, "--", str(scan.absolute()), str(copy)]
        code, told = _run(command, Path(folder), seconds)
        if code or not copy.exists():
            last = told.strip().splitlines()[-1:] or [f"code {code}"]
            raise ExtractError(f"{scan} cannot be recognised ({last[0][:200]}). Scan it again, or export it anew.")
        yield copy


def _run(command: list[str], folder: Path, seconds: float) -> tuple[int, str]:
    """Run ``command`` in a session of its own and return its exit code and what it told; 1 when it took too long."""
    environment = {"PATH": os.environ.get("PATH", ""), "TMPDIR": str(folder), "HOME": str(folder)}
    with subprocess.Popen(  # noqa: S603 - the command is fixed but for the path, which follows "--"
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment,
        start_new_session=True, preexec_fn=_confine,
    ) as process:  # fmt: skip
        try:
            told = process.communicate(timeout=seconds)[1]
        except subprocess.TimeoutExpired:
            return 1, f"given up after {seconds:g} seconds; split it"
        finally:
            _end(process.pid)
        return process.returncode, told.decode("utf-8", "replace")


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end(session: int) -> None:
    """Stop whatever the program started and left running."""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        return
