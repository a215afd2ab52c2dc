"""Trading as people and programs see it: positions, open orders, limits and what is used of them."""

from __future__ import annotations

from typing import Any

from appliance.dataplane import Segment
from appliance.dataplane.limits import LIMIT_NAMES, RiskLimits
from appliance.risk.changes import LimitBook
from appliance.risk.names import causes_of, dollars, gate_name, order_states, reasons

_WHOLE = ("account", "strategy")
_TRADED = ("bought_qty", "sold_qty")


def positions(segment: Segment) -> list[dict[str, Any]]:
    """Return what is held, open and traded, of each symbol that has any of it."""
    decisions = segment.decisions()
    found = []
    for symbol, one in zip(segment.symbols, decisions["position"], strict=False):
        row = {
            "symbol": symbol,
            "position": int(one["position"]),
            "open_buy_qty": int(one["open_qty"][0]),
            "open_sell_qty": int(one["open_qty"][1]),
            "open_orders": int(one["open_orders"]),
            **{name: int(one[name]) for name in _TRADED},
            "bought_dollars": int(one["bought_notional"]) / 10_000,
            "sold_dollars": int(one["sold_notional"]) / 10_000,
        }
        if any(value for name, value in row.items() if name != "symbol"):
            found.append(row)
    return found


def orders(segment: Segment) -> tuple[list[dict[str, Any]], int]:
    """Return the open orders, the oldest first, as many as are shown; and how many there are."""
    decisions = segment.decisions()
    count = int(decisions["open_orders"])
    states = order_states()
    rows = [
        {
            "user_ref": int(one["user_ref"]),
            "symbol": bytes(one["symbol"]).decode(errors="replace").rstrip(),
            "side": "sell" if int(one["side"]) else "buy",
            "px": int(one["px"]),
            "entered_qty": int(one["entered_qty"]),
            "filled_qty": int(one["filled_qty"]),
            "leaves_qty": int(one["leaves_qty"]),
            "state": states[min(int(one["state"]), len(states) - 1)],
            "replaces": int(one["replaces"]),
            "order_ref": int(one["order_ref"]),
        }
        for one in decisions["order"][: min(count, len(decisions["order"]))]
    ]
    return rows, count


def risk(segment: Segment, book: LimitBook) -> dict[str, Any]:
    """Return limits by scope, what is used of them, and what was refused."""
    decisions = segment.decisions()
    totals = decisions["risk"]
    return {
        "name": segment.name,
        "gate": gate_name(int(totals["gate"])),
        "causes": list(causes_of(int(decisions["causes"]))),
        "limits": {scope: _limits(limits) for scope, limits in book.all().items()},
        "used": {
            "gross_dollars": int(totals["gross"]) / 10_000,
            "open_orders": int(totals["open_orders"]),
            "symbols": _used(segment, decisions),
        },
        "orders": int(decisions["counters"]["orders"]),
        "rejects": int(decisions["counters"]["rejects"]),
        "rejects_by_reason": {
            name: int(count) for name, count in zip(reasons(), totals["rejected"], strict=False) if int(count)
        },
        "latest": latest(segment, decisions),
        "pending": len(book.pending),
    }


def _limits(limits: RiskLimits) -> dict[str, int]:
    values = {name: getattr(limits, name) for name in LIMIT_NAMES}
    return {name: value for name, value in values.items() if value is not None}


def _used(segment: Segment, decisions: Any) -> dict[str, dict[str, int]]:
    found = {}
    for symbol, one in zip(segment.symbols, decisions["position"], strict=False):
        position, (buys, sells) = int(one["position"]), map(int, one["open_qty"])
        row = {
            "long_qty": max(position + buys, 0),
            "short_qty": max(sells - position, 0),
            "open_orders": int(one["open_orders"]),
        }
        if any(row.values()):
            found[symbol] = row
    return found


def latest(segment: Segment, decisions: Any) -> list[dict[str, Any]]:
    """Return the latest rejects, the newest first, each with the two numbers that were compared."""
    symbols, named = segment.symbols, reasons()
    count, room = int(decisions["counters"]["rejects"]), len(decisions["reject"])
    found = []
    for number in range(count, max(count - room, 0), -1):
        one = decisions["reject"][(number - 1) % room]
        reason, instrument = int(one["reason"]), int(one["instrument"])
        if not reason:
            continue  # counted, and not yet listed
        found.append(
            {
                "intent": int(one["number"]),
                "symbol": symbols[instrument] if instrument < len(symbols) else str(instrument),
                "side": "sell" if int(one["side"]) else "buy",
                "qty": int(one["qty"]),
                "px": int(one["px"]),
                "reason": named[reason] if reason < len(named) else str(reason),
                "value": int(one["value"]),
                "limit": int(one["limit"]),
            }
        )
    return found


def risk_page(found: dict[str, Any]) -> list[str]:
    """Return `appliance risk show` for people."""
    causes = f", shut by {', '.join(found['causes'])}" if found["causes"] else ""
    rows = [f"{found['name']}: gate {found['gate']}{causes}", ""]
    rows += _limit_rows(found["limits"], found["used"])
    rows += ["", f"orders {found['orders']:,}, rejects {found['rejects']:,}"]
    rows += [f"  {reason:<20} {count:>12,}" for reason, count in found["rejects_by_reason"].items()]
    if found["latest"]:
        rows += [
            "",
            f"{'latest':<10} {'side':<5}{'shares':>8} {'at':>12}  {'reason':<20}{'value':>16}{'limit':>16}",
        ]
    rows += [
        f"{one['symbol']:<10} {one['side']:<5}{one['qty']:>8,} {dollars(one['px']):>12}  {one['reason']:<20}"
        f"{one['value']:>16,}{one['limit']:>16,}"
        for one in found["latest"][:10]
    ]
    if found["pending"]:
        rows += ["", f"{found['pending']} changes wait for approval: appliance risk pending"]
    return rows


def _limit_rows(limits: dict[str, dict[str, int]], used: dict[str, Any]) -> list[str]:
    """Return limits and what is used of them; symbols with the same limits stand together."""
    rows = [f"{'limit':<14}{'at most':>16}{'used':>18}  of"]
    groups: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for scope, values in limits.items():
        if scope in _WHOLE:
            mine = used if scope == "account" else {}
            for name, value in values.items():
                rows.append(f"{name:<14}{value:>16,}{f'{mine[name]:,}' if name in mine else '':>18}  {scope}")
        else:
            groups.setdefault(tuple(values.items()), []).append(scope)
    for shared, symbols in groups.items():
        whose = ", ".join(symbols[:4]) + (f" and {len(symbols) - 4:,} more" if len(symbols) > 4 else "")
        if not shared or dict(shared).get("order_qty") == 0:
            rows.append(f"{'not tradable':<48}  {whose}")
            continue
        for name, value in shared:
            most = max((used["symbols"].get(symbol, {}).get(name, -1) for symbol in symbols), default=-1)
            rows.append(f"{name:<14}{value:>16,}{f'{most:,}' if most >= 0 else '':>18}  {whose}")
    return rows


def position_page(rows: list[dict[str, Any]]) -> list[str]:
    """Return `appliance positions` for people."""
    if not rows:
        return ["nothing is held, open or traded"]
    page = [
        f"{'symbol':<9}{'position':>10}{'open buy':>10}{'open sell':>10}"
        f"{'bought':>10}{'sold':>10}{'cash ($)':>16}"
    ]
    for row in rows:
        cash = row["sold_dollars"] - row["bought_dollars"]
        page.append(
            f"{row['symbol']:<9}{row['position']:>10,}{row['open_buy_qty']:>10,}{row['open_sell_qty']:>10,}"
            f"{row['bought_qty']:>10,}{row['sold_qty']:>10,}{cash:>16,.2f}"
        )
    return page


def order_page(rows: list[dict[str, Any]], count: int) -> list[str]:
    """Return `appliance orders` for people."""
    if not count:
        return ["no order is open"]
    page = [f"{'number':>10} {'symbol':<9}{'side':<5}{'open':>9}{'filled':>9}{'at':>13}  state"]
    page += [
        f"{row['user_ref']:>10} {row['symbol']:<9}{row['side']:<5}{row['leaves_qty']:>9,}"
        f"{row['filled_qty']:>9,}"
        f"{dollars(row['px']):>13}  {row['state']}"
        for row in rows
    ]
    if count > len(rows):
        page.append(f"and {count - len(rows):,} more")
    return page
