"""``appliance positions``: what is held."""

from __future__ import annotations

import json

import click

from appliance.cli.instance import name_option
from appliance.observe.reading import attach_living
from appliance.risk.show import position_page, positions


@click.command()
@name_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def command(name: str | None, as_json: bool) -> None:
    """Print what is held of each symbol, what is open, and what was traded today."""
    with attach_living(name) as segment:
        rows = positions(segment)
    click.echo(json.dumps({"positions": rows}) if as_json else "\n".join(position_page(rows)))
