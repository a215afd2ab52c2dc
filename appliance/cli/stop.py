"""``appliance stop``: the end of a running appliance, and what it did."""

from __future__ import annotations

import os
import select
import signal
import time

import click

from appliance.cli.instance import name_option
from appliance.dataplane import Segment
from appliance.errors import ApplianceError
from appliance.observe.account import account
from appliance.observe.reading import attach_living, read


class StopError(ApplianceError):
    """It cannot be stopped, or does not stop."""


@click.command()
@name_option
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    show_default=True,
    help="Seconds to wait for its end.",
)
def command(name: str | None, timeout: float) -> None:
    """Tell a data plane to stop, wait for its end, and account for what it did.

    The `appliance run` that watches it ends too. Nothing is killed: one that does not
    stop in time is told of.
    """
    with attach_living(name) as segment:
        started = time.monotonic()
        _stop(segment, timeout)
        reading = read(segment)
        click.echo(account(reading, time.monotonic() - started))


def _stop(segment: Segment, timeout: float) -> None:
    who = f"data plane '{segment.name}' (process {segment.pid})"
    if segment.state in ("stopped", "failed"):
        raise StopError(f"{who} is {segment.state} already")
    if not segment.pid:
        raise StopError(f"data plane '{segment.name}' has not started yet: try again")
    try:
        handle = os.pidfd_open(segment.pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        if not waiting.poll(timeout * 1000):
            raise StopError(
                f"{who} has not stopped within {timeout:g} s (stage {segment.stage}): "
                f"wait, or end it with kill -9 {segment.pid}"
            )
    except ProcessLookupError:
        return
    except PermissionError:
        raise StopError(f"{who} belongs to another user: stop it as that user, or as root") from None
    finally:
        os.close(handle)
