"""The seeds kept for the fuzz targets: each is the one described, and it reaches what it should reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_corpus.seeds import BEFORE_A_CRASH, LIFE_OF_ORDERS, ORDERS, SEEDS
from model.messages import frame
from model.native import NativeBooks
from model.order_session import Session
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


def test_the_orders_of_a_seed_are_read_to_the_last() -> None:
    """In the other a message is empty, one of no type, one has an odd appendage, and one is cut."""
    with Session() as session:
        session.begin()
        kinds = [kind for kind, _ in session.hear(*ORDERS)]
        assert kinds[:3] == ["CONNECTED", "ACCOUNT", "CAUGHT_UP"]
        assert len(set(kinds)) == 15
        assert "NONE" not in kinds
        assert session.state == "open"
    with Session() as session:
        session.begin()
        told = session.hear(*BEFORE_A_CRASH)
        assert [what["reason"] for kind, what in told if kind == "NONE"] == [1, 2, 5, 3]
        assert told[-1][0] == "ENDED"
