"""``appliance bench``: what this machine does, one JSON object a benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from appliance.bench.gate import gate_text, run_gate
from appliance.bench.journal import journal_text, run_journal
from appliance.bench.offline import run_book, run_decode
from appliance.bench.ring import ring_text, run_ring
from appliance.bench.tick import PARTS, Asked, run_tick, tick_text
from appliance.bench.wire import run_wire, wire_text
from appliance.progress import Progress


@click.group()
def command() -> None:
    """Measure this machine. Leave the other cores alone meanwhile."""


def _file_options(function: Any) -> Any:
    for option in (
        click.option(
            "--file",
            "file",
            required=True,
            type=click.Path(readable=False, path_type=Path),
            help="Framed ITCH, plain or gzip.",
        ),
        click.option(
            "--runs", type=click.IntRange(1, 1000), default=5, show_default=True, help="The median counts."
        ),
        click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table."),
    ):
        function = option(function)
    return function


@command.command()
@_file_options
def decode(file: Path, runs: int, as_json: bool) -> None:
    """Decode every field of every message, and add them up."""
    with Progress("decode", runs) as bar:
        report = run_decode(file, runs, bar.show)
    click.echo(json.dumps(report) if as_json else _as_text(report))


@command.command()
@_file_options
def book(file: Path, runs: int, as_json: bool) -> None:
    """Decode, keep every order of every book, compare the best bid and offer after every message."""
    with Progress("book", runs) as bar:
        report = run_book(file, runs, bar.show)
    click.echo(json.dumps(report) if as_json else _as_text(report))


@command.command()
@click.option(
    "--port",
    type=click.Choice(["dpdk", "udp"]),
    default="dpdk",
    show_default=True,
    help="dpdk: AF_XDP on a veth pair, compared with udp; needs root.",
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60, show_default=True,
              help="How long the rate must hold; each attempt takes about two more.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def wire(port: str, seconds: float, as_json: bool) -> None:
    """From the venue's wire into the books: the highest rate that loses nothing, held for a minute.

    The venue and the data plane run on a core each. The rate is found by trials of two seconds; only those
    count in which every packet of both lines arrived. With --port dpdk the kernel's sockets are searched in
    the same way in the same run, on the same veth pair and with the same sender. Then the rate found is held
    for as long as told, and if it loses a packet again, a tenth slower, at most three times.
    """
    report = run_wire(port, seconds, lambda line: click.echo(f"  {line}", err=True))
    click.echo(json.dumps(report) if as_json else wire_text(report))


@command.command()
@click.option("--runs", type=click.IntRange(1, 10_000), default=201, show_default=True,
              help="Of the ring and of the queue in turn; the median counts.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def ring(runs: int, as_json: bool) -> None:
    """Items between two cores: there and back, and many in a row, beside a plain queue in the same run."""
    with Progress("ring", runs) as bar:
        report = run_ring(runs, bar.show)
    click.echo(json.dumps(report) if as_json else ring_text(report))


@command.command()
@click.option("--records", type=click.IntRange(1_000, 1_000_000_000), default=10_000_000, show_default=True,
              help="With 64 bytes of payload; a tenth as many with 1,400.")  # fmt: skip
@click.option("--runs", type=click.IntRange(1, 1000), default=5, show_default=True, help="The median counts.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where journals are written, and removed again; else where temporary files go.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def journal(records: int, runs: int, directory: Path | None, as_json: bool) -> None:
    """Append to the journal: what a record costs the hot core, and how many the writer brings into files."""
    with Progress("journal", runs + 1) as bar:
        report = run_journal(records, runs, directory, bar.show)
    click.echo(json.dumps(report) if as_json else journal_text(report))


@command.command()
@click.option("--runs", type=click.IntRange(1, 1000), default=5, show_default=True, help="The median counts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def gate(runs: int, as_json: bool) -> None:
    """One order through all risk checks, for 1,000 instruments in turn; also when half are refused."""
    with Progress("gate", runs) as bar:
        report = run_gate(runs, bar.show)
    click.echo(json.dumps(report) if as_json else gate_text(report))


@command.command()
@click.option(
    "--file", "file", type=click.Path(readable=False, path_type=Path),
    help="Framed ITCH, plain or gzip, of a whole day; without one, a day is made.",
)  # fmt: skip
@click.option("--messages", type=click.IntRange(10_000, 100_000_000), default=2_000_000, show_default=True,
              help="Of the day that is made.")  # fmt: skip
@click.option(
    "--symbols",
    type=click.IntRange(1, 10_000),
    default=1000,
    show_default=True,
    help="Of that day, 100 of them traded. The books of a few stay in the cache.",
)
@click.option(
    "--placement",
    type=click.Choice(["fused", "split"]),
    help="fused: all stages on one core; split: the feed on one, the rest on another. Both if not given.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Also draw the distribution: a PNG.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def tick(
    file: Path | None, messages: int, symbols: int, placement: str | None, plot: Path | None, as_json: bool
) -> None:
    """From a packet in memory to the bytes of an order: feed, strategy, every risk check, OUCH.

    The books are those of a whole day. A venue in memory answers between the packets. No socket, no kernel.
    """
    asked = Asked(file, placement, messages, symbols=symbols)
    with Progress("tick", PARTS) as bar:
        report = run_tick(asked, plot, bar.show)
    click.echo(json.dumps(report) if as_json else tick_text(report))


def _as_text(report: dict[str, Any]) -> str:
    machine = report["machine"]
    spread = report["distribution"]
    lines = [
        f"machine      {machine['cpu']}, {machine['cores']} cores"
        + (", virtual" if machine["virtual"] else "")
        + f", kernel {machine['kernel']}, huge pages: {report['huge_pages']}",
        f"clock read   {report['clock_read_ns']:.1f} ns",
        f"file         {report['file']}: {report['messages']:,} messages",
        "runs         " + "  ".join(f"{ns:.2f}" for ns in report["runs_ns"]) + " ns a message",
        "blocks       "
        + "  ".join(f"{name} {spread[name]:.1f}" for name in ("min", "p50", "p90", "p99", "max"))
        + f" ns a message, {spread['blocks']:,} blocks of a run",
        f"digest       {report['digest']}",
        f"peak memory  {report['peak_rss_bytes'] / 1e6:,.0f} MB, input {report['input_bytes'] / 1e6:,.0f} MB",
    ]
    for result in report["results"]:
        verdict = "met" if result["met"] else "NOT met"
        lines.append(
            f"{result['name']:12} {result['value']:.2f} {result['unit']} (goal {result['goal']}: {verdict})"
        )
    return "\n".join(lines)
