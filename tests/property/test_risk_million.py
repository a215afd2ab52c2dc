"""A million random orders in one go: each gets the verdict of the model, with its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from model.risk import (
    ACCOUNT,
    ASK,
    BID,
    ENTER,
    HALTED,
    SHORT_SALE_RESTRICTED,
    STALE,
    STRATEGY,
    SYMBOL,
    UNTRUSTED,
    Ask,
    Limits,
    Model,
)  # fmt: skip
from model.risk_gate import Gate, differences, reasons
from model.risk_scenes import INSTRUMENTS, open_gate

from appliance import native

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
