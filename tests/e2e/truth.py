"""What is true of a day: what the model makes of its messages, which shares no code with the project."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from model.book import Model
from model.messages import split
from model.records import ASK, BID, HALTED, SHORT_SALE_RESTRICTED, TOP_LEVELS, Row

STATE_FLAGS = HALTED | SHORT_SALE_RESTRICTED

Top = tuple[list[Row], list[Row], int]
_NOTHING: Top = ([], [], 0)


@dataclass
class History:
    """The top of one book after every message that changed it."""

    sequences: list[int]
    tops: list[Top]

    def at(self, sequence: int) -> Top:
        """Return bids, asks and state flags after this message."""
        return self.tops[bisect_right(self.sequences, sequence) - 1]


@dataclass(frozen=True)
class Truth:
    """One day in a file, the digests after its last message, and the history of its busiest books."""

    path: Path
    messages: int
    digest: int
    depth_digest: int
    symbols: tuple[str, ...]
    history: tuple[History, ...] = field(repr=False)
    bodies: list[bytes] = field(repr=False)

    @classmethod
    def of(cls, path: Path, watched: int = 4) -> Truth:
        """Work it out; ``watched`` books are followed message by message."""
        bodies = split(path.read_bytes())
        touches: dict[int, int] = {}
        for body in bodies:
            locate = int.from_bytes(body[1:3], "big")
            touches[locate] = touches.get(locate, 0) + 1
        touches.pop(0, None)
        busiest = sorted(touches, key=lambda locate: (-touches[locate], locate))[:watched]
        histories = {locate: History([0], [_NOTHING]) for locate in busiest}
        model = Model()
        for sequence, body in enumerate(bodies, 1):
            model.message(body)
            locate = int.from_bytes(body[1:3], "big")
            if locate in histories:
                _note(histories[locate], sequence, _top(model, locate))
        symbols = tuple(model.books[locate].symbol.decode().rstrip() for locate in busiest)
        return cls(
            path,
            len(bodies),
            model.digest,
            model.depth_digest(),
            symbols,
            tuple(histories.values()),
            bodies,
        )

    def digest_of_days(self, days: int) -> int:
        """Return the rolling digest after so many days like this: books begin anew, the digest does not."""
        digest = 0
        for _ in range(days):
            model = Model()
            model.digest = digest
            for body in self.bodies:
                model.message(body)
            digest = model.digest
        return digest


def _top(model: Model, locate: int) -> Top:
    bids, asks = (model.levels(locate, side, TOP_LEVELS) for side in (BID, ASK))
    return bids, asks, model.books[locate].flags & STATE_FLAGS


def _note(history: History, sequence: int, top: Top) -> None:
    if top != history.tops[-1]:
        history.sequences.append(sequence)
        history.tops.append(top)
