"""The order pool and the venue: replies in every order, trades that are broken, lives before ours."""

from __future__ import annotations

import pytest
from model.order_pool import HEARD_CYCLES, SYMBOLS, Pool
from model.orders import NEVER_ARRIVED, NO_TAG, ORIGINAL_GONE, Effect, Reply, Sent, Wish

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


def test_a_fill_may_come_before_accepted() -> None:
    with Pool() as pool:
        take(pool, enter())
        assert pool.apply(executed(1, 40)) == [Effect(1, 0, filled=40, fill_px=5000)]
        assert pool.state(1) == "PARTLY_FILLED"
        assert pool.apply(accepted(1)) == [Effect(1, 0)]
        assert pool.apply(executed(1, 60)) == [Effect(1, 0, filled=60, fill_px=5000, closes=1)]
        assert pool.apply(accepted(1)) == []


def test_accepted_may_come_when_all_is_filled() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(executed(1, 100))
        assert pool.apply(accepted(1)) == []
        assert (pool.state(1), pool.counters.senseless, pool.counters.repeats) == ("FILLED", 0, 0)


def test_what_the_venue_fills_beyond_the_order_is_believed_and_counted() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(accepted(1))
        over = Effect(1, 0, adopted=20, filled=120, fill_px=5000, closes=1)
        assert pool.apply(executed(1, 120)) == [over]
        late = Effect(1, 0, adopted=5, filled=5, fill_px=5000)
        assert pool.apply(executed(1, 5)) == [late]
        view = pool.find(1)
        assert (view.entered_qty, view.filled_qty, pool.counters.odd) == (125, 125, 2)
        assert pool.state(1) == "FILLED"


def test_no_more_is_cancelled_than_there_is() -> None:
    with Pool() as pool:
        take(pool, enter())
        assert pool.apply(Reply("CANCELED", 1, 130)) == [Effect(1, 0, released=100, closes=1)]
        assert (pool.find(1).cancelled_qty, pool.counters.odd) == (100, 1)


def test_accepted_for_another_symbol_or_side_makes_no_sense() -> None:
    with Pool() as pool:
        take(pool, enter())
        assert pool.apply(accepted(1, instrument=1)) == []
        assert pool.apply(accepted(1, side="S")) == []
        assert (pool.state(1), pool.counters.senseless) == ("SENT", 2)


def test_a_quantity_that_the_protocol_does_not_know_makes_no_sense() -> None:
    with Pool() as pool:
        take(pool, enter())
        for kind in ("ACCEPTED", "EXECUTED", "CANCELED", "MODIFIED"):
            assert pool.apply(Reply(kind, 1, 1_000_000, 5000, symbol=SYMBOLS[0])) == []
        assert pool.apply(executed(1, 0)) == []
        assert (pool.state(1), pool.counters.senseless) == ("SENT", 5)


def test_replies_about_nobody_are_counted_and_their_fills_apart() -> None:
    with Pool() as pool:
        for kind in ("EXECUTED", "CANCELED", "REJECTED", "CANCEL_PENDING"):
            assert pool.apply(Reply(kind, 77, 10, 5000)) == []
        assert (pool.counters.strangers, pool.counters.strange_fills) == (4, 1)


# --- replacements ---


def test_a_replacement_takes_the_place_of_what_is_left() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(accepted(1))
        take(pool, replace(150))
        pool.apply(executed(1, 40))
        old = Effect(1, 0, released=60, closes=1)
        new = Effect(2, 0, released=40)
        assert pool.apply(replaced(2, 1, 110)) == [old, new]
        assert [pool.state(ref) for ref in (1, 2)] == ["REPLACED", "LIVE"]
        assert (pool.find(2).entered_qty, pool.find_tag(0, 0)) == (110, 2)
        assert (pool.find(1).replaced_by, pool.find(2).replaces) == (2, 1)


def test_a_rejected_replacement_leaves_the_old_order_and_its_tag() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(accepted(1))
        take(pool, replace(150))
        assert pool.find_tag(0, 0) == 2
        assert pool.apply(Reply("REJECTED", 2, reason=0x15)) == [Effect(2, 0, released=150, closes=1)]
        assert (pool.state(1), pool.find_tag(0, 0)) == ("LIVE", 1)
        assert take(pool, replace()).replaces == 1


@pytest.mark.parametrize(
    ("end", "effect"),
    [
        (executed(1, 100), {"filled": 100, "fill_px": 5000}),
        (Reply("CANCELED", 1, 100), {"released": 100}),
        (Reply("REJECTED", 1), {"released": 100}),
    ],
)
def test_a_replacement_falls_with_the_order_whose_place_it_wanted(end: Reply, effect: dict[str, int]) -> None:
    with Pool() as pool:
        take(pool, enter())
        take(pool, replace(150))
        assert pool.apply(end) == [
            Effect(1, 0, closes=1)._replace(**effect),
            Effect(2, 0, released=150, closes=1),
        ]
        assert (pool.state(2), pool.find(2).reason) == ("REJECTED", ORIGINAL_GONE)
        assert (pool.find_tag(0, 0), pool.open_refs()) == (0, [])
        # Should the venue say so too, nothing is new.
        assert pool.apply(Reply("REJECTED", 2, reason=0x15)) == []
        assert (pool.find(2).reason, pool.counters.senseless) == (0x15, 0)


def test_a_cancel_behind_a_replacement_is_of_the_replacement() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(accepted(1))
        take(pool, replace())
        assert take(pool, CANCEL).user_ref == 2
        pool.apply(replaced(2, 1, 100))
        assert pool.state(2) == "CANCEL_SENT"
        assert pool.apply(Reply("CANCELED", 2, 100, reason=ord("U")))[0].closes


def test_replaced_dead_ends_both() -> None:
    with Pool() as pool:
        take(pool, enter())
        take(pool, replace())
        effects = pool.apply(replaced(2, 1, 100)._replace(state="D"))
        assert effects == [
            Effect(1, 0, released=100, closes=1),
            Effect(2, 0, released=100, closes=1),
        ]
        assert pool.open_refs() == []


# --- trades that are taken back ---


def test_a_broken_trade_takes_its_fill_back_once() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(executed(1, 40, 4990, match=7))
        pool.apply(executed(1, 60, match=8))
        broken = Effect(1, 0, broken=40, broken_px=4990)
        assert pool.apply(Reply("BROKEN", 1, match=7)) == [broken]
        assert pool.apply(Reply("BROKEN", 1, match=7)) == []
        assert (pool.state(1), pool.find(1).filled_qty, pool.find(1).broken_qty) == ("FILLED", 100, 40)
        assert (pool.counters.broken_trades, pool.counters.repeats) == (1, 1)


def test_a_corrected_trade_is_another_fill_instead() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(executed(1, 40, 4990, match=7))
        corrected = Effect(1, 0, adopted=40, filled=40, fill_px=4980, broken=40, broken_px=4990)
        assert pool.apply(Reply("CORRECTED", 1, 40, 4980, match=7)) == [corrected]
        assert pool.apply(Reply("BROKEN", 1, match=7)) == [Effect(1, 0, broken=40, broken_px=4980)]
        assert pool.find(1).leaves_qty == 60


def test_both_sides_of_a_trade_may_be_ours() -> None:
    with Pool() as pool:
        take(pool, enter())
        take(pool, enter(side=SELL, tag=1))
        assert pool.apply(executed(1, 40, match=7))[0].filled == 40
        assert pool.apply(executed(2, 40, match=7))[0].filled == 40
        assert pool.apply(executed(2, 40, match=7)) == []


def test_the_oldest_fills_are_forgotten_and_others_are_not() -> None:
    with Pool(fills=8) as pool:
        take(pool, enter(qty=1000))
        for match in range(1, 31):
            pool.apply(executed(1, 10, match=match))
        assert [bool(pool.apply(Reply("BROKEN", 1, match=match))) for match in range(1, 31)] == [
            False
        ] * 22 + [True] * 8
        assert pool.counters.unknown_trades == 22


# --- connections ---


def test_an_order_given_up_too_early_lives_again() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(Reply("DISCONNECTED"))
        assert pool.connect(2) == [Effect(1, 0, released=100, closes=1)]
        assert pool.find_tag(0, 0) == 0
        assert pool.apply(accepted(1)) == [Effect(1, 0, adopted=100, opens=1)]
        assert (pool.state(1), pool.find_tag(0, 0), pool.counters.revived) == ("LIVE", 1, 1)


def test_an_order_that_lives_again_finds_its_tag_taken() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(Reply("DISCONNECTED"))
        pool.connect(2)
        take(pool, enter())
        assert pool.apply(accepted(1)) == [Effect(1, NO_TAG, adopted=100, opens=1)]
        assert pool.find_tag(0, 0) == 2
        assert pool.open_refs() == [2, 1]


def test_a_connection_that_breaks_while_it_settles_settles_later() -> None:
    with Pool() as pool:
        take(pool, enter())
        take(pool, enter(tag=1))
        pool.apply(Reply("DISCONNECTED"))
        pool.apply(Reply("CAUGHT_UP", connection=2))
        pool.apply(Reply("DISCONNECTED"))
        assert pool.settle() == []
        assert pool.take(enter(tag=2)) == ("NOT_CONNECTED", None)
        assert [effect.user_ref for effect in pool.connect(3)] == [1, 2]
        assert [pool.find(ref).reason for ref in (1, 2)] == [NEVER_ARRIVED] * 2
        assert pool.find(1).heard_cycles == HEARD_CYCLES


def test_a_replacement_that_never_arrived_gives_the_tag_back() -> None:
    with Pool() as pool:
        take(pool, enter())
        pool.apply(accepted(1))
        take(pool, replace(150))
        pool.apply(Reply("DISCONNECTED"))
        assert pool.connect(2) == [Effect(2, 0, released=150, closes=1)]
        assert (pool.state(1), pool.find_tag(0, 0)) == ("LIVE", 1)
        assert take(pool, replace()).replaces == 1


# --- after a crash ---


def test_a_replay_makes_orders_anew_without_their_tags() -> None:
    with Pool(connected=False) as pool:
        pool.apply(Reply("CONNECTED", sequence=1, connection=1))
        replies = [
            accepted(11)._replace(number=5),
            executed(11, 30, match=1),
            accepted(12, 200, 4900, 1, "T")._replace(number=6, tif="3"),
            replaced(13, 11, 70)._replace(number=8),
            Reply("CANCELED", 12, 200, reason=ord("I")),
            Reply("REJECTED", 14, number=9),
            Reply("ACCOUNT", 20),
        ]
        effects = [
            effect
            for sequence, reply in enumerate(replies, 1)
            for effect in pool.apply(reply._replace(sequence=sequence))
        ]
        assert effects == [
            Effect(11, adopted=100, opens=1),
            Effect(11, filled=30, fill_px=5000),
            Effect(12, adopted=200, opens=1),
            Effect(11, released=70, closes=1),
            Effect(13, adopted=70, opens=1),
            Effect(12, released=200, closes=1),
        ]
        pool.apply(Reply("CAUGHT_UP", connection=1))
        assert pool.settle() == []
        assert pool.open_refs() == [13]
        view = pool.find(13)
        assert (view.tag, view.side, view.px, view.number) == (NO_TAG, BUY, 5100, 8)
        assert (pool.find(12).side, pool.find(12).tif, pool.find(12).instrument) == (SELL, IOC, 1)
        # Neither references nor numbers go back.
        assert take(pool, enter()) == Sent("ENTER", 20, 10, 0, 100, 5000, BUY)
        assert pool.counters.rebuilt == 3


def test_orders_in_symbols_of_another_plan_are_counted() -> None:
    with Pool(connected=False) as pool:
        assert pool.apply(accepted(1)._replace(symbol="OTHER   ")) == []
        assert (pool.counters.foreign, pool.open_refs()) == (1, [])


def test_an_order_that_finds_no_place_is_counted() -> None:
    with Pool(orders=4, connected=False) as pool:
        pool.apply(accepted(1))
        assert pool.apply(accepted(5)) == []
        assert (pool.counters.no_room, pool.open_refs()) == (1, [1])


def test_an_order_of_this_life_that_is_forgotten_is_not_made_anew() -> None:
    with Pool(orders=4) as pool:
        for _ in range(5):
            pool.apply(Reply("REJECTED", take(pool, enter()).user_ref))
        assert pool.state(1) == "NONE"
        assert pool.apply(accepted(1)) == []
        assert pool.apply(replaced(1, 3, 100)) == []
        assert (pool.counters.strangers, pool.counters.rebuilt) == (2, 0)


# --- what it tells ---


def test_the_best_price_of_our_own_is_that_of_what_may_rest() -> None:
    with Pool() as pool:
        take(pool, enter(px=5000))
        take(pool, enter(px=5200, tag=1))
        take(pool, enter(px=5900, tag=2)._replace(tif=IOC))
        take(pool, enter(px=6000, tag=3, side=SELL))
        take(pool, enter(px=5950, tag=4, side=SELL))
        assert (pool.best(0, BUY), pool.best(0, SELL), pool.best(1, BUY)) == (5200, 5950, 0)
        pool.apply(executed(2, 100))
        pool.apply(Reply("CANCELED", 5, 100))
        assert (pool.best(0, BUY), pool.best(0, SELL)) == (5000, 6000)
        pool.apply(accepted(1, px=4990))  # the venue shows it lower
        assert pool.best(0, BUY) == 4990
        pool.apply(Reply("PRIORITY", 1, px=5010))
        assert pool.best(0, BUY) == 5010
        take(pool, replace(px=4000))
        assert pool.best(0, BUY) == 5010
        pool.apply(replaced(6, 1, 100, 4000))
        assert pool.best(0, BUY) == 4000


def test_a_list_with_little_room_still_says_how_many_there_are() -> None:
    with Pool() as pool:
        for tag in range(3):
            take(pool, enter(tag=tag))
        assert pool.open_refs(room=2) == [1, 2]
        assert pool.counters.open == 3
