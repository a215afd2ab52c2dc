"""The executions that a journal holds: what the decision stage was told of its orders.

After each start a data plane is told the venue's whole day again, so a trade may stand in a journal once for
each life; the number of the venue's message tells which are the same. When another life was told something
else under the same number, it was another session of the venue, and what came before is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from appliance.journal import Journal, Record
from appliance.native import dtype, ffi
from appliance.reconcile.executions import BROKEN, EXECUTED, Execution
from appliance.replay.session import DECISION, kind

# What is the same whenever a message is told again; when it came is not.
_TOLD = (
    "kind", "user_ref", "replaces", "qty", "px", "match", "order_ref", "venue_ns", "reason", "side", "state",
    "liquidity", "symbol",
)  # fmt: skip


@dataclass
class Ours:
    """What one session of the venue has told us, over all lives of a data plane."""

    executions: list[Execution] = field(default_factory=list)
    messages: int = 0  # of the venue
    lives: int = 0
    left_out: int = 0  # lives on another session of the venue


@dataclass
class _Told:
    """One message of the venue: what it says, and where it stands."""

    values: tuple[Any, ...]
    record: Record


def read_ours(journal: Journal) -> Ours:
    """Read the executions of the last session of the venue."""
    day: dict[int, _Told] = {}
    found = Ours()
    for life in _lives(journal):
        if any(number in day and day[number].values != told.values for number, told in life.items()):
            found.left_out += found.lives
            found.lives = 0
            day = {}
        found.lives += 1
        for number, told in life.items():
            day.setdefault(number, told)
    found.messages = max(day, default=0)
    found.executions = list(_executions(day))
    return found


def _lives(journal: Journal) -> Iterator[dict[int, _Told]]:
    """Give the venue's messages of each life of a data plane, by their numbers."""
    session, execution = kind("session"), kind("execution")
    layout = dtype("journal_execution")
    life: dict[int, _Told] = {}
    for record in journal.records({session, execution}, {DECISION}):
        if record.kind == session:
            if life:
                yield life
            life = {}
            continue
        told = np.frombuffer(record.payload, layout, 1)[0]["execution"]
        number = int(told["sequence"])
        if number:
            life.setdefault(number, _Told(tuple(told[name].item() for name in _TOLD), record))
    if life:
        yield life


def _executions(day: dict[int, _Told]) -> Iterator[Execution]:
    kinds = ffi().typeof("enum execution_kind").relements
    opening = {kinds["EXECUTION_ACCEPTED"], kinds["EXECUTION_REPLACED"]}
    trading = {kinds["EXECUTION_EXECUTED"]: EXECUTED, kinds["EXECUTION_BROKEN"]: BROKEN}
    orders: dict[int, tuple[str, str]] = {}
    for number in sorted(day):
        values = dict(zip(_TOLD, day[number].values, strict=True))
        if values["kind"] in opening:
            orders[values["user_ref"]] = values["symbol"].decode().rstrip(" \0"), chr(values["side"])
        elif values["kind"] in trading:
            symbol, side = orders.get(values["user_ref"], ("", ""))
            record = day[number].record
            yield Execution(
                what=trading[values["kind"]],
                user_ref=values["user_ref"],
                match=values["match"],
                qty=values["qty"],
                px=values["px"],
                liquidity=chr(values["liquidity"]) if values["liquidity"] else "",
                venue_ns=values["venue_ns"],
                where=f"journal segment {record.segment}, byte {record.offset:,}",
                symbol=symbol,
                side=side,
            )
