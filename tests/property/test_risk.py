"""The risk gate and its model agree on every order, whatever happens between; and no limit is ever passed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

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
from model.risk_gate import Gate, differences
from model.risk_scenes import INSTRUMENTS, open_gate
from model.risk_trading import Trading


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
