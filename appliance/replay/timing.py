"""A watch that runs only while the job itself does."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up the seconds between ``start`` and ``pause``."""

    def __init__(self) -> None:
        """Start from nothing."""
        self.seconds = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """Run."""
        self._since = time.perf_counter()

    def pause(self) -> None:
        """Stop, and keep what has run."""
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None

    def messages_per_second(self, messages: int) -> float:
        """Return the pace so far."""
        return messages / self.seconds if self.seconds else 0.0
