"""``appliance stats``: every counter as it stands, and what each of them means."""

from __future__ import annotations

import json

import click

from appliance.cli.instance import name_option
from appliance.observe.counters import COUNTERS, FRAME_VERDICTS, GROUPS, LINE_VERDICTS, STAGES
from appliance.observe.reading import attach, read
from appliance.observe.status import as_raw
from appliance.risk import names


@click.command()
@name_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object, histograms as cumulative buckets.")
@click.option("--explain", is_flag=True, help="Say what each counter means; needs no data plane.")
def command(name: str | None, as_json: bool, explain: bool) -> None:
    """Print every counter of a data plane, also of one that is dead or has ended."""
    if explain:
        click.echo("\n".join(_explained()))
        return
    with attach(name) as segment:
        raw = as_raw(read(segment))
    if as_json:
        click.echo(json.dumps(raw))
        return
    for key, value in _flat("", raw):
        click.echo(f"{key:<44} {value}")


def _flat(prefix: str, value: object) -> list[tuple[str, object]]:
    """Return the leaves of nested data by their dotted names; buckets are for --json."""
    if isinstance(value, dict):
        rows = []
        for name, inner in value.items():
            if name != "buckets":
                rows += _flat(f"{prefix}.{name}" if prefix else str(name), inner)
        return rows
    return [(prefix, value)]


def _explained() -> list[str]:
    rows = []
    for group, (_, _, text) in GROUPS.items():
        rows += ["", f"{group}: {text}"]
        for counter in COUNTERS:
            if counter.group == group:
                rows.append(f"  {counter.member:<20} {counter.text}")
                if counter.metric:
                    rows.append(f"  {'':<20} {counter.metric}")
    for title, table in (
        ("frame verdicts: what an Ethernet frame is", FRAME_VERDICTS),
        ("line verdicts: what a MoldUDP64 packet is to the stream", LINE_VERDICTS),
        ("stages: what is timed", STAGES),
        ("causes: what keeps the gate shut", names.CAUSES),
        ("rejects: why risk refuses an order", names.REASONS),
        ("refusals: why no order is made of an intent", names.TAKES),
        ("cuts: why a connection to the venue is over", names.CUTS),
        ("unreadable: what is wrong with a message of the venue", names.VERDICTS),
        ("ring_waits: a stage has waited for the next", names.STAGES),
    ):
        rows += ["", title] + [f"  {name:<20} {text}" for name, text in table.items()]
    return rows[1:]
