"""What trading says of itself, copied at one moment. A data plane that keeps books only has none of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.dataplane import Segment, SegmentError
from appliance.risk.names import (
    STAGES,
    actions,
    causes_of,
    cuts,
    fault_name,
    gate_name,
    reasons,
    takes,
    verdicts,
)

Numbers = dict[str, int]

# Types of the venue's messages, as OUCH has them.
MESSAGE_TYPES = "SACDEBFJPITMRXGKQU"


@dataclass(frozen=True)
class TradingReading:
    """One look at the stages behind the books."""

    gate: str
    causes: tuple[str, ...]
    strategy_name: str
    fault: str
    groups: dict[str, Numbers]  # by the names of observe.counters
    rejects: Numbers
    refusals: Numbers
    cuts: Numbers
    sent: Numbers
    unreadable: Numbers
    messages: Numbers
    waits: Numbers
    open_orders: int
    venue_sequence: int
    connection: int
    held: int  # symbols with a position

    @property
    def gross_dollars(self) -> float:
        """Exposure of all positions and open orders."""
        return self.groups["risk"]["gross"] / 10_000

    @property
    def headline(self) -> str:
        """Say in a few words whether it trades."""
        if self.fault != "fine":
            return f"STRATEGY {self.fault.upper()}"
        return f"GATE SHUT: {', '.join(self.causes)}" if self.causes else "gate open"


def read_trading(segment: Segment) -> TradingReading | None:
    """Copy it; None where there is none."""
    if segment.trading is None:
        return None
    shown = segment.trading
    try:
        decisions = segment.decisions()
    except SegmentError:  # it died while it wrote: what there is has to do
        decisions = shown["decisions"].copy()
    strategy, gateway = shown["strategy"], shown["gateway"]
    return TradingReading(
        gate=gate_name(int(decisions["risk"]["gate"])),
        causes=causes_of(int(decisions["causes"])),
        strategy_name=bytes(strategy["name"]).decode(errors="replace"),
        fault=fault_name(int(strategy["fault"])),
        groups={
            "strategy": _numbers(strategy),
            "decider": _numbers(decisions["counters"]),
            "risk": _numbers(decisions["risk"]),
            "pool": _numbers(decisions["pool"]),
            "gateway": _numbers(gateway),
        },
        rejects=_by_name(reasons()[1:], decisions["risk"]["rejected"][1:]),
        refusals=_by_name(takes()[1:], decisions["counters"]["refused"][1:]),
        cuts=_by_name(cuts()[1:], gateway["cuts"][1:]),
        sent=_by_name(actions()[1:], gateway["tx_orders"][1:]),
        unreadable=_by_name(verdicts()[1:], gateway["unreadable"][1:]),
        messages={kind: int(gateway["rx_messages"][ord(kind)]) for kind in MESSAGE_TYPES},
        waits=_by_name(tuple(STAGES), shown["waits"]),
        open_orders=int(decisions["open_orders"]),
        venue_sequence=int(decisions["venue_sequence"]),
        connection=int(decisions["connection"]),
        held=sum(int(one) != 0 for one in decisions["position"]["position"]),
    )


def _by_name(names: tuple[str, ...], counts: Any) -> Numbers:
    return {name: int(count) for name, count in zip(names, counts, strict=False)}


def _numbers(record: Any) -> Numbers:
    return {
        name: int(record[name])
        for name in record.dtype.names
        if record.dtype[name].shape == () and record.dtype[name].kind != "S" and name != "reserved"
    }


def as_data(trading: TradingReading) -> dict[str, Any]:
    """Return what ``status --json`` tells of it."""
    return {
        "gate": trading.gate,
        "causes": list(trading.causes),
        "strategy": {
            "name": trading.strategy_name,
            "active": bool(trading.groups["strategy"]["active"]),
            "fault": trading.fault,
            "ticks": trading.groups["strategy"]["ticks"],
        },
        "orders": trading.groups["decider"]["orders"],
        "executions": trading.groups["decider"]["executions"],
        "fills": trading.groups["pool"]["fills"],
        "open_orders": trading.open_orders,
        "held_symbols": trading.held,
        "gross_dollars": trading.gross_dollars,
        "rejects": {reason: count for reason, count in trading.rejects.items() if count},
        "refusals": {reason: count for reason, count in trading.refusals.items() if count},
        "connection": trading.connection,
        "venue_sequence": trading.venue_sequence,
        "cuts": {reason: count for reason, count in trading.cuts.items() if count},
        "waits": trading.waits,
    }


def as_raw(trading: TradingReading) -> dict[str, Any]:
    """Return all of it, for ``stats``."""
    return {
        **trading.groups,
        "rejects": trading.rejects,
        "refusals": trading.refusals,
        "cuts": trading.cuts,
        "sent": trading.sent,
        "unreadable": trading.unreadable,
        "venue_messages": trading.messages,
        "ring_waits": trading.waits,
        "gate": trading.gate,
        "causes": list(trading.causes),
    }


def page(trading: TradingReading) -> list[tuple[str, str]]:
    """Return the rows of ``status``."""
    strategy, decider, pool = (trading.groups[name] for name in ("strategy", "decider", "pool"))
    called = trading.strategy_name or "no strategy"
    if not strategy["active"]:
        called += " NOT CALLED" + (f" ({trading.fault})" if trading.fault != "fine" else "")
    shut = f"SHUT: {', '.join(trading.causes)}" if trading.causes else "open"
    broken = "  ".join(f"{reason} {count:,}" for reason, count in trading.cuts.items() if count)
    waits = "  ".join(f"{stage} {count:,}" for stage, count in trading.waits.items() if count)
    return [
        ("gate", f"{shut}; {called}: {strategy['ticks']:,} ticks, {strategy['intents']:,} intents"),
        (
            "orders",
            f"{decider['orders']:,} sent, {pool['fills']:,} fills, {trading.open_orders:,} open; "
            f"{trading.held:,} symbols held, exposure $ {trading.gross_dollars:,.2f}",
        ),
        ("rejects", _listed(trading.rejects) + _refused(trading)),
        (
            "venue",
            f"connection {trading.connection:,}, message {trading.venue_sequence:,}"
            + (f"; broken: {broken}" if broken else "")
            + (f"; rings full: {waits}" if waits else ""),
        ),
    ]


def _listed(counts: Numbers) -> str:
    return "  ".join(f"{reason} {count:,}" for reason, count in counts.items() if count) or "none"


def _refused(trading: TradingReading) -> str:
    found = _listed(trading.refusals)
    return "" if found == "none" else f"; no order made: {found}"
