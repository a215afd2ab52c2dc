"""Percentiles and classic buckets out of the shared histograms.

A histogram counts cycles in log-linear buckets (``abi.h``: exact below 32, then 32 buckets in every power of
two). What is said of a time is the upper edge of its bucket: never too low, and at most 3.1 % too high.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from appliance.native import constants

_LINEAR = 32
_LINEAR_BITS = 5

# Upper bounds of the classic buckets: powers of two from 64 ns to 16 ms.
CLASSIC_NS = tuple(64 << power for power in range(19))
QUANTILES = (0.5, 0.99, 0.999, 0.9999)

Counts = npt.NDArray[np.uint64]


@functools.cache
def upper_edges() -> Counts:
    """Return the longest time that each bucket holds, in cycles; the last holds all that is longer, too."""
    buckets = constants()["ABI_HISTOGRAM_BUCKETS"]
    edges = list(range(_LINEAR))
    for bucket in range(_LINEAR, buckets):
        shift, step = divmod(bucket - _LINEAR, _LINEAR)
        edges.append(((_LINEAR + step + 1) << shift) - 1)
    return np.array(edges, np.uint64)


@dataclass(frozen=True)
class Latency:
    """The times of one stage, at one moment or between two."""

    counts: Counts
    cycles: int
    max_cycles: int
    cycles_per_s: int

    @classmethod
    def of(cls, histogram: Any, cycles_per_s: int) -> Self:
        """Copy one histogram of the segment."""
        return cls(
            histogram["bucket"].copy(), int(histogram["cycles"]), int(histogram["max_cycles"]), cycles_per_s
        )

    @property
    def count(self) -> int:
        """How many times it holds: those in its buckets, so that they always add up."""
        return int(self.counts.sum())

    def since(self, before: Self) -> Self:
        """Return what has come since an earlier moment. The longest time is then known by its bucket only."""
        counts = np.where(self.counts >= before.counts, self.counts - before.counts, 0).astype(np.uint64)
        used = np.flatnonzero(counts)
        longest = min(int(upper_edges()[used[-1]]), self.max_cycles) if len(used) else 0
        return type(self)(counts, max(self.cycles - before.cycles, 0), longest, self.cycles_per_s)

    def percentile_ns(self, quantile: float) -> float | None:
        """Return the time that this share of all times does not exceed; None if there are none."""
        running = np.cumsum(self.counts)
        total = int(running[-1])
        if not total:
            return None
        rank = max(1, int(np.ceil(quantile * total)))
        bucket = int(np.searchsorted(running, rank))
        edge = int(upper_edges()[bucket])
        is_last = bucket == len(running) - 1
        return self._ns(self.max_cycles if is_last else min(edge, self.max_cycles or edge))

    @property
    def mean_ns(self) -> float | None:
        """The mean; None if there are no times."""
        return self._ns(self.cycles / self.count) if self.count else None

    @property
    def max_ns(self) -> float:
        """The longest."""
        return self._ns(self.max_cycles)

    def classic(self) -> list[tuple[int, int]]:
        """Return (upper bound in ns, times that are surely no longer) for each classic bucket."""
        running = np.cumsum(self.counts)
        edges_ns = upper_edges()[:-1].astype(np.float64) * 1e9 / max(self.cycles_per_s, 1)
        inside = np.searchsorted(edges_ns, np.array(CLASSIC_NS), side="right")
        return [
            (bound, int(running[index - 1]) if index else 0)
            for bound, index in zip(CLASSIC_NS, inside, strict=True)
        ]

    def _ns(self, cycles: float) -> float:
        return cycles * 1e9 / self.cycles_per_s if self.cycles_per_s else 0.0
