"""The state table of the order pool, walked: every state and every event, as gateway/orders.h writes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from model.order_pool import SYMBOLS, Pool
from model.orders import DEAD, NEVER_ARRIVED, Effect, Reply, Wish

QTY, PX, PART = 100, 5000, 40
REF = 1  # of the order that the walk is about; its replacement, where there is one, is 2
USER, OTHER = ord("U"), ord("Z")


def enter(pool: Pool) -> None:
    """Enter the order."""
    assert pool.take(Wish("ENTER", 0, 0, 0, QTY, PX))[0] == "DONE"


def accept(pool: Pool) -> None:
    """Have it accepted."""
    enter(pool)
    pool.apply(Reply("ACCEPTED", REF, QTY, PX, symbol=SYMBOLS[0]))


def fill_a_part(pool: Pool) -> None:
    """Have some of it filled."""
    accept(pool)
    pool.apply(Reply("EXECUTED", REF, PART, PX, match=1))


def ask_to_go(pool: Pool) -> None:
    """Ask it to go, when it is live."""
    accept(pool)
    assert pool.take(Wish("CANCEL", 0, 0))[0] == "DONE"


def ask_to_go_unheard(pool: Pool) -> None:
    """Ask it to go before the venue has said anything."""
    enter(pool)
    assert pool.take(Wish("CANCEL", 0, 0))[0] == "DONE"


def then(make: Callable[[Pool], None], *replies: Reply) -> Callable[[Pool], None]:
    """Return a way into a state through replies."""

    def arrive(pool: Pool) -> None:
        make(pool)
        for reply in replies:
            pool.apply(reply)

    return arrive


STATES: dict[str, Callable[[Pool], None]] = {
    "SENT": enter,
    "LIVE": accept,
    "PARTLY_FILLED": fill_a_part,
    "CANCEL_SENT": ask_to_go,
    "CANCEL_SENT unheard": ask_to_go_unheard,
    "UNKNOWN": then(accept, Reply("DISCONNECTED")),
    "UNKNOWN filled": then(fill_a_part, Reply("DISCONNECTED")),
    "UNKNOWN asked": then(ask_to_go, Reply("DISCONNECTED")),
    "UNKNOWN unheard": then(enter, Reply("DISCONNECTED")),
    "FILLED": then(accept, Reply("EXECUTED", REF, QTY, PX, match=1)),
    "CANCELLED": then(accept, Reply("CANCELED", REF, QTY, reason=USER)),
    "REPLACED": then(accept, Reply("REPLACED", 2, QTY, PX, replaces=REF, symbol=SYMBOLS[0])),
    "REJECTED": then(enter, Reply("REJECTED", REF, reason=7)),
}
OVER = ["FILLED", "CANCELLED", "REPLACED", "REJECTED"]
HEARD = ["LIVE", "PARTLY_FILLED", "CANCEL_SENT", "UNKNOWN", "UNKNOWN filled", "UNKNOWN asked"]
FILLED_BEFORE = {"PARTLY_FILLED", "UNKNOWN filled", "FILLED"}

ACCEPTED = Reply("ACCEPTED", REF, QTY, PX, symbol=SYMBOLS[0], order_ref=77)
EVENTS: dict[str, Reply] = {
    "accepted": ACCEPTED,
    "accepted dead": ACCEPTED._replace(state="D"),
    "accepted, less": ACCEPTED._replace(qty=90),
    "accepted, more": ACCEPTED._replace(qty=120),
    "replaced": Reply("REPLACED", 3, 70, PX + 100, replaces=REF, symbol=SYMBOLS[0]),
    "executed, a part": Reply("EXECUTED", REF, 10, PX, match=9),
    "executed, more than all": Reply("EXECUTED", REF, QTY + 1, PX, match=9),
    "canceled, a part": Reply("CANCELED", REF, 10, reason=OTHER),
    "canceled, a part, by us": Reply("CANCELED", REF, 10, reason=USER),
    "canceled, all": Reply("CANCELED", REF, QTY, reason=OTHER),
    "aiq canceled, a part": Reply("AIQ_CANCELED", REF, 10, PX, reason=ord("Q")),
    "aiq canceled, all": Reply("AIQ_CANCELED", REF, QTY, PX, reason=ord("Q")),
    "rejected": Reply("REJECTED", REF, reason=0x1D),
    "cancel pending": Reply("CANCEL_PENDING", REF),
    "cancel rejected": Reply("CANCEL_REJECTED", REF),
    "priority": Reply("PRIORITY", REF, px=PX + 50, order_ref=78),
    "modified, less": Reply("MODIFIED", REF, 30),
    "modified, more": Reply("MODIFIED", REF, 130),
    "modified, other side": Reply("MODIFIED", REF, 30, side="S"),
    "restated": Reply("RESTATED", REF, reason=ord("R")),
    "mass canceled": Reply("MASS_CANCELED", 9, symbol=SYMBOLS[0]),
    "account": Reply("ACCOUNT", 50),
    "system": Reply("SYSTEM", reason=ord("S")),
    "disabled": Reply("DISABLED", 9),
    "enabled": Reply("ENABLED", 9),
    "unreadable": Reply("NONE", reason=3),
    "broken, of no fill": Reply("BROKEN", REF, match=99),
    "disconnected": Reply("DISCONNECTED"),
    "ended": Reply("ENDED"),
    "connected": Reply("CONNECTED", sequence=1, connection=2),
}

# The table. What each event makes of an open order that nobody has told of yet, of an open one that somebody
# has, and of one that is over:
#     same       nothing, or nothing but the effect
#     stands     LIVE, or PARTLY_FILLED when some of it is filled
#     resolved   likewise, but a cancel that is under way outlasts it
#     filled     PARTLY_FILLED, and the same with a cancel
#     a STATE    that
#     a counter  that counts it; nothing changes
TABLE: dict[str, tuple[str, str, str]] = {
    "accepted": ("resolved", "repeats", "repeats"),
    "accepted dead": ("CANCELLED", "repeats", "repeats"),
    "accepted, less": ("resolved", "repeats", "repeats"),
    "accepted, more": ("resolved", "repeats", "repeats"),
    "replaced": ("REPLACED", "REPLACED", "same"),
    "executed, a part": ("filled", "filled", "same"),
    "executed, more than all": ("FILLED", "FILLED", "same"),
    "canceled, a part": ("resolved", "resolved", "senseless"),
    "canceled, a part, by us": ("stands", "stands", "senseless"),
    "canceled, all": ("CANCELLED", "CANCELLED", "senseless"),
    "aiq canceled, a part": ("resolved", "resolved", "senseless"),
    "aiq canceled, all": ("CANCELLED", "CANCELLED", "senseless"),
    "rejected": ("REJECTED", "senseless", "senseless"),
    "cancel pending": ("CANCEL_SENT", "CANCEL_SENT", "senseless"),
    "cancel rejected": ("senseless", "senseless", "senseless"),
    "priority": ("resolved", "resolved", "senseless"),
    "modified, less": ("resolved", "resolved", "senseless"),
    "modified, more": ("resolved", "resolved", "senseless"),
    "modified, other side": ("senseless", "senseless", "senseless"),
    "restated": ("resolved", "resolved", "senseless"),
    "mass canceled": ("same", "same", "same"),
    "account": ("same", "same", "same"),
    "system": ("same", "same", "same"),
    "disabled": ("same", "same", "same"),
    "enabled": ("same", "same", "same"),
    "unreadable": ("unreadable", "unreadable", "unreadable"),
    "broken, of no fill": ("unknown_trades", "unknown_trades", "unknown_trades"),
    "disconnected": ("UNKNOWN", "UNKNOWN", "same"),
    "ended": ("UNKNOWN", "UNKNOWN", "same"),
    "connected": ("same", "same", "same"),
}
# What a state has of its own.
EXCEPTIONS = {
    **{("REJECTED", event): "senseless" for event in EVENTS if event.startswith("accepted")},
    ("CANCEL_SENT", "cancel rejected"): "stands",
    ("CANCEL_SENT unheard", "cancel rejected"): "stands",
    ("UNKNOWN asked", "cancel rejected"): "stands",
}
COUNTERS = ["senseless", "repeats", "unknown_trades", "unreadable", "strangers"]

# What is told of the order, given what was left of it; whatever is 0 is not told.
EFFECTS: dict[str, Callable[[int], dict[str, int]]] = {
    "accepted dead": lambda left: {"released": left, "closes": 1},
    "accepted, less": lambda _: {"released": 10},
    "accepted, more": lambda _: {"adopted": 20},
    "executed, a part": lambda left: {"filled": 10, "fill_px": PX, "adopted": 0 if left else 10},
    "executed, more than all": lambda left: {
        "filled": QTY + 1,
        "fill_px": PX,
        "adopted": QTY + 1 - left,
        "closes": int(left > 0),
    },
    "canceled, a part": lambda _: {"released": 10},
    "canceled, a part, by us": lambda _: {"released": 10},
    "canceled, all": lambda left: {"released": left, "closes": 1},
    "aiq canceled, a part": lambda _: {"released": 10},
    "aiq canceled, all": lambda left: {"released": left, "closes": 1},
    "rejected": lambda left: {"released": left, "closes": 1},
    "replaced": lambda left: {"released": left, "closes": int(left > 0)},
    "modified, less": lambda left: {"released": left - 30},
    "modified, more": lambda left: {"adopted": 130 - left},
}


def plain(state: str) -> str:
    """The state, without what is said beside it."""
    return state.split(maxsplit=1)[0]


def standing(state: str) -> str:
    """LIVE, or PARTLY_FILLED when some of it is filled."""
    return "PARTLY_FILLED" if state in FILLED_BEFORE else "LIVE"


def leaves(state: str) -> int:
    """What is left of the order in a state."""
    return 0 if state in OVER else QTY - (PART if state in FILLED_BEFORE else 0)


def cell(state: str, event: str) -> str:
    """What the table says."""
    unheard, heard, over = TABLE[event]
    by_column = over if state in OVER else heard if state in HEARD else unheard
    return EXCEPTIONS.get((state, event), by_column)


def state_after(state: str, word: str) -> str:
    """The state that a word of the table stands for."""
    asked = state.startswith("CANCEL_SENT")
    words = {
        "same": plain(state),
        "stands": standing(state),
        "resolved": "CANCEL_SENT" if asked else standing(state),
        "filled": "CANCEL_SENT" if asked else "PARTLY_FILLED",
    }
    return plain(state) if word in COUNTERS else words.get(word, word)


def effect_of(state: str, event: str) -> dict[str, int]:
    """What is told of the order."""
    if cell(state, event) in COUNTERS or event not in EFFECTS:
        return {}
    return {name: value for name, value in EFFECTS[event](leaves(state)).items() if value}


def of_the_order(effects: list[Effect]) -> dict[str, int] | None:
    """Return what was done to the order of the walk, without what is 0."""
    for effect in effects:
        if effect.user_ref == REF:
            done = effect._asdict()
            return {name: int(done[name]) for name in done if name not in {"user_ref", "tag"} and done[name]}
    return None


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_the_table_is_what_happens(state: str, event: str) -> None:
    word = cell(state, event)
    with Pool() as pool:
        STATES[state](pool)
        assert pool.state(REF) == plain(state)
        before = pool.counters
        done = of_the_order(pool.apply(EVENTS[event]))
        assert (done or {}) == effect_of(state, event)
        assert pool.state(REF) == state_after(state, word)
        after = pool.counters
        for counter in COUNTERS:
            grown = getattr(after, counter) - getattr(before, counter)
            assert grown == (counter == word), counter
        view = pool.find(REF)
        assert view.entered_qty == view.filled_qty + view.cancelled_qty + view.leaves_qty


@pytest.mark.parametrize("state", STATES)
def test_caught_up_gives_up_what_nobody_has_told_of_and_the_rest_stands(state: str) -> None:
    with Pool() as pool:
        STATES[state](pool)
        pool.apply(Reply("DISCONNECTED"))
        left = leaves(state)
        effects = pool.connect(2)
        if state in OVER:
            assert pool.state(REF) == state
            assert of_the_order(effects) is None
        elif state in HEARD:
            assert pool.state(REF) == standing(state)
            assert of_the_order(effects) is None
        else:
            assert pool.state(REF) == "REJECTED"
            assert of_the_order(effects) == {"released": left, "closes": 1}
            assert pool.find(REF).reason == NEVER_ARRIVED


def test_a_replay_of_all_that_was_said_is_not_applied_twice() -> None:
    said = [ACCEPTED._replace(sequence=1), Reply("EXECUTED", REF, PART, PX, match=1, sequence=2)]
    with Pool() as pool:
        enter(pool)
        for reply in said:
            pool.apply(reply)
        pool.apply(Reply("DISCONNECTED"))
        pool.apply(Reply("CONNECTED", sequence=1, connection=2))
        for reply in said:
            assert pool.apply(reply) == []
        pool.apply(Reply("CAUGHT_UP", connection=2))
        assert pool.settle() == []
        assert pool.state(REF) == "PARTLY_FILLED"
        assert pool.find(REF).filled_qty == PART


def test_an_order_that_dies_as_it_is_accepted_says_so() -> None:
    with Pool() as pool:
        enter(pool)
        pool.apply(EVENTS["accepted dead"])
        assert pool.find(REF).reason == DEAD
        assert pool.find(REF).order_ref == 77


def test_reasons_of_the_venue_are_kept() -> None:
    with Pool() as pool:
        enter(pool)
        pool.apply(EVENTS["rejected"])
        assert pool.find(REF).reason == 0x1D
        assert pool.take(Wish("ENTER", 0, 0, 0, QTY, PX))[0] == "DONE"
        pool.apply(Reply("CANCELED", 2, QTY, reason=ord("H")))
        assert pool.find(2).reason == ord("H")
