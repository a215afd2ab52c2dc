"""``appliance synth``: write a synthetic market as a feed file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from appliance.errors import printable
from appliance.progress import Progress
from appliance.synth import Lines, Market, Written, write_feed

# The options that only a capture has, by the name of their field in Lines.
_LINE_OPTIONS: dict[str, tuple[str, type[float] | type[int] | type[str], str]] = {
    "loss_a": ("--loss-a", float, "Probability that line A loses a packet."),
    "loss_b": ("--loss-b", float, "Probability that line B loses a packet."),
    "same_gap": ("--same-gap", float, "Probability that both lines lose the same packet."),
    "loss_burst": ("--loss-burst", int, "Packets that one loss takes, on average."),
    "duplicate": ("--duplicate", float, "Probability that a packet comes twice on its line."),
    "reorder": ("--reorder", float, "Probability that a packet is overtaken by later ones."),
    "reorder_depth": ("--reorder-depth", int, "The most packets that overtake one."),
    "heartbeat_s": ("--heartbeat", float, "Seconds without data before a heartbeat; 0 sends none."),
    "session": ("--session", str, "MoldUDP64 session, up to 10 characters."),
    "group_a": ("--group-a", str, "Multicast ADDRESS:PORT of line A."),
    "group_b": ("--group-b", str, "Multicast ADDRESS:PORT of line B."),
}


def _line_options(function: Any) -> Any:
    defaults = Lines()
    for name, (flag, kind, text) in reversed(_LINE_OPTIONS.items()):
        option = click.option(flag, name, type=kind, help=f"{text}  [default: {getattr(defaults, name)}]")
        function = option(function)
    return function


def _lines(pcap: bool, given: dict[str, Any]) -> Lines | None:
    chosen = {name: value for name, value in given.items() if value is not None}
    if pcap:
        return Lines(**chosen)
    if chosen:
        flags = ", ".join(_LINE_OPTIONS[name][0] for name in chosen)
        raise click.UsageError(f"{flags}: only a capture has lines; add --pcap")
    return None


def _facts(market: Market, written: Written) -> dict[str, Any]:
    counters = asdict(written.counters)
    if market.lines is None:
        counters = {name: counters[name] for name in ("messages", "bytes", "live_orders", "by_type")}
    return {
        "path": printable(written.path),
        "symbols": market.symbols,
        "seed": market.seed,
        "seconds": round(written.seconds, 6),
        "messages_per_s": written.messages_per_s,
        **counters,
    }


def _write(market: Market, out: str) -> Written:
    with Progress("synth", market.messages) as bar:
        return write_feed(market, out, lambda done: bar.show(done, f"{done}/{market.messages}"))


@click.command(name="synth", context_settings={"show_default": True})
@click.option("--messages", type=click.IntRange(min=0), required=True, help="Exactly so many messages.")
@click.option("--symbols", type=click.IntRange(1, 65535), default=1000, help="Symbols in the directory.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=1, help="Same seed, same bytes.")
@click.option("--out", required=True, metavar="FILE", help="The file to write; - is standard output.")
@click.option(
    "--live-orders",
    type=click.IntRange(0, 1 << 26),
    default=0,
    help="Bound of the orders at rest; 0 is 1/25 of the messages, at most 1.5 M.",
)
@click.option(
    "--pcap", is_flag=True, help="A capture of MoldUDP64 on lines A and B instead of plain messages."
)
@_line_options
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object on standard output.")
def command(
    messages: int,
    symbols: int,
    seed: int,
    out: str,
    live_orders: int,
    pcap: bool,
    as_json: bool,
    **line_options: Any,
) -> None:
    """Write one synthetic NASDAQ day as ITCH 5.0.

    Plain messages are framed by a 2-byte length; --pcap makes a capture of two multicast lines. The day has
    a directory, opening and closing crosses, halts and the message mix of a NASDAQ day, and is a consistent
    market: each order is entered, changed, traded at the front of its queue, and deleted. Whatever rests
    after the close is deleted as far as --messages allows. By default every message survives on at least one
    line, whatever the losses; only --same-gap takes it from both.
    """
    market = Market(messages, symbols, seed, live_orders, _lines(pcap, line_options))
    written = _write(market, out)
    counters = written.counters
    click.echo(
        f"{counters.messages:,} messages, {counters.bytes:,} bytes in {written.seconds:.3f} s: "
        f"{written.messages_per_s:,} messages/s",
        err=True,
    )
    if as_json:
        click.echo(json.dumps(_facts(market, written)), err=out == "-")
