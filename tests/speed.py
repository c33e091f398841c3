"""Processor time as a usual machine would count it: one whose host is busy takes several times longer for anything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = 0.05  # seconds that a usual core takes for ``_work``; the limits of the tests are meant for such a one


class Took:
    """What a ``with`` block took, in seconds of a usual core, all threads of the process together."""

    seconds = float("inf")  # until the block has ended


@contextmanager
def measured() -> Iterator[Took]:
    """Measure the block; how fast the machine is right now is measured before and after it."""
    took = Took()
    before, start = _pace(), time.process_time()
    yield took
    spent = time.process_time() - start
    took.seconds = spent / max(1.0, before, _pace())


def _pace() -> float:
    """Return how many times slower than usual this core is now."""
    start = time.process_time()
    _work()
    return (time.process_time() - start) / USUAL


def _work() -> int:
    return sum(number * number for number in range(700_000))
