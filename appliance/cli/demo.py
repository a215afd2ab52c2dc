"""``appliance demo``: what is here, shown on a market that it makes itself."""

from __future__ import annotations

import click

from appliance.demo import run_demo
from appliance.synth import Market


@click.command()
@click.option("--messages", type=click.IntRange(1), default=2_000_000, show_default=True)
@click.option("--symbols", type=click.IntRange(1, 65_535), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=1, show_default=True)
def command(messages: int, symbols: int, seed: int) -> None:
    """Make a synthetic market and run its day through the books, from a file and over two lossy lines."""
    run_demo(Market(messages=messages, symbols=symbols, seed=seed), click.echo)
