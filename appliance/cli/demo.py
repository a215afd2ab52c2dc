"""``appliance demo``: what is here, shown on a market that it makes itself."""

from __future__ import annotations

import click

from appliance.demo import run_demo
from appliance.synth import Market


@click.command()
@click.option("--messages", type=click.IntRange(1), default=2_000_000, show_default=True)
@click.option("--symbols", type=click.IntRange(1, 65_535), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=1, show_default=True)
@click.option("--rate", type=click.IntRange(1000, 10_000_000), default=400_000, show_default=True,
              help="Messages a second, live.")  # fmt: skip
def command(messages: int, symbols: int, seed: int, rate: int) -> None:
    """Make a synthetic market and run its day through the books: from a file, and live over two bad lines.

    As root, and where DPDK is built in, the venue and the data plane meet over AF_XDP on a veth pair in a
    network namespace, made for it and removed in the end. Otherwise they meet over sockets on loopback.
    """
    run_demo(Market(messages=messages, symbols=symbols, seed=seed), rate, click.echo)
