"""A session of a journal lived through again, by the same program: the same orders, byte for byte, or not."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from appliance.dataplane import DataPlane
from appliance.dataplane.plan import STAGES
from appliance.journal import Journal, JournalWriter
from appliance.native import dtype, ffi
from appliance.replay.session import ReplayError, Session, Told, sessions

_LONGEST_S = 3600.0
_RING = 1 << 24

Groups = Sequence[Sequence[str]]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Difference:
    """Where two sequences of orders part."""

    number: int  # of the order, from 1
    then: bytes | None  # None: there was no such order
    now: bytes | None

    def __str__(self) -> str:
        """Say it in one line."""
        return f"order {self.number:,}: then {_order_text(self.then)}, now {_order_text(self.now)}"


@dataclass(frozen=True)
class Outcome:
    """What came of living through a session again."""

    orders: int
    packets: int
    seconds: float
    difference: Difference | None


@dataclass(frozen=True)
class _RecordedLimits:
    records: Any

    def fill(self, records: Any, _symbols: Sequence[str]) -> None:
        """Write them as they were."""
        records[:] = self.records


@dataclass(frozen=True)
class _RecordedTrading:
    limits: _RecordedLimits
    kill: int = 0


@dataclass(frozen=True)
class RecordedPlan:
    """The plan of a session, but for where it runs: no ports, no venue, other threads if asked for."""

    told: Told
    groups: Groups
    ports: tuple[()] = ()
    trading: _RecordedTrading = field(init=False)

    def __post_init__(self) -> None:
        """Take the limits over."""
        object.__setattr__(self, "trading", _RecordedTrading(_RecordedLimits(self.told.limits)))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the session."""
        return self.told.symbols

    def record(self) -> Any:
        """Return it as one record of the contract."""
        record = np.frombuffer(bytearray(self.told.plan.tobytes()), dtype("plan"))[0]
        trading = record["trading"]
        trading["mode"] = ffi().typeof("enum trading_mode").relements["TRADING_REPLAY"]
        trading["groups"] = len(self.groups)
        trading["core"] = -1
        for number, stages in enumerate(self.groups):
            for stage in stages:
                trading["group"][STAGES.index(stage)] = number
        record["flags"] = ffi().typeof("enum plan_flag").relements["PLAN_DIE_WITH_PARENT"]
        record["feed_core"] = record["cold_core"] = -1
        return record


def first_difference(then: Sequence[bytes], now: Sequence[bytes]) -> Difference | None:
    """Return where two sequences part, or None."""
    for number, (one, other) in enumerate(zip(then, now, strict=False), 1):
        if one != other:
            return Difference(number, one, other)
    if len(then) == len(now):
        return None
    number = min(len(then), len(now)) + 1
    return Difference(
        number,
        then[number - 1] if number <= len(then) else None,
        now[number - 1] if number <= len(now) else None,
    )


def live_again(
    session: Session, groups: Groups | None = None, environment: dict[str, str] | None = None
) -> Outcome:
    """Run the data plane on the inputs of a session, on these threads, and compare its orders."""
    lost = session.lost
    if lost is not None:
        raise ReplayError(
            f"the journal had no room for some records before record {lost.number:,} of stream "
            f"{lost.stream}: what was decided from there on cannot be replayed"
        )
    strategy = bytes(session.told.plan["trading"]["strategy"]).split(b"\0")[0]
    if strategy and not Path(os.fsdecode(strategy)).exists():
        raise ReplayError(f"the strategy {os.fsdecode(strategy)} is not there any more")
    plan = RecordedPlan(session.told, groups or session.told.groups)
    inputs = session.memory()
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="appliance-replay-") as folder:
            rings = dict.fromkeys(range(4), _RING)
            with JournalWriter.start(Path(folder), rings, sync_s=0) as writer:
                _run(plan, writer, inputs, environment)
            now = [found.orders for found in sessions_of_streams(Journal(Path(folder)))]
    finally:
        os.close(inputs)
    seconds = time.monotonic() - started
    orders = session.orders
    return Outcome(
        orders=len(orders),
        packets=session.count("packet", 0),
        seconds=seconds,
        difference=first_difference(orders, now[0] if now else []),
    )


def _run(plan: RecordedPlan, writer: JournalWriter, inputs: int, environment: dict[str, str] | None) -> None:
    name = f"replay-{os.getpid()}-{inputs}"
    with DataPlane.start(name, plan, environment, taps=writer.file, replay=inputs) as plane:
        plane.wait_until("ended", "stopped", timeout_s=_LONGEST_S)
        death = plane.wait(_LONGEST_S)
        if death is not None and not death.was_told:
            raise ReplayError(f"the replay failed: {death}")


def sessions_of_streams(journal: Journal) -> list[Session]:
    """Return the lives of a journal that no control plane has written in: a replay's own."""
    nothing = Told(0, 0, None, None, ())
    streams: dict[int, list[Any]] = {stream: [] for stream in range(4)}
    for record in journal.records():
        streams[record.stream].append(record)
    return [Session(nothing, streams)]


def find_session(journal: Journal, number: int | None) -> Session:
    """Return one session of a journal by its number, from 1; the last if none is named."""
    found = list(sessions(journal))
    if not found:
        raise ReplayError("this journal holds no session of a data plane")
    if number is None:
        return found[-1]
    if not 1 <= number <= len(found):
        raise ReplayError(f"session {number}: this journal has {len(found)}, numbered from 1")
    return found[number - 1]


def _order_text(payload: bytes | None) -> str:
    if payload is None:
        return "none"
    order = np.frombuffer(payload, dtype("journal_order"), 1)[0]["order"]
    names = ffi().typeof("enum order_action").elements
    action = str(names.get(int(order["action"]), order["action"])).removeprefix("ORDER_").lower()
    if action == "mass_cancel":
        return f"mass_cancel {int(order['user_ref'])}"
    side = "buy" if int(order["side"]) == 0 else "sell"
    symbol = bytes(order["symbol"]).decode(errors="replace").strip()
    return (
        f"{action} {int(order['user_ref'])} {side} {int(order['qty'])} {symbol} "
        f"at {int(order['px']) / 1e4:.4f} (behind signal {int(order['intent']):,})"
    )
