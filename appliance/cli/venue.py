"""``appliance venue``: the simulated exchange."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from appliance.progress import Progress
from appliance.synth import Market
from appliance.venue.errors import VenueError
from appliance.venue.exchange import Addresses, Exchange, make_day
from appliance.venue.order_settings import OrderServer
from appliance.venue.settings import (
    Blackout,
    Endpoint,
    LineFaults,
    Pace,
    RequestServer,
    Settings,
    SnapshotServer,
)

_ITCH_BYTES = 32  # of a framed message, on average

# Faults of the lines: the field of LineFaults, its type, and what it is.
_LINE_OPTIONS: dict[str, tuple[str, type[float] | type[int], str]] = {
    "loss": ("P", float, "Probability that a packet is lost."),
    "loss_burst": ("PACKETS", int, "Packets that one loss takes, on average (1 to 1000)."),
    "duplicate": ("P", float, "Probability that a packet comes twice."),
    "reorder": ("P", float, "Probability that a packet is overtaken by later ones."),
    "reorder_depth": ("PACKETS", int, "The most packets that overtake one (1 to 1000)."),
    "delay_ms": ("MS", float, "Milliseconds that every packet is under way."),
    "jitter_ms": ("MS", float, "Up to so many milliseconds more; the order on the line stays."),
}
_LINES = {"A": (0,), "B": (1,), "both": (0, 1)}

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _flag(name: str) -> str:
    return "--" + name.removesuffix("_ms").replace("_", "-")


def _line_options(function: _Function) -> _Function:
    for name, (unit, _, text) in reversed(_LINE_OPTIONS.items()):
        function = click.option(
            _flag(name), name, multiple=True, metavar=f"[A:|B:]{unit}",
            help=f"{text} Of both lines, or of the one named; may be given twice.",
        )(function)  # fmt: skip
    return function


def _line_faults(given: dict[str, tuple[str, ...]]) -> tuple[LineFaults, LineFaults]:
    chosen: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for name, texts in given.items():
        _, kind, _ = _LINE_OPTIONS[name]
        for text in texts:
            line, colon, value = text.rpartition(":")
            try:
                number = kind(value)
                lines = _LINES[line if colon else "both"]
            except (KeyError, ValueError):
                raise VenueError(f"{_flag(name)} {text}: write it as 5, A:5, B:5 or both:5") from None
            for index in lines:
                chosen[index][name] = number
    return LineFaults(**chosen[0]), LineFaults(**chosen[1])


def _blackout(text: str) -> Blackout:
    parts = text.split(":")
    try:
        lines, start, seconds = parts
        return Blackout(lines, float(start), float(seconds))
    except ValueError:
        raise VenueError(f"--blackout {text}: write it as LINE:START:SECONDS, e.g. both:2:0.5") from None


def _endpoint(flag: str, text: str) -> Endpoint:
    address, _, port = text.rpartition(":")
    try:
        number = int(port)
        if not 0 <= number <= 65535:
            raise ValueError
        return IPv4Address(address), number
    except ValueError:
        raise VenueError(f"{flag} {text}: write it as ADDRESS:PORT, e.g. 239.192.1.1:26400") from None


def _address(flag: str, text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise VenueError(f"{flag} {text}: write it as an IPv4 address, e.g. 127.0.0.1") from None


def _pace(rate: int, pace: str | None, speed: float) -> Pace:
    if pace == "recorded":
        if rate:
            raise VenueError("--rate with --pace recorded: the recorded times are the rate; use --speed")
        return Pace("recorded", speed=speed)
    if speed != 1:
        raise VenueError("--speed: only recorded times have one; add --pace recorded")
    return Pace("rate", rate) if rate else Pace()


def _source(given: dict[str, Any]) -> dict[str, Any]:
    if given["file"] is not None:
        for name in ("messages", "symbols", "live_orders"):
            if given[name] is not None:
                flag = "--" + name.replace("_", "-")
                raise VenueError(f"{flag} with --file: only a synthetic market has it; see --stop-after")
        return {"file": Path(given["file"])}
    if given["messages"] is None:
        raise VenueError("what to send? --messages N makes a synthetic market, --file FILE takes a day")
    return {
        "market": Market(
            given["messages"], given["symbols"] or 1000, given["seed"], given["live_orders"] or 0
        )
    }


def _reject(text: str) -> tuple[int, float]:
    reason, _, probability = text.partition(":")
    try:
        return int(reason, 0), float(probability)
    except ValueError:
        raise VenueError(f"--order-reject {text}: write it as REASON:P, e.g. 0x0b:0.01") from None


def _orders(given: dict[str, Any]) -> OrderServer | None:
    named = {name.removeprefix("order_"): given[name] for name in given if name.startswith("order_")}
    beside = {name: given[name] for name in ("drop_copy", "orders_udp")}
    if given["orders"] is None:
        for name, value in {**{f"order_{name}": value for name, value in named.items()}, **beside}.items():
            context = click.get_current_context()
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and value is not None:
                raise VenueError(f"--{name.replace('_', '-')} without --orders: nobody could send any")
        return None
    return OrderServer(
        at=_endpoint("--orders", given["orders"]),
        drop_copy=_endpoint("--drop-copy", beside["drop_copy"]) if beside["drop_copy"] else None,
        udp=_endpoint("--orders-udp", beside["orders_udp"]) if beside["orders_udp"] else None,
        user=named["user"],
        password=named["password"],
        firm=named["firm"],
        cancel_on_disconnect=not named["keep"],
        log=Path(named["log"]) if named["log"] else None,
        fat_finger=named["fat_finger"],
        most_shares=named["shares"],
        most_notional=named["notional"],
        rejects=tuple(_reject(text) for text in named["reject"]),
        drop=named["drop"],
        half=named["half"],
        duplicate=named["duplicate"],
        delay_ms=named["delay"],
    )


def _settings(given: dict[str, Any]) -> Settings:
    return Settings(
        **_source(given),
        orders=_orders(given),
        messages=given["stop_after"],
        groups=(_endpoint("--group-a", given["group_a"]), _endpoint("--group-b", given["group_b"])),
        interface=_address("--interface", given["interface"]),
        devices=given["device"],
        pace=_pace(given["rate"], given["pace"], given["speed"]),
        lines=_line_faults({name: given[name] for name in _LINE_OPTIONS}),
        blackouts=tuple(_blackout(text) for text in given["blackout"]),
        requests=RequestServer(
            at=_endpoint("--requests", given["requests"]),
            messages=given["request_messages"],
            rate=given["request_rate"],
            loss=given["request_loss"],
            delay_ms=given["request_delay"],
            fault=given["request_fault"],
        ),
        snapshots=SnapshotServer(
            at=_endpoint("--snapshots", given["snapshots"]),
            user=given["user"],
            password=given["password"],
            delay_ms=given["snapshot_delay"],
            cut_after=given["snapshot_cut"],
            fault=given["snapshot_fault"],
        ),
        **{
            name: given[name]
            for name in (
                "days", "session", "eal", "core", "packet_messages", "heartbeat_s", "lead_in_s", "linger_s",
                "hold", "wait", "seed", "same_gap", "same_gap_burst", "lazy_books",
            )
        },
    )  # fmt: skip


def _ready(as_json: bool) -> Callable[[Addresses], None]:
    def tell(addresses: Addresses) -> None:
        if as_json:
            places = {name: f"{at[0]}:{at[1]}" for name, at in _named(addresses).items()}
            click.echo(json.dumps({"ready": places}))
        else:
            click.echo(f"venue ready: {addresses}")

    return tell


def _named(addresses: Addresses) -> dict[str, Endpoint]:
    group_a, group_b = addresses.groups
    return {
        "group_a": group_a,
        "group_b": group_b,
        "requests": addresses.requests,
        "snapshots": addresses.snapshots,
        **addresses.of_orders(),
    }


async def _run(settings: Settings, as_json: bool, quiet: bool) -> dict[str, Any]:
    estimate = settings.market.messages * _ITCH_BYTES if settings.market else 0
    with Progress("day", estimate) as bar:
        day = make_day(settings, lambda done: bar.show(done, f"{done / 1e6:.0f} MB"))
    with day:
        exchange = Exchange(settings, day)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, exchange.go)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, exchange.stop)
        return await exchange.run(_ready(as_json), lambda text: None if quiet else click.echo(text, err=True))


def _order_rows(orders: dict[str, Any]) -> list[str]:
    def named(values: dict[str, Any]) -> str:
        return ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in values.items()) or "none"

    numbers = {key: value for key, value in orders.items() if isinstance(value, int)}
    return [
        f"orders      {named(numbers)}, open {len(orders['open']):,}",
        f"rejected    {named(orders['rejected'])}",
        f"position    {named(orders['position'])}",
        f"order line  {named(orders['server'])}",
    ]


def _text(report: dict[str, Any]) -> str:
    rows = [
        f"messages    {report['messages']:,} in {report['seconds']:.3f} s: {report['messages_per_s']:,}/s",
        f"sessions    {report['sessions']}, {report['sequence']:,} messages in the last, {report['session']}",
    ]
    for name, line in report["lines"].items():
        rows.append(f"line {name}      " + ", ".join(f"{key} {value:,}" for key, value in line.items()))
    for name in ("requests", "snapshots"):
        rows.append(f"{name:<11} " + ", ".join(f"{key} {value:,}" for key, value in report[name].items()))
    if "orders" in report:
        rows += _order_rows(report["orders"])
    rows.append(f"digest      {report['digest']}  full depth {report['depth_digest']}")
    return "\n".join(rows)


@click.command(name="venue", context_settings={"show_default": True})
@click.option("--messages", type=click.IntRange(min=0), help="A synthetic market of so many messages.")
@click.option("--symbols", type=click.IntRange(1, 65535), help="Its symbols; 1000 unless told.")
@click.option("--live-orders", type=click.IntRange(0, 1 << 26), help="Bound of its orders at rest.")
@click.option("--file", metavar="FILE", help="A day of framed ITCH messages instead; also in gzip.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=1, help="Of the market and of all faults.")
@click.option("--stop-after", type=click.IntRange(min=1), help="The day ends after so many messages.")
@click.option("--days", type=int, default=1, help="Send the day so often, each time as another session.")
@click.option(
    "--session",
    default=lambda: f"{int(time.time()):010d}",
    help="The first session; digits at its end count up.  [default: the seconds since 1970]",
)
@click.option("--rate", type=click.IntRange(0, 10**9), default=0, help="Messages a second; 0 is flat out.")
@click.option("--pace", type=click.Choice(["recorded"]), help="Send by the times of the messages.")
@click.option("--speed", type=float, default=1.0, help="So many times as fast as recorded.")
@click.option(
    "--packet-messages", type=int, default=30, help="The most in a packet; at most a millisecond's."
)
@click.option("--heartbeat", "heartbeat_s", type=float, default=1.0, help="Seconds; 0 sends none.")
@click.option("--lead-in", "lead_in_s", type=float, default=1.0, help="Seconds of heartbeats first.")
@click.option("--wait", is_flag=True, help="Then heartbeats until SIGUSR1.")
@click.option("--linger", "linger_s", type=float, default=1.0,
    help="Seconds in which a session's end is told; servers stay until nobody asks for so long.")  # fmt: skip
@click.option("--hold", is_flag=True, help="Heartbeats after the last message, until told to stop.")
@click.option("--group-a", default="239.192.1.1:26400", help="ADDRESS:PORT of line A.")
@click.option("--group-b", default="239.192.1.2:26401", help="ADDRESS:PORT of line B.")
@click.option("--interface", default="127.0.0.1", help="Address of the interface that sends.")
@click.option("--device", multiple=True, metavar="EAL-NAME",
    help="Send through DPDK: net_af_xdp0,iface=veth0 or a PCI address. Twice: one for a line.")  # fmt: skip
@click.option("--eal", default="", metavar="WORDS", help="Further words for DPDK's EAL.")
@click.option("--core", type=int, default=-1, help="Core of the sender; -1 leaves it to the kernel.")
@_line_options
@click.option("--same-gap", type=float, default=0.0, help="Probability that both lines lose a packet.")
@click.option("--same-gap-burst", type=int, default=1, help="Packets that one same gap takes, on average.")
@click.option("--blackout", multiple=True, metavar="LINE:START:SECONDS",
    help="A, B or both carry nothing; START in seconds from the first message. Up to 16 times.")  # fmt: skip
@click.option("--requests", default="127.0.0.1:26500", help="ADDRESS:PORT of retransmission; port 0: any.")
@click.option("--request-messages", type=int, default=1000, help="The most messages of one request.")
@click.option("--request-rate", type=int, default=10_000, help="Requests a second of one client.")
@click.option("--request-loss", type=float, default=0.0, help="Probability that a reply is lost.")
@click.option("--request-delay", type=float, default=0.0, help="Milliseconds before a reply.")
@click.option("--request-fault", default="none",
    type=click.Choice(["none", "silent", "partial", "wrong-session", "wrong-sequence", "garbage"]),
    help="What replies are like.")  # fmt: skip
@click.option("--snapshots", default="127.0.0.1:26501", help="ADDRESS:PORT of GLIMPSE; port 0: any.")
@click.option("--user", default="", help="Who may log in for snapshots; anyone unless told.")
@click.option("--password", default="", help="The user's password.")
@click.option("--snapshot-delay", type=float, default=0.0, help="Milliseconds between login and data.")
@click.option("--snapshot-cut", type=click.IntRange(min=0), help="Cut the connection after so many messages.")
@click.option("--snapshot-fault", default="none",
    type=click.Choice(["none", "refuse", "wrong-session", "wrong-sequence", "garbage"]),
    help="What snapshots are like.")  # fmt: skip
@click.option("--orders", metavar="ADDRESS:PORT",
    help="Take OUCH 5.0 orders there, over SoupBinTCP (port 0: any): they rest, trade with the day, and "
    "change it.")  # fmt: skip
@click.option("--drop-copy", metavar="ADDRESS:PORT", help="Stream all executions of the account there, too.")
@click.option("--orders-udp", metavar="ADDRESS:PORT",
    help="Take orders there as bare datagrams, for labs; replies go to who spoke last.")  # fmt: skip
@click.option("--order-user", default="", help="Who may log in for orders; anyone unless told.")
@click.option("--order-password", default="", help="The user's password.")
@click.option("--order-firm", default="", help="The only firm that orders may name; any unless told.")
@click.option("--order-keep", is_flag=True, help="Orders stay when their connection breaks.")
@click.option("--order-log", metavar="FILE",
    help="Keep all that clients are told; a venue started on it again knows its orders.")  # fmt: skip
@click.option("--order-fat-finger", type=float, default=0.1,
    help="Refuse limits so far through the other side's best (0.1: 10 %); 0 takes any.")  # fmt: skip
@click.option(
    "--order-shares", type=click.IntRange(1, 999_999), default=999_999, help="The most of an order."
)
@click.option("--order-notional", type=click.IntRange(min=1), default=1_000_000_000,
    help="The most dollars of an order.")  # fmt: skip
@click.option("--order-reject", multiple=True, metavar="REASON:P",
    help="Reject so many orders for this reason (0x01 to 0x1f); may be given again.")  # fmt: skip
@click.option("--order-drop", type=float, default=0.0, help="Probability that the line drops behind a reply.")
@click.option("--order-half", type=float, default=0.0, help="Probability that it drops in a reply's middle.")
@click.option("--order-delay", type=float, default=0.0, help="Milliseconds that every reply waits.")
@click.option("--order-duplicate", type=float, default=0.0,
    help="Probability that a login is told up to 10 messages again that it has.")  # fmt: skip
@click.option("--lazy-books", is_flag=True,
    help="Work out the books only for a snapshot and the report: then these may take longer.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No status line every second.")
@click.option("--json", "as_json", is_flag=True, help="Two lines of JSON on standard output: ready, report.")
def command(as_json: bool, quiet: bool, **given: Any) -> None:
    """Run a simulated exchange: its feed on two multicast lines, retransmission and snapshots.

    A day of ITCH messages goes out as MoldUDP64 packets, each on line A and on line B, with the faults that
    are asked for; the same seed gives the same faults. It says "venue ready" with all addresses on standard
    output when it can be talked to, one line a second on standard error, and a report at the end: what was
    sent on each line, what was asked for, and the digest of the books at the last message sent. It ends with
    the last session, or on SIGTERM or SIGINT.

    With --orders, orders are matched with the day by price and time as it goes, and the feed shows what comes
    of them. The report then tells what became of orders: by count, rejects by reason, position by symbol, and
    what is open.

    The report's counts of a line: packets of data and their messages as sent (copies included), bytes of
    frames, signals (heartbeats and ends of session), and packets lost, lost on both lines (same_gaps), kept
    back in a blackout, doubled and reordered.
    """
    settings = _settings(given)
    report = asyncio.run(_run(settings, as_json, quiet))
    click.echo(json.dumps(report) if as_json else _text(report))
