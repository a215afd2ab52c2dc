"""``appliance risk``: limits, what is used of them, and who may change them."""

from __future__ import annotations

import json
from contextlib import suppress

import click

from appliance.cli.instance import name_option
from appliance.cli.people import person_options
from appliance.dataplane import Segment
from appliance.observe.reading import NotRunningError, attach, attach_living
from appliance.risk.changes import LimitBook, Pending, read_values, shown
from appliance.risk.limits import send
from appliance.risk.people import OPERATOR, RISK, demand, whoami
from appliance.risk.show import risk, risk_page
from appliance.risk.state import State


@click.group()
def command() -> None:
    """Show limits and what is used of them; lower them at once, raise them with another's approval."""


@command.command()
@name_option
@click.option("--state", "directory", metavar="DIR", hidden=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a page.")
def show(name: str | None, directory: str | None, as_json: bool) -> None:
    """Print the limits of each scope, what is used of them, and what risk has refused, by reason.

    Behind each of the latest rejects stand the two numbers that were compared. Prices times shares are in
    ten-thousandths of a dollar, times in cycles of the clock.
    """
    with attach_living(name) as segment:
        found = risk(segment, LimitBook.load(State.of(segment.name, directory)))
    click.echo(json.dumps(found) if as_json else "\n".join(risk_page(found)))


@command.command(name="set")
@click.argument("scope")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@person_options
def set_limits(
    scope: str, values: tuple[str, ...], name: str | None, named: str | None, directory: str | None
) -> None:
    """Change limits of SCOPE: account, strategy, or a symbol. NAME=none takes one away.

    What is lower holds at once, and over restarts. What is higher waits for `appliance risk approve` by
    another person. Names are those of the configuration: order_qty, order_dollars, gross_dollars, long_qty,
    short_qty, open_orders, collar_bps, duplicate_ms (longer is stricter), orders_per_s, burst.
    """
    who, wanted = whoami(named), read_values(values)
    who_runs, segment = _running(name)
    state = State.of(who_runs, directory)
    demand(state, who, OPERATOR, RISK)
    with state.alone():
        book = LimitBook.load(state)
        old = book.of(scope)
        lower, pending = book.ask(scope, wanted, who)
        before = {limit: getattr(old, limit) for limit in wanted}
        if lower:
            state.audit(who, "lower limits", {limit: before[limit] for limit in lower}, lower, scope=scope)
        if pending:
            state.audit(
                who, "ask for limits", pending.old, pending.values, scope=scope, number=pending.number
            )
        if segment and lower:
            send(segment, who, scope, old, book.of(scope))
        book.save(state)
    when = "" if segment else " from the next start on: no data plane is running"
    for limit, value in lower.items():
        click.echo(f"{scope} {limit}: {shown(before[limit])} -> {shown(value)}, in force{when}")
    if pending:
        click.echo(f"{_line(pending)}: another person has to say appliance risk approve {pending.number}")
    if not lower and not pending:
        click.echo(f"{scope}: nothing changes")


@command.command()
@click.argument("number", type=int)
@person_options
def approve(number: int, name: str | None, named: str | None, directory: str | None) -> None:
    """Let the change NUMBER hold. Needs the role risk, and another person than who has asked for it."""
    who = whoami(named)
    who_runs, segment = _running(name)
    state = State.of(who_runs, directory)
    demand(state, who, RISK)
    with state.alone():
        book = LimitBook.load(state)
        before = book.all()
        change = book.approve(number, who)
        old = before[change.scope]
        state.audit(
            who, "approve limits", {limit: getattr(old, limit) for limit in change.values}, change.values,
            scope=change.scope, number=number, asked_by=change.who,
        )  # fmt: skip
        book.save(state)
        if segment:
            send(segment, who, change.scope, old, book.of(change.scope))
    when = "" if segment else " from the next start on: no data plane is running"
    click.echo(f"{_line(change)}: in force{when}")


@command.command()
@name_option
@click.option("--state", "directory", metavar="DIR", hidden=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def pending(name: str | None, directory: str | None, as_json: bool) -> None:
    """List the changes that wait for approval."""
    who_runs, _ = _running(name)
    book = LimitBook.load(State.of(who_runs, directory))
    if as_json:
        rows = [
            {"number": one.number, "scope": one.scope, "values": one.values, "old": one.old, "who": one.who}
            for one in book.pending
        ]
        click.echo(json.dumps({"pending": rows}))
        return
    click.echo("\n".join(map(_line, book.pending)) or "no change waits for approval")


def _line(change: Pending) -> str:
    values = ", ".join(
        f"{name} {shown(change.old.get(name))} -> {shown(value)}" for name, value in change.values.items()
    )
    return f"change {change.number} of {change.scope}: {values}, asked for by {change.who}"


def _running(name: str | None) -> tuple[str, Segment | None]:
    """Return which appliance is meant, and its data plane if one runs."""
    if name is not None and not Segment.path_of(name).exists():
        return name, None
    with suppress(NotRunningError):
        segment = attach(name)
        if segment.is_alive and segment.trading is not None:
            return segment.name, segment
        return segment.name, None
    if name is None:
        raise NotRunningError("no data plane is running on this machine: say which appliance with --name")
    return name, None
