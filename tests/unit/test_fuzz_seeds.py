"""The seeds kept for the fuzz targets: each is the one described, and it reaches what it should reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_corpus.seeds import LIFE_OF_ORDERS, SEEDS
from model.messages import frame
from model.native import NativeBooks
from model.records import ASK, BID

KEPT = Path(__file__).parents[1] / "fuzz_corpus"


@pytest.mark.parametrize(("target", "name"), [(target, name) for target in SEEDS for name in SEEDS[target]])
def test_a_kept_seed_is_the_one_that_is_described(target: str, name: str) -> None:
    assert (KEPT / target / name).read_bytes() == SEEDS[target][name]


def test_the_life_of_orders_leaves_orders_behind() -> None:
    """Order 1: 100 less 40. Order 2: 50 less 10 less 5. All others left."""
    with NativeBooks(locates=4) as book:
        book.feed(frame(LIFE_OF_ORDERS))
        assert book.queue(1, BID) == [(1, 5000, 60), (2, 5000, 35)]
        assert book.queue(1, ASK) == []
        assert book.counters["live_orders"] == 2
