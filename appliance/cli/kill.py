"""``appliance kill``: no order leaves any more."""

from __future__ import annotations

import click

from appliance.cli.people import person_options
from appliance.risk.kill_command import pulled


@click.command()
@person_options
@click.option("--reason", default="", help="Why; for the record.")
def command(name: str | None, reason: str, named: str | None, directory: str | None) -> None:
    """Stop all orders: the very next one already is refused, and all open ones are cancelled.

    This stays so over every restart of anything until `appliance resume`. Whoever may write the shared memory
    may kill: it needs no role.
    """
    click.echo(pulled(name, reason, named, directory))
