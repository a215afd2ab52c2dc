"""A world that trades: a venue that takes orders, a data plane with a strategy, and its journal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import numpy as np
from e2e.truth import Truth
from e2e.world import World

from appliance.dataplane import Control, Limits, Plan, RiskLimits, Trading
from appliance.dataplane.plan import STAGES
from appliance.journal import Journal, JournalWriter
from appliance.replay.again import find_session
from appliance.replay.session import CONTROL, Session, kind, told
from appliance.strategy import CompiledStrategy, find_strategy

FUSED = (STAGES,)
SPLIT = (("feed",), ("strategy", "risk", "gateway"))
APART = tuple((stage,) for stage in STAGES)
PLACEMENTS = {"fused": FUSED, "split": SPLIT, "apart": APART}
# Every check has something to look at, and some of them refuse.
SYMBOL = RiskLimits(
    order_qty=1000, order_dollars=10_000_000, long_qty=900, short_qty=900, open_orders=8, collar_bps=500,
    duplicate_ms=1, orders_per_s=10_000, burst=20,
)  # fmt: skip
IMBALANCE = CompiledStrategy.load(find_strategy("imbalance"))


class Desk(World):
    """The data plane's gate is shut until ``open``."""

    trading: dict[str, Any]

    def make_plan(self) -> Plan:
        """Add trading to what a data plane is told."""
        host, port = self.venue.address("orders")
        asked: dict[str, Any] = {
            "strategy": str(IMBALANCE.path),
            "params": IMBALANCE.packed({"percent": 55}),
            "limits": Limits(RiskLimits(gross_dollars=10_000_000), RiskLimits(), SYMBOL),
            "gateway": (IPv4Address(host), port),
        }
        self.plan["trading"] = Trading(**(asked | self.trading))
        return super().make_plan()

    @property
    def decisions(self) -> Any:
        """What the decision stage shows."""
        return self.plane.segment.decisions()

    @property
    def state(self) -> str:
        """How trading is, beside how the feed is."""
        shown = self.decisions
        return f"causes {shown['causes']} {shown['counters']} {shown['pool']} {super().state}"

    def open(self) -> None:
        """Let orders out, as the control plane does when it has compared all with the venue."""
        self.wait_for("a session with the venue", lambda: not int(self.decisions["causes"]) & 2)
        with Control(self.name) as control:
            control.send("open", "test")

    def positions(self) -> dict[str, int]:
        """Return the shares of each symbol that are not 0."""
        held = self.decisions["position"]["position"]
        return {symbol: int(held[i]) for i, symbol in enumerate(self.truth.symbols) if held[i]}


@contextmanager
def desk(truth: Truth, folder: Path, *options: Any, **trading: Any) -> Iterator[Desk]:
    """Have a venue, a data plane that trades with it, and a journal in this folder."""
    with JournalWriter.start(folder, sync_s=0) as writer:
        tap = writer.tap(CONTROL)
        world = Desk(truth, ("--orders", "127.0.0.1:0", *options), rate=30_000, taps=writer.file)
        world.trading = trading
        with world:
            assert tap.append(kind("session"), told(world.plane.segment, time.time_ns()))
            yield world


def journalled(folder: Path) -> Session:
    """Return the last session of a journal."""
    return find_session(Journal(folder), None)


def load(control: Control, **params: int) -> None:
    """Have the strategy called with other parameters from now on."""
    packed = IMBALANCE.packed(params)
    control.send(
        "strategy",
        "test",
        path=str(IMBALANCE.path).encode(),
        params_bytes=len(packed),
        params=np.frombuffer(packed.ljust(256, b"\0"), np.uint8),
    )
