"""Two cores for what talks across them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def two_cores() -> tuple[int, int]:
    """Return the first two cores that this process may use; the same one twice if there is no second."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[min(1, len(usable) - 1)]


def cores_note(cores: tuple[int, int]) -> str | None:
    """Return what a reader must know about them, if anything."""
    if cores[0] != cores[1]:
        return None
    return f"only core {cores[0]} is there: both sides took turns on it, and the figures say little"


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this process on one core until the end of the block."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
