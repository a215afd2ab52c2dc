"""``appliance reduce``: only orders go that shrink a position."""

from __future__ import annotations

import time

import click

from appliance.cli.people import person_options
from appliance.errors import ApplianceError
from appliance.risk.kill import kill
from appliance.risk.kill_command import sentence
from appliance.risk.killword import REDUCE_ONLY


@click.command()
@person_options
@click.option("--reason", default="", help="Why; for the record.")
def command(name: str | None, reason: str, named: str | None, directory: str | None) -> None:
    """Let only orders go that bring a position nearer to zero, until `appliance resume`."""
    began = time.monotonic()
    told = kill(name, reason, named, directory, REDUCE_ONLY)
    line = sentence(told, "REDUCE ONLY", (time.monotonic() - began) * 1000)
    if told.problem:
        raise ApplianceError(f"{line}. BUT A RESTART WILL NOT KNOW OF IT: {told.problem}")
    click.echo(line)
