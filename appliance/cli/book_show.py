"""``appliance book show``: the top of one book of a running data plane."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import click

from appliance.cli.instance import name_option
from appliance.cli.terminal import screens
from appliance.dataplane import Segment
from appliance.native import ffi
from appliance.observe.reading import attach_living, read

# What makes a book worthless, and is said first and loudest.
_WARNINGS = {
    "STALE": "messages may be missing: not to be traded on",
    "UNTRUSTED": "an order found no room: not to be traded on",
    "HALTED": "trading is halted or paused",
    "CROSSED": "best bid above best ask",
    "LOCKED": "best bid equals best ask",
}
_PRICE = 10_000


@click.command()
@click.argument("symbol")
@name_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --watch one a change.")
@click.option("--watch", is_flag=True, help="Again at every change, until Ctrl-C.")
@click.option(
    "--interval",
    type=click.FloatRange(0.01, 60),
    default=0.2,
    show_default=True,
    help="Of --watch, in seconds.",
)
def show(symbol: str, name: str | None, as_json: bool, watch: bool, interval: float) -> None:
    """Show ten levels a side of SYMBOL's book, as the running data plane has it.

    Exit status 2 when the data plane publishes no book of it (books.symbols of its configuration).
    """
    with attach_living(name) as segment:
        index = segment.index(symbol)
        if not watch:
            click.echo(_written(segment, index, as_json))
            return
        with suppress(KeyboardInterrupt), screens(not as_json) as put:
            last = -1
            while segment.is_alive:
                version = int(segment.view(index)["version"])
                if version != last:
                    put(_written(segment, index, as_json).splitlines())
                    last = version
                time.sleep(interval)


def _written(segment: Segment, index: int, as_json: bool) -> str:
    view = segment.view(index)
    # A view that nobody renews is as good as stale, whatever it says itself.
    hung = read(segment).is_late
    if as_json:
        data = as_data(view)
        return json.dumps(data | {"late": hung, "stale": data["stale"] or hung})
    rows = as_rows(view, segment.state)
    if hung:
        rows.insert(0, "*** LATE: the data plane has not come round for a while: this book may be old ***")
    return "\n".join(rows)


def flags_of(view: Any) -> list[str]:
    """Return the names of the flags of a book."""
    names = ffi().typeof("enum book_flag").relements
    flags = int(view["flags"])
    return [name.removeprefix("BOOK_") for name, bit in names.items() if flags & bit]


def as_data(view: Any) -> dict[str, Any]:
    """Return what ``--json`` prints; prices are integers in 1/10,000 dollar."""

    def side(name: str) -> list[dict[str, int]]:
        levels = view[name][: int(view[f"{name}_levels"])]
        return [{part: int(level[part]) for part in ("px", "qty", "orders")} for level in levels]

    return {
        "symbol": bytes(view["symbol"]).decode(errors="replace").rstrip(),
        "locate": int(view["locate"]),
        "sequence": int(view["sequence"]),
        "venue_ns": int(view["venue_ns"]),
        "flags": [flag.lower() for flag in flags_of(view)],
        "stale": "STALE" in flags_of(view),
        "trading_state": bytes(view["trading_state"]).decode(errors="replace") or None,
        "last_px": int(view["last_px"]),
        "last_qty": int(view["last_qty"]),
        "traded_qty": int(view["traded_qty"]),
        "bids": side("bid"),
        "asks": side("ask"),
    }


def as_rows(view: Any, state: str) -> list[str]:
    """Return the book for people."""
    data = as_data(view)
    flags = flags_of(view)
    rows = [f"*** {flag}: {text} ***" for flag, text in _WARNINGS.items() if flag in flags]
    if not data["locate"]:
        rows.append("the feed has not named this symbol yet")
    halted = f"  state {data['trading_state']}" if data["trading_state"] else ""
    rows.append(
        f"{data['symbol']}  last {data['last_px'] / _PRICE:.4f} x {data['last_qty']:,}  "
        f"traded {data['traded_qty']:,}{halted}  data plane {state}"
    )
    rows.append(f"sequence {data['sequence']:,}, venue time {_clock(data['venue_ns'])}")
    rows.append(
        f"{'orders':>7}{'quantity':>12}{'bid':>12}   {'ask':<12}{'quantity':<12}{'orders':<7}".rstrip()
    )
    for level in range(max(len(data["bids"]), len(data["asks"]))):
        rows.append((_bid(data["bids"], level) + "   " + _ask(data["asks"], level)).rstrip())
    return rows


def _bid(levels: list[dict[str, int]], index: int) -> str:
    if index >= len(levels):
        return " " * 31
    level = levels[index]
    return f"{level['orders']:>7,}{level['qty']:>12,}{level['px'] / _PRICE:>12.4f}"


def _ask(levels: list[dict[str, int]], index: int) -> str:
    if index >= len(levels):
        return ""
    level = levels[index]
    return f"{level['px'] / _PRICE:<12.4f}{level['qty']:<12,}{level['orders']:<7,}"


def _clock(ns: int) -> str:
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:09}"
