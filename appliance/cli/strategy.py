"""``appliance strategy``: which one decides."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from appliance.cli.instance import name_option
from appliance.cli.people import person_options
from appliance.dataplane import Control, ControlError, Segment
from appliance.native import dtype
from appliance.observe.reading import attach_living
from appliance.risk.names import FAULTS, fault_name
from appliance.risk.people import OPERATOR, demand, whoami
from appliance.risk.state import State
from appliance.strategy import CompiledStrategy, StrategyError, builtin_strategies, find_strategy

_SWITCH_S = 2.0


@click.group()
def command() -> None:
    """Show the strategy that runs, load another between two events, or call none."""


@command.command()
@name_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def show(name: str | None, as_json: bool) -> None:
    """Say which strategy is called, how often, and what is wrong with it; list those of the package."""
    with attach_living(name) as segment:
        if segment.trading is None:
            raise ControlError(f"data plane '{segment.name}' keeps books only: it has no strategy")
        found = described(segment)
    if as_json:
        click.echo(json.dumps(found))
        return
    called = "called" if found["active"] else "NOT CALLED"
    click.echo(
        f"strategy    {found['strategy'] or 'none'}, {called}: {found['ticks']:,} ticks, "
        f"{found['intents']:,} intents, {found['switches']:,} switches"
    )
    if found["fault"] != "fine":
        click.echo(f"fault       {FAULTS.get(found['fault'], found['fault'])} (tick {found['fault_tick']:,})")
    click.echo(f"built in    {', '.join(builtin_strategies())}")


def described(segment: Segment) -> dict[str, Any]:
    """Return what the data plane says of its strategy."""
    shown = segment.trading["strategy"]
    numbers = {name: int(shown[name]) for name in ("ticks", "intents", "switches", "fault_tick")}
    return {
        "strategy": bytes(shown["name"]).decode(errors="replace"),
        "active": bool(shown["active"]),
        "fault": fault_name(int(shown["fault"])),
        **numbers,
    }


@command.command()
@click.argument("strategy")
@click.argument("params", nargs=-1, metavar="[NAME=NUMBER]...")
@person_options
def load(
    strategy: str, params: tuple[str, ...], name: str | None, named: str | None, directory: str | None
) -> None:
    """Load STRATEGY (a built-in one, or the path of a compiled one), and call it from the next event on.

    Members of the state with the same name keep their values, and open orders their tags. What is not given
    as NAME=NUMBER has the strategy's own initial value. After a restart that of the configuration is called.
    """
    found = CompiledStrategy.load(find_strategy(strategy))
    packed = found.packed(_numbers(params))
    values = np.zeros(dtype("command")["params"].shape, np.uint8)
    values[: len(packed)] = np.frombuffer(packed, np.uint8)
    path = str(Path(found.path).absolute()).encode()
    _switch(name, named, directory, f"load {strategy}", path, len(packed), values)
    click.echo(f"{found.name} is called from the next event on")


@command.command()
@person_options
def off(name: str | None, named: str | None, directory: str | None) -> None:
    """Call no strategy, and take back all open orders: nobody would look after them."""
    _switch(
        name, named, directory, "no strategy", b"", 0, np.zeros(dtype("command")["params"].shape, np.uint8)
    )
    click.echo("no strategy is called, and its orders are pulled")


def _numbers(words: tuple[str, ...]) -> dict[str, int]:
    values = {}
    for word in words:
        name, equals, text = word.partition("=")
        try:
            values[name] = int(text)
        except ValueError:
            raise StrategyError(f"{word}: write NAME=NUMBER") from None
        if not equals:
            raise StrategyError(f"{word}: write NAME=NUMBER")
    return values


def _switch(
    name: str | None,
    named: str | None,
    directory: str | None,
    what: str,
    path: bytes,
    size: int,
    params: object,
) -> None:
    """Send the command, and wait until it has been done between two events."""
    who = whoami(named)
    with attach_living(name) as segment, Control(segment.name) as control:
        state = State.of(segment.name, directory)
        demand(state, who, OPERATOR)
        before = int(segment.trading["strategy"]["switches"])
        state.audit(who, "strategy", bytes(segment.trading["strategy"]["name"]).decode(), what)
        control.send("strategy", who, path=path, params_bytes=size, params=params)
        deadline = time.monotonic() + _SWITCH_S
        while int(segment.trading["strategy"]["switches"]) == before:
            if time.monotonic() > deadline:
                raise ControlError(f"'{what}' was taken, but the feed's thread has not come to it yet")
            time.sleep(0.001)
