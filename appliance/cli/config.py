"""``appliance config``: what the configuration file says, before anything is started."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from appliance.config import DEFAULT_FILE, Config, build_plan, load_config
from appliance.errors import printable


@click.group()
def command() -> None:
    """Check a configuration file, or print an example of one."""


@command.command()
def example() -> None:
    """Print a configuration with every key, its default, and what it does."""
    click.echo((files("appliance.config") / "example.toml").read_text(), nl=False)


@command.command()
@click.argument("file", type=click.Path(path_type=Path), default=DEFAULT_FILE)
@click.argument("overrides", nargs=-1)
def check(file: Path, overrides: tuple[str, ...]) -> None:
    """List every mistake of FILE with its line, also what this machine does not have; start nothing.

    OVERRIDES are section.key=VALUE, as for `appliance run`.
    """
    config = load_config(file, overrides)
    build_plan(config)
    click.echo(f"{printable(file)}: no mistakes: {summary(config)}")


def summary(config: Config) -> str:
    """Say in one line what would run."""
    feed = config.feed
    where = {"udp": feed.interface or "127.0.0.1", "dpdk": feed.device, "file": feed.file}[feed.port]
    lines = [str(line.group) for line in (feed.a, feed.b)[: feed.lines]]
    if feed.port == "file" and not feed.names_lines:
        lines = ["found in the file"]
    count = len(config.books.symbols)
    return (
        f"{config.name}: port {feed.port} ({where}), lines {', '.join(lines)}, "
        f"{count} symbol{'s' if count > 1 else ''}{_trading(config)}{_left_aside(config)}"
    )


def _left_aside(config: Config) -> str:
    """Say what of the file is not used, because another kind of port was asked for."""
    names = ", ".join(config.left_aside)
    return f" (not used, as it is for another port: {names})" if names else ""


def _trading(config: Config) -> str:
    trading = config.trading
    if trading.mode == "off":
        return ""
    places = ", ".join("+".join(group) for group in trading.placement)
    return f", {trading.mode} with {config.strategy.name} at {config.gateway.server} ({places})"
