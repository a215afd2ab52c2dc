"""``appliance status``: one page about a running appliance."""

from __future__ import annotations

import json
import time

import click

from appliance.cli.instance import name_option
from appliance.dataplane import Segment, SegmentError
from appliance.observe.reading import Reading, attach_living, living, read, running
from appliance.observe.status import as_data, as_text, headline

_LOOK_S = 0.1


@click.command()
@name_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a page.")
def command(name: str | None, as_json: bool) -> None:
    """Say how a running appliance is; with several running and no --name, list them.

    Exit status 2 when there is none, when it is dead, or when this user may not look at it.
    `appliance stats --explain` says what each counter means.
    """
    if name is None and len(living()) > 1:
        _list(running(), as_json)
        return
    with attach_living(name) as segment:
        reading, rate = _measured(segment)
    click.echo(json.dumps(as_data(reading, rate)) if as_json else as_text(reading, rate))


def _measured(segment: Segment) -> tuple[Reading, float | None]:
    """Return a reading and the messages a second at the moment."""
    before = read(segment)
    if before.state != "running":
        return before, None
    time.sleep(_LOOK_S)
    reading = read(segment)
    seconds = (reading.now_cycles - before.now_cycles) / reading.cycles_per_s
    return reading, (reading.live["messages"] - before.live["messages"]) / seconds


def _list(names: list[str], as_json: bool) -> None:
    rows = []
    for name in names:
        try:
            with Segment(name) as segment:
                reading = read(segment)
                rows.append(
                    {"name": name, "state": reading.state, "pid": reading.pid, "how": headline(reading)}
                )
        except SegmentError as error:
            rows.append({"name": name, "state": "unreadable", "pid": None, "how": str(error)})
    if as_json:
        click.echo(json.dumps({"instances": rows}))
        return
    for row in rows:
        click.echo(f"{row['name']:<16} {row['how']}")
    click.echo("choose one with --name for all about it")
