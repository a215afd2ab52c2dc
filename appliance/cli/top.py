"""``appliance top``: a running appliance, again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import click

from appliance.cli.instance import name_option
from appliance.cli.terminal import screens
from appliance.dataplane import Segment, SegmentError
from appliance.observe.reading import Reading, attach_living, read
from appliance.observe.top import screen


@click.command()
@name_option
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="One screen, after one interval.")
def command(name: str | None, interval: float, once: bool) -> None:
    """Show rates, latency per stage, lines, gaps and drops, until Ctrl-C.

    Rates and percentiles are of the last interval; counts without "/s" are since the start. Where the output
    is no terminal, one screen follows the other.
    """
    with suppress(KeyboardInterrupt), screens(not once) as put:
        for before, now in _looks(name, interval):
            put(screen(before, now))
            if once:
                return


def _looks(name: str | None, interval: float) -> Iterator[tuple[Reading, Reading]]:
    """Give a pair of readings an interval; a data plane that was started again is looked at instead."""
    segment = attach_living(name)
    try:
        before = read(segment)
        while True:
            time.sleep(interval)
            segment = _same_or_newer(segment)
            now = read(segment)
            yield before, now
            before = now
    finally:
        segment.close()


def _same_or_newer(segment: Segment) -> Segment:
    """Return the segment of the same name of a data plane that was started since, if there is one."""
    if segment.is_alive:
        return segment
    try:
        newer = Segment(segment.name)
    except SegmentError:
        return segment
    segment.close()
    return newer
