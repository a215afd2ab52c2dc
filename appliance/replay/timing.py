"""A watch that runs only while the job itself does."""

from __future__ import annotations

import time
from collections.abc import Iterator


class Stopwatch:
    """Times a job that goes in steps, over one or more stretches of them."""

    def __init__(self) -> None:
        """Start from nothing."""
        self.seconds = 0.0
        self.messages = 0

    def over(self, steps: Iterator[int]) -> Iterator[float]:
        """Run steps that tell how many messages they took; yield the pace so far, with the watch at rest."""
        while True:
            since = time.perf_counter()
            count = next(steps, None)
            self.seconds += time.perf_counter() - since
            if count is None:
                return
            self.messages += count
            yield self.messages_per_second

    @property
    def messages_per_second(self) -> float:
        """The pace so far."""
        return self.messages / self.seconds if self.seconds else 0.0
