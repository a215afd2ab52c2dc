"""An independent watcher: looks at the views of a running data plane, and holds each against the truth.

Whatever is wrong on the way, a view that does not say that it is stale must be the book after the message
that it names, to the last share.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Self

from e2e.truth import STATE_FLAGS, Truth
from model.records import STALE, UNTRUSTED

from appliance.dataplane import Segment

_PAUSE_S = 0.0003
_MOST_MISTAKES = 5


class Watcher:
    """Looks from a thread of its own for as long as the block lasts."""

    def __init__(self, segment: Segment, truth: Truth) -> None:
        self._segment = segment
        self._truth = truth
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self.fresh = 0  # sights of views that claimed to be right, each of another version
        self.stale = 0
        self.last_sequence = 0
        self.mistakes: list[str] = []
        self.failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Fail if a view has lied, or the watcher itself went wrong."""
        if self.failure is not None:
            raise self.failure
        assert not self.mistakes, "\n".join(self.mistakes)

    def _look_on(self) -> None:
        try:
            versions = [-1] * len(self._truth.symbols)
            while not self._stop.is_set():
                self._look_once(versions)
                time.sleep(_PAUSE_S)
            self._look_once([-1] * len(versions))
        except BaseException as failure:  # whatever it is, the test is to show it
            self.failure = failure

    def _look_once(self, versions: list[int]) -> None:
        for index in range(len(versions)):
            view = self._segment.view(index)
            version = int(view["version"])
            if version != versions[index]:
                versions[index] = version
                self._judge(index, view)

    def _judge(self, index: int, view: Any) -> None:
        sequence, flags = int(view["sequence"]), int(view["flags"])
        self.last_sequence = max(self.last_sequence, sequence)
        if flags & (STALE | UNTRUSTED):
            self.stale += 1
            return
        self.fresh += 1
        bids, asks = (view[name].tolist()[: int(view[f"{name}_levels"])] for name in ("bid", "ask"))
        true = self._truth.history[index].at(sequence)
        if (bids, asks, flags & STATE_FLAGS) != true and len(self.mistakes) < _MOST_MISTAKES:
            self.mistakes.append(
                f"{self._truth.symbols[index]} at message {sequence} claims to be fresh:\n"
                f"  it shows {bids} {asks} {flags}\n  the truth is {true}"
            )
