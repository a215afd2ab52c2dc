"""``appliance orders``: what is open."""

from __future__ import annotations

import json

import click

from appliance.cli.instance import name_option
from appliance.observe.reading import attach_living
from appliance.risk.show import order_page, orders


@click.command()
@name_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def command(name: str | None, as_json: bool) -> None:
    """Print the open orders, the oldest first; at most 256 of them, and how many there are."""
    with attach_living(name) as segment:
        rows, count = orders(segment)
    click.echo(json.dumps({"orders": rows, "open": count}) if as_json else "\n".join(order_page(rows, count)))
