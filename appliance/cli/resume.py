"""``appliance resume``: the gate opens again."""

from __future__ import annotations

import click

from appliance.cli.people import person_options
from appliance.observe.reading import attach_living
from appliance.risk.people import whoami
from appliance.risk.resume import resume
from appliance.risk.state import State


@click.command()
@person_options
@click.option(
    "--accept-differences",
    "accepts",
    is_flag=True,
    help="Take the venue's word where it differs from what was on record.",
)
def command(name: str | None, named: str | None, directory: str | None, accepts: bool) -> None:
    """Take back a kill or reduce-only, and open the gate. Needs the role risk.

    It is refused while there is no session with the venue, and before positions and open orders have been
    compared with the venue's. Where they differ, they are listed, and somebody has to look at them first.
    """
    who = whoami(named)
    with attach_living(name) as segment:
        click.echo(resume(segment, State.of(segment.name, directory), who, accepts))
