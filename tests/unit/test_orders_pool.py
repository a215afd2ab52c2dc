"""The order pool: which orders it makes, what it remembers, and how it comes back after a crash."""

from __future__ import annotations

import pytest
from model.order_pool import RX_CYCLES, SYMBOLS, Pool
from model.orders import ALL, Reply, Sent, Wish

BUY, SELL, IOC = 0, 1, 3


def enter(qty: int = 100, px: int = 5000, instrument: int = 0, tag: int = 0, side: int = BUY) -> Wish:
    """An order."""
    return Wish("ENTER", instrument, tag, side, qty, px)


def replace(qty: int = 100, px: int = 5100, tag: int = 0) -> Wish:
    """Another price or quantity."""
    return Wish("REPLACE", 0, tag, BUY, qty, px)


CANCEL = Wish("CANCEL", 0, 0)


def accepted(user_ref: int, qty: int = 100, px: int = 5000, instrument: int = 0, side: str = "B") -> Reply:
    """The venue has it."""
    return Reply("ACCEPTED", user_ref, qty, px, symbol=SYMBOLS[instrument], side=side)


def replaced(user_ref: int, old: int, qty: int, px: int = 5100) -> Reply:
    """The venue has it instead."""
    return Reply("REPLACED", user_ref, qty, px, replaces=old, symbol=SYMBOLS[0])


def executed(user_ref: int, qty: int, px: int = 5000, match: int = 0) -> Reply:
    """A fill."""
    return Reply("EXECUTED", user_ref, qty, px, match=match)


def take(pool: Pool, wish: Wish) -> Sent:
    """Make an order that must be possible."""
    verdict, sent = pool.take(wish)
    assert verdict == "DONE"
    assert sent
    return sent


# --- making orders ---


def test_numbers_and_references_count_up_and_the_order_says_what_it_rests_on() -> None:
    with Pool(first=500) as pool:
        assert take(pool, enter()) == Sent("ENTER", 500, 1, 0, 100, 5000, BUY)
        order = pool.last
        assert (pool.last_symbol, order.instrument, order.connection) == (b"AAPL    ", 0, 1)
        assert (order.intent, order.rx_cycles, order.decided_cycles) == (99, RX_CYCLES, 0)
        assert take(pool, replace(70, 5200)) == Sent("REPLACE", 501, 2, 500, 70, 5200, BUY)
        assert take(pool, CANCEL._replace(qty=30)) == Sent("CANCEL", 501, 3, 0, 30, 5200, BUY)
        assert pool.mass_cancel(1) == Sent("MASS_CANCEL", 502, 4)
        assert pool.last_symbol == b"MSFT    "
        assert take(pool, enter(side=SELL, tag=1)) == Sent("ENTER", 503, 5, 0, 100, 5000, SELL)


@pytest.mark.parametrize(
    "wish",
    [
        Wish("WHAT", 0, 0, BUY, 1, 1),
        enter(instrument=3),
        enter(tag=16),
        enter(side=2),
        enter(qty=0),
        enter()._replace(tif=1),
        replace(qty=0),
        replace()._replace(tif=9),
        CANCEL._replace(instrument=9),
    ],
)
def test_a_malformed_intent_makes_no_order(wish: Wish) -> None:
    with Pool() as pool:
        assert pool.take(wish) == ("MALFORMED", None)
        assert pool.counters.refused[1] == 1
        assert pool.counters.taken == 0


def test_a_tag_has_one_order_until_that_is_over() -> None:
    with Pool() as pool:
        assert pool.take(replace()) == ("NO_ORDER", None)
        assert pool.take(CANCEL) == ("NO_ORDER", None)
        take(pool, enter())
        assert pool.take(enter()) == ("TAG_IN_USE", None)
        take(pool, enter(tag=1))
        take(pool, enter(instrument=1))
        pool.apply(executed(1, 100))
        assert take(pool, enter()).user_ref == 4


def test_one_replacement_is_under_way_at_a_time() -> None:
    with Pool() as pool:
        take(pool, enter())
        take(pool, replace())
        assert pool.look(replace()) == "BUSY"
        pool.apply(accepted(1))
        assert pool.look(replace()) == "BUSY"
        pool.apply(replaced(2, 1, 100))
        assert take(pool, replace()).replaces == 2


def test_an_order_that_was_asked_to_go_is_not_replaced_and_asked_again_only_for_less() -> None:
    with Pool() as pool:
        take(pool, enter())
        assert pool.look(CANCEL._replace(qty=100)) == "NOT_LESS"
        take(pool, CANCEL._replace(qty=60))
        assert pool.look(replace()) == "BUSY"
        assert pool.look(CANCEL._replace(qty=60)) == "BUSY"
        take(pool, CANCEL)
        assert pool.look(CANCEL) == "BUSY"


def test_a_cancel_down_to_a_size_leaves_the_order_live_with_what_stays() -> None:
    """The size is that of the whole order: of 100, 40 were filled; down to 60 leaves 20."""
    with Pool() as pool:
        take(pool, enter())
        pool.apply(accepted(1))
        take(pool, CANCEL._replace(qty=60))
        pool.apply(executed(1, 40))
        assert pool.state(1) == "CANCEL_SENT"
        pool.apply(Reply("CANCELED", 1, 40, reason=ord("U")))
        assert (pool.state(1), pool.find(1).leaves_qty) == ("PARTLY_FILLED", 20)
        assert pool.look(replace()) == "DONE"


def test_nothing_is_asked_without_a_session_that_is_caught_up() -> None:
    with Pool(connected=False) as pool:
        assert pool.take(enter()) == ("NOT_CONNECTED", None)
        assert pool.mass_cancel(ALL) is None
        pool.apply(Reply("CONNECTED", sequence=1, connection=1))
        assert pool.take(enter()) == ("NOT_CONNECTED", None)
        pool.apply(Reply("CAUGHT_UP", connection=1))
        assert pool.take(enter()) == ("NOT_CONNECTED", None)
        assert pool.settle() == []
        take(pool, enter())
        pool.apply(Reply("DISCONNECTED"))
        assert pool.take(CANCEL) == ("NOT_CONNECTED", None)
        pool.connect(7)
        take(pool, enter())
        assert pool.last.connection == 7


def test_a_full_pool_refuses_and_an_order_that_is_over_makes_room() -> None:
    with Pool(orders=4) as pool:
        for tag in range(4):
            take(pool, enter(tag=tag))
        assert pool.take(enter(tag=4)) == ("FULL", None)
        assert pool.take(replace(tag=1)) == ("FULL", None)
        take(pool, CANCEL)
        assert pool.open_refs() == [1, 2, 3, 4]
        pool.apply(Reply("CANCELED", 3, 100))
        # 5 and 6 would take the places of 1 and 2, which are open.
        assert take(pool, enter(tag=4)).user_ref == 7
        assert pool.state(3) == "NONE"
        assert pool.open_refs() == [1, 2, 4, 7]


def test_references_that_are_used_up_end_the_day_of_orders() -> None:
    with Pool(orders=4, first=2**32 - 6) as pool:
        for turn in range(3):
            ref = take(pool, enter()).user_ref
            assert ref == 2**32 - 6 + turn
            pool.apply(Reply("REJECTED", ref))
        assert pool.take(enter()) == ("NO_USER_REF", None)


def test_a_mass_cancel_asks_all_of_an_instrument_or_all() -> None:
    with Pool() as pool:
        for instrument in (0, 0, 1):
            take(pool, enter(instrument=instrument, tag=len(pool.open_refs())))
        pool.mass_cancel(0)
        assert [pool.state(ref) for ref in (1, 2, 3)] == ["CANCEL_SENT", "CANCEL_SENT", "SENT"]
        pool.mass_cancel(ALL)
        assert pool.state(3) == "CANCEL_SENT"
        assert pool.last_symbol == b" " * 8
        assert pool.mass_cancel(3) is None


# --- replies in odd orders ---
