"""The risk gate and its model agree on every order, whatever happens between; and no limit is ever passed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.risk import (
    ACCOUNT,
    ASK,
    BID,
    ENTER,
    HALTED,
    KILLED,
    OPEN,
    REDUCE_ONLY,
    REPLACE,
    SHORT_SALE_RESTRICTED,
    STALE,
    STRATEGY,
    SYMBOL,
    U16,
    U32,
    U64,
    UNTRUSTED,
    Ask,
    Limits,
    Model,
)  # fmt: skip
from model.risk_gate import Gate, differences, reasons
from model.risk_scenes import INSTRUMENTS, open_gate

from appliance import native


@contextmanager
def both() -> Iterator[tuple[Gate, Model]]:
    """Open the gate under test and its model."""
    model = Model(INSTRUMENTS)
    with Gate(INSTRUMENTS) as gate:
        open_gate(gate)
        open_gate(model)
        yield gate, model


# --- anything, in any order, with numbers from everywhere

EDGES_32 = [0, 1, 2, 100, 9_999, 10_000, 100_0000, (1 << 31) - 1, 1 << 31, U32 - 1, U32]
EDGES_64 = [0, 1, 1000, 100_000_000, U32, U32 * U32, (1 << 63) - 1, 1 << 63, U64 - 1, U64]
U32S = st.one_of(st.sampled_from(EDGES_32), st.integers(0, U32), st.integers(0, 300))
U64S = st.one_of(st.sampled_from(EDGES_64), st.integers(0, U64), st.integers(0, 3000))
BPS = st.one_of(st.sampled_from([0, 1, 100, 9_999, 10_000, 10_001, U16 - 1, U16]), st.integers(0, U16))
SIDES = st.sampled_from([BID, ASK])
INDICES = st.sampled_from([0, 0, 0, 1, 2, INSTRUMENTS, U32])
FLAGS = [0, 0, 0, HALTED, STALE, UNTRUSTED, SHORT_SALE_RESTRICTED, U16]

LIMITS = st.builds(
    Limits,
    notional=U64S,
    gross=st.one_of(st.just(U64), U64S),
    duplicate_cycles=U64S,
    message_cycles=U32S,
    burst=U32S,
    qty=U32S,
    long_qty=U32S,
    short_qty=U32S,
    open_orders=U32S,
    collar_bps=BPS,
)
# Most limits leave most things alone, or nothing would ever pass.
FEW_LIMITS = st.builds(
    lambda limits, names: replace(Limits(), **{name: getattr(limits, name) for name in names}),
    LIMITS,
    st.sets(st.sampled_from(list(Limits.__dataclass_fields__)), max_size=3),
)
ASKS = st.builds(
    Ask,
    instrument=INDICES,
    side=st.sampled_from([BID, ASK, BID, ASK, BID, ASK, 2, 255]),
    px=U32S,
    qty=U32S,
    bid_px=U32S,
    ask_px=U32S,
    last_px=U32S,
    flags=st.sampled_from(FLAGS),
    action=st.sampled_from([ENTER, REPLACE, 0, 3, 255]),
    replaces_px=U32S,
    replaces_qty=U32S,
    rx_cycles=U64S,
    number=U64S,
)

Step = Callable[[Gate | Model], object]
STEPS = st.one_of(
    st.builds(lambda ask: lambda gate: gate.check(ask), ASKS),
    st.builds(lambda ask: lambda gate: gate.check(ask), ASKS),
    st.builds(
        lambda scope, index, limits: lambda gate: gate.set_limits(scope, index, limits),
        st.sampled_from([ACCOUNT, STRATEGY, SYMBOL, SYMBOL, 3]),
        INDICES,
        FEW_LIMITS,
    ),
    st.builds(lambda i, yes: lambda gate: gate.permit(i, yes), INDICES, st.sampled_from([True, True, False])),
    st.builds(lambda word: lambda gate: gate.set_state(word), st.sampled_from([0, 0, 0, 0, 1, 2])),
    st.builds(lambda word: lambda gate: gate.kill(word), st.sampled_from([0, 0, 0, 0, 1, 2, 3, U32])),
    st.builds(lambda *a: lambda gate: gate.fill(*a), INDICES, SIDES, U32S, U32S, U32S),
    st.builds(lambda *a: lambda gate: gate.release(*a), INDICES, SIDES, U32S, U32S),
    st.builds(lambda *a: lambda gate: gate.close_order(*a), INDICES, SIDES),
    st.builds(lambda *a: lambda gate: gate.own_best(*a), INDICES, SIDES, U32S),
    st.builds(lambda *a: lambda gate: gate.restore_order(*a), INDICES, SIDES, U32S, U32S),
    st.builds(lambda *a: lambda gate: gate.restore_shares(*a), INDICES, SIDES, U32S, U32S),
    st.builds(lambda i: lambda gate: gate.cancelled_message(i), INDICES),
)


@given(steps=st.lists(STEPS, max_size=30))
def test_gate_and_model_agree_whatever_is_done_to_them(steps: list[Step]) -> None:
    with both() as (gate, model):
        for step in steps:
            assert step(gate) == step(model)
            assert differences(gate, model) == []


# --- a venue that does with orders what venues do


@dataclass
class Order:
    """An order that passed: shares that can still fill, and the one whose place it is to take."""

    instrument: int
    side: int
    px: int
    leaves: int
    replaces: Order | None = None


class Trading:
    """Orders that make sense, of a market that moves, with everything that may become of them."""

    def __init__(self, random: Random, gate: Gate, model: Model, improves: bool) -> None:
        self.random, self.gate, self.model, self.improves = random, gate, model, improves
        self.orders: list[Order] = []
        self.now = 1_000_000
        self.number = 0
        self.improved = 0

    def tell(self, what: str, *arguments: int) -> None:
        """Tell both of something."""
        getattr(self.gate, what)(*arguments)
        getattr(self.model, what)(*arguments)

    def ask(self) -> None:
        """Enter an order, or replace one."""
        random = self.random
        self.now += random.choice([0, 1, 10, 100, 1000])
        self.number += 1
        free = [order for order in self.orders if not order.replaces and self._heir(order) is None]
        old = random.choice(free) if free and random.random() < 0.4 else None
        instrument = old.instrument if old else random.randrange(INSTRUMENTS)
        side = old.side if old else random.choice([BID, ASK])
        middle = 100_0000 + random.randrange(-3, 4) * 100
        ask = Ask(
            instrument=instrument,
            side=side,
            px=middle + random.randrange(-5, 6) * 100,
            qty=random.choice([1, 50, 100, 100, 200, 500]),
            bid_px=random.choice([0, middle - 100, middle - 100, middle - 100]),
            ask_px=random.choice([0, middle + 100, middle + 100, middle + 100]),
            last_px=random.choice([0, middle]),
            flags=random.choice([0] * 20 + [SHORT_SALE_RESTRICTED] * 5 + [STALE, HALTED]),
            action=REPLACE if old else ENTER,
            replaces_px=old.px if old else 0,
            replaces_qty=old.leaves if old else 0,
            rx_cycles=self.now,
            number=self.number,
        )
        verdict = self.gate.check(ask)
        assert verdict == self.model.check(ask)
        if verdict is None:
            self.orders.append(Order(instrument, side, ask.px, ask.qty, old))
            self.own_best(instrument, side)

    def _heir(self, order: Order) -> Order | None:
        return next((one for one in self.orders if one.replaces is order), None)

    def own_best(self, instrument: int, side: int) -> None:
        """Tell of our best price, as the pool does whenever it changes."""
        prices = [one.px for one in self.orders if (one.instrument, one.side) == (instrument, side)]
        best = (max if side == BID else min)(prices, default=0)
        self.tell("own_best", instrument, side, best)

    def _end(self, order: Order) -> None:
        self.tell("release", order.instrument, order.side, order.px, order.leaves)
        self.tell("close_order", order.instrument, order.side)
        self.orders.remove(order)
        self.own_best(order.instrument, order.side)

    def answer(self) -> None:
        """Let the venue do something with an order."""
        if not self.orders:
            return
        order = self.random.choice(self.orders)
        if order.replaces:
            if self.random.random() < 0.3:  # the replace is refused, and the old order stays
                self._end(order)
            else:
                self._end(order.replaces)
                order.replaces = None
        elif self.random.random() < 0.5 and self._heir(order) is None:
            self._end(order)
        else:
            self._fill(order)

    def _fill(self, order: Order) -> None:
        qty = self.random.randint(1, order.leaves)
        better = self.random.choice([0, 0, 100]) if self.improves or order.side == BID else 0
        fill_px = order.px - better if order.side == BID else order.px + better
        if order.side == ASK:
            opens = qty - min(max(self.model.instruments[order.instrument].position, 0), qty)
            self.improved += opens * better
        self.tell("fill", order.instrument, order.side, order.px, fill_px, qty)
        order.leaves -= qty
        heir = self._heir(order)
        if heir:  # what was filled of the old one is no more to fill of the new one
            spent = min(qty, heir.leaves)
            self.tell("release", heir.instrument, heir.side, heir.px, spent)
            heir.leaves -= spent
        if not order.leaves:
            for one in (order, heir):
                if one:
                    self._end(one)

    def worst_shares(self, instrument: int, side: int) -> int:
        """Shares long, or short, if all fills: of two orders for one place the larger."""
        position = self.model.instruments[instrument].position * (1 if side == BID else -1)
        return position + sum(
            max(one.leaves, one.replaces.leaves if one.replaces else 0)
            for one in self.orders
            if (one.instrument, one.side) == (instrument, side) and self._heir(one) is None
        )

    def worst_gross(self) -> int:
        """The exposure, counted order by order."""
        total = 0
        for index, one in enumerate(self.model.instruments):
            total += one.cost
            for side in (BID, ASK):
                if self.worst_shares(index, side) > 0:
                    total += sum(
                        max(
                            order.px * order.leaves,
                            order.replaces.px * order.replaces.leaves if order.replaces else 0,
                        )
                        for order in self.orders
                        if (order.instrument, order.side) == (index, side) and self._heir(order) is None
                    )
        return total


def limits_of(random: Random) -> Limits:
    """Limits that trading reaches often."""
    return Limits(
        notional=random.choice([U64, 250 * 100_0000]),
        gross=random.choice([U64, 500 * 100_0000, 1500 * 100_0000]),
        duplicate_cycles=random.choice([0, 0, 50]),
        message_cycles=random.choice([0, 50, 200]),
        burst=random.choice([U32, 3, 20]),
        qty=random.choice([U32, 200]),
        long_qty=random.choice([U32, 250, 600]),
        short_qty=random.choice([U32, 250, 600]),
        open_orders=random.choice([U32, 4, 10]),
        collar_bps=random.choice([U16, 3, 10]),
    )


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 200))
def test_gate_and_model_agree_while_limits_change_and_orders_live(seed: int, steps: int) -> None:
    random = Random(seed)
    with both() as (gate, model):
        trading = Trading(random, gate, model, improves=True)
        for _ in range(steps):
            what = random.random()
            if what < 0.05:
                scope = random.choice([ACCOUNT, STRATEGY, SYMBOL])
                limits = limits_of(random)
                if scope == SYMBOL:
                    limits = replace(limits, gross=U64)
                index = random.randrange(INSTRUMENTS)
                assert gate.set_limits(scope, index, limits)
                assert model.set_limits(scope, index, limits)
            elif what < 0.07:
                state = random.choice([OPEN, OPEN, REDUCE_ONLY, KILLED])
                trading.tell(random.choice(["set_state", "kill"]), state)
            elif what < 0.6:
                trading.ask()
            else:
                trading.answer()
            assert differences(gate, model) == []
        assert model.surprises == 0


@given(
    seed=st.integers(0, 2**32),
    steps=st.integers(1, 200),
    most=st.sampled_from([100, 250, 600]),
    gross_shares=st.sampled_from([100, 500, 1500]),
    improves=st.booleans(),
)
def test_no_sequence_of_events_brings_exposure_above_a_limit(
    seed: int, steps: int, most: int, gross_shares: int, improves: bool
) -> None:
    gross = gross_shares * 100_0000
    with both() as (gate, model):
        trading = Trading(Random(seed), gate, model, improves)
        for scope, limits in (
            (ACCOUNT, Limits(gross=gross)),
            (STRATEGY, Limits(long_qty=most)),
            (SYMBOL, Limits(short_qty=most)),
        ):
            for index in range(INSTRUMENTS):
                assert gate.set_limits(scope, index, limits)
                assert model.set_limits(scope, index, limits)
        for _ in range(steps):
            if trading.random.random() < 0.6:
                trading.ask()
            else:
                trading.answer()
            shares = [trading.worst_shares(i, side) for i in range(INSTRUMENTS) for side in (BID, ASK)]
            assert max(shares) <= most
            assert max(abs(gate.state(index).position) for index in range(INSTRUMENTS)) <= most
            assert trading.worst_gross() <= gross + trading.improved
            assert trading.worst_gross() <= gate.totals.gross  # what it keeps is never less


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 100))
def test_above_lowered_limits_exposure_only_falls(seed: int, steps: int) -> None:
    random = Random(seed)
    with both() as (gate, model):
        trading = Trading(random, gate, model, improves=False)
        for _ in range(60):
            (trading.ask if random.random() < 0.6 else trading.answer)()
        lowered = Limits(gross=0, long_qty=0, short_qty=0)
        assert gate.set_limits(ACCOUNT, 0, lowered)
        assert model.set_limits(ACCOUNT, 0, lowered)
        places = [(index, side) for index in range(INSTRUMENTS) for side in (BID, ASK)]
        gross = trading.worst_gross()
        shares = {place: max(trading.worst_shares(*place), 0) for place in places}
        for _ in range(steps):
            (trading.ask if random.random() < 0.6 else trading.answer)()
            assert trading.worst_gross() <= gross
            assert all(max(trading.worst_shares(*place), 0) <= shares[place] for place in places)
            gross = trading.worst_gross()
            shares = {place: max(trading.worst_shares(*place), 0) for place in places}


# --- very many

MILLION = 1_000_000


@pytest.mark.heavy
def test_a_million_random_orders_get_the_verdicts_of_the_model() -> None:
    random = np.random.default_rng(20_240_607)
    asks = np.zeros(MILLION, native.dtype("risk_ask"))
    middle = 100_0000 + random.integers(-20, 21, MILLION) * 100
    asks["number"] = np.arange(1, MILLION + 1)
    asks["rx_cycles"] = np.cumsum(random.integers(0, 200, MILLION))
    asks["instrument"] = random.integers(0, INSTRUMENTS, MILLION)
    asks["instrument"][random.random(MILLION) < 0.005] = INSTRUMENTS
    asks["side"] = random.integers(0, 2, MILLION)
    asks["side"][random.random(MILLION) < 0.002] = 3
    asks["px"] = middle + random.integers(-30, 31, MILLION) * 100
    asks["px"][random.random(MILLION) < 0.005] = 0
    asks["qty"] = random.choice(
        [0, 1, 50, 100, 200, 1000, 999_999], MILLION, p=[0.01, 0.2, 0.2, 0.3, 0.2, 0.05, 0.04]
    )
    asks["best_px"][:, BID] = middle - 100
    asks["best_px"][:, ASK] = middle + 100
    asks["last_px"] = middle
    asks["best_px"][random.random(MILLION) < 0.01] = 0
    asks["last_px"][random.random(MILLION) < 0.2] = 0
    asks["flags"] = random.choice(
        [0, HALTED, STALE, UNTRUSTED, SHORT_SALE_RESTRICTED], MILLION, p=[0.9, 0.01, 0.01, 0.01, 0.07]
    )
    asks["action"] = ENTER
    verdicts = np.zeros(MILLION, native.dtype("risk_reject"))

    model = Model(INSTRUMENTS)
    ffi, library, names = native.ffi(), native.library(), reasons()
    with Gate(INSTRUMENTS) as gate:
        for one in (gate, model):
            open_gate(one)
            one.set_limits(
                ACCOUNT, 0, Limits(notional=100_000_000_000, gross=2 * 10**12, message_cycles=20, burst=50)
            )
            one.set_limits(
                STRATEGY, 0, Limits(qty=1000, duplicate_cycles=400, collar_bps=25, open_orders=500_000)
            )
            for index in range(INSTRUMENTS):
                one.set_limits(
                    SYMBOL,
                    index,
                    Limits(
                        long_qty=10_000_000,
                        short_qty=10_000_000,
                        message_cycles=60,
                        burst=40,
                        open_orders=100_000,
                    ),
                )
                one.own_best(index, BID, 99_8000)
                one.own_best(index, ASK, 100_2000)
        first = ffi.cast("struct risk_ask *", ffi.from_buffer(asks))
        passed = library.api_risk_run(
            gate.handle, first, ffi.cast("struct risk_reject *", ffi.from_buffer(verdicts)), MILLION
        )
        rows = zip(asks.tolist(), verdicts[["reason", "value", "limit"]].tolist(), strict=True)
        members = asks.dtype.names
        assert members is not None
        for row, (reason, value, limit) in rows:
            members_of = dict(zip(members, row, strict=True))
            bid_px, ask_px = (int(px) for px in members_of.pop("best_px"))
            del members_of["reserved"]
            expected = model.check(Ask(bid_px=bid_px, ask_px=ask_px, **members_of))
            found = None if reason == 0 else (names[reason], value, limit)
            assert found == expected, members_of
        assert differences(gate, model) == []
    assert passed == MILLION - sum(model.rejected.values())
    assert passed > 0
    assert len(model.rejected) >= 12
