"""Two lists of executions, and every difference between them.

Executions belong together when they are of the same order and match. What is left of an order on both sides
is paired in its order: that is one trade told differently. What is then left has no counterpart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.reconcile.executions import Execution

_COMPARED = ("qty", "px", "match", "symbol", "side", "liquidity", "venue_ns")
_Key = tuple[str, tuple[int, int]]


@dataclass(frozen=True)
class Difference:
    """One execution that both do not tell alike; None: that side has not got it."""

    ours: Execution | None
    venue: Execution | None

    @property
    def what(self) -> str:
        """What kind of difference it is."""
        if self.ours is None:
            return "only_venue"
        return "differs" if self.venue else "only_ours"

    @property
    def fields(self) -> tuple[str, ...]:
        """What differs, if both have it."""
        if self.ours is None or self.venue is None:
            return ()
        return tuple(name for name in _COMPARED if getattr(self.ours, name) != getattr(self.venue, name))

    def as_data(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "what": self.what,
            "fields": list(self.fields),
            "ours": self.ours.as_data() if self.ours else None,
            "venue": self.venue.as_data() if self.venue else None,
        }

    def __str__(self) -> str:
        """Say it in one line."""
        if self.ours is None:
            return f"only the venue has: {self.venue}"
        if self.venue is None:
            return f"only we have: {self.ours}"
        parts = [f"{name} {getattr(self.ours, name)} / {getattr(self.venue, name)}" for name in self.fields]
        return f"ours / the venue's {', '.join(parts)}: ours {self.ours}; the venue's {self.venue}"


def compare(ours: Sequence[Execution], venue: Sequence[Execution]) -> list[Difference]:
    """Return all differences, order by order; none: both tell the same."""
    groups: dict[_Key, tuple[list[Execution], list[Execution]]] = defaultdict(lambda: ([], []))
    for side, executions in enumerate((ours, venue)):
        for one in executions:
            groups[one.what, one.order][side].append(one)
    return [
        difference
        for mine, theirs in groups.values()
        for difference in _pairs(mine, theirs)
        if difference.what != "differs" or difference.fields
    ]


def _pairs(ours: list[Execution], venue: list[Execution]) -> Iterator[Difference]:
    left, theirs = [], list(venue)
    for one in ours:
        at = next((at for at, other in enumerate(theirs) if other.match == one.match), None)
        if at is None:
            left.append(one)
        else:
            yield Difference(one, theirs.pop(at))
    for mine, other in zip(left, theirs, strict=False):
        yield Difference(mine, other)
    paired = min(len(left), len(theirs))
    yield from (Difference(one, None) for one in left[paired:])
    yield from (Difference(None, one) for one in theirs[paired:])
