"""The library in use: follows the pointer to the current snapshot without dropping a question.

A question takes ``Live.answerer`` once and keeps it to its end, so an answer never mixes two snapshots.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from bot.answer import Answerer, open_answerer
from bot.errors import BotError, SnapshotError, where
from bot.history import ID
from bot.snapshot import CURRENT, TEXTS, Content, current, read_content, verify

log = logging.getLogger(__name__)
LOOK_EVERY = 1.0  # seconds between two looks at the pointer
KEPT = 4  # older snapshots whose texts are kept open for the links of old conversations


class Live:
    """Holds the answerer in use and swaps it whole when another sound snapshot becomes the current one."""

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer
        self.problem = ""  # why the current snapshot is not in use; "" when it is
        self._refused: tuple[str, int] | None = None
        self._older: OrderedDict[str, Content] = OrderedDict()
        self._swapping, self._reading = threading.Lock(), threading.Lock()

    def refresh(self) -> bool:
        """Open the current snapshot when it is another one than that in use, and return whether it was swapped.

        A snapshot that cannot be opened is refused and ``problem`` says why; the one in use stays. It is tried again
        when it was built anew.
        """
        settings = self.answerer.settings
        with self._swapping:
            try:
                stamp = _stamp(settings.index)
                if stamp[0] == self.answerer.library.manifest.id:
                    self.problem, self._refused = "", None
                    return False
                if stamp == self._refused:
                    return False
                self._refused = stamp  # until it is proven
                self.answerer = open_answerer(settings)
            except BotError as error:
                self._say(str(error))
                return False
            self.problem, self._refused = "", None
            return True

    def watch(self, every: float = LOOK_EVERY) -> Callable[[], None]:
        """Look for a new snapshot from now on, in a thread; return the function that ends it."""
        stop = threading.Event()

        def look() -> None:
            while not stop.wait(every):
                try:
                    self.refresh()
                except Exception as error:  # a thread that ended here would never follow another snapshot
                    self._say(f"{where(error)}: {error}")

        thread = threading.Thread(target=look, name="live-index", daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            thread.join(timeout=30)

        return end

    def content(self, snapshot: str) -> Content:
        """Return the texts of ``snapshot``, the one in use or an older one still on disk.

        Raises:
            SnapshotError: it was pruned, is damaged, or never was.
        """
        library = self.answerer.library
        if snapshot in ("", library.manifest.id):
            return Content(library.info, tuple(library.articles.values()), library.passages)
        folder = self.answerer.settings.index / snapshot
        # The form is looked at first: a name from a link must not reach the disk as it is.
        if not ID.fullmatch(snapshot) or not folder.is_dir():
            raise SnapshotError(f"The index '{snapshot[:20]}' is not kept any more.")
        with self._reading:
            if snapshot not in self._older:
                verify(folder, TEXTS)
                self._older[snapshot] = read_content(folder)
            self._older.move_to_end(snapshot)
            while len(self._older) > KEPT:
                self._older.popitem(last=False)
            return self._older[snapshot]

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            log.error("the new index is not used: %s", problem)
        self.problem = problem


def _stamp(index: Path) -> tuple[str, int]:
    """Return the id of the current snapshot and when the pointer was written."""
    name = current(index).name
    try:
        return name, (index / CURRENT).stat().st_mtime_ns
    except OSError as error:
        raise SnapshotError(f"{index / CURRENT} cannot be read: {error.strerror}.") from error
