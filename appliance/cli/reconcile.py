"""``appliance reconcile``: our executions against the venue's drop copy, every difference listed."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from appliance.cli.instance import name_option
from appliance.config.kinds import endpoint
from appliance.config.passwords import first_line
from appliance.errors import ApplianceError, printable
from appliance.journal import Journal
from appliance.observe.reading import attach_living
from appliance.reconcile.compare import Difference, compare
from appliance.reconcile.drop_copy import Copy, fetch
from appliance.reconcile.executions import positions
from appliance.reconcile.ours import Ours, read_ours
from appliance.risk.state import State

_DIFFERENT = 1
_PAUSE_S = 0.2


class ReconcileError(ApplianceError):
    """There is nothing to compare."""


@click.command()
@click.argument("journal", required=False, type=click.Path(path_type=Path))
@click.option("--drop-copy", "address", required=True, metavar="ADDRESS:PORT", help="The venue's stream.")
@click.option("--user", default="", help="Of the drop copy, if it wants one.")
@click.option("--password-file", type=click.Path(path_type=Path), help="Its first line is the password.")
@click.option("--settle", type=click.FloatRange(0, 60), default=2.0, show_default=True,
              help="Seconds that a running appliance has to write down what it was told.")  # fmt: skip
@name_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def command(
    journal: Path | None, address: str, user: str, password_file: Path | None, settle: float,
    name: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare our executions with the venue's drop copy. Exit status 1: they differ.

    Ours are those of JOURNAL, a directory; without it, of the appliance that runs. Every trade that only one
    side has, and every trade that both tell differently (quantity, price, match number and the rest), is
    listed with the places where it stands. While an appliance trades, what is under way between the two looks
    like a difference: so it is looked at again, until both agree or --settle is over.

    The venue serves one reader of its drop copy at a time: another one loses its connection.
    """
    where = endpoint(address)
    if where is None:
        raise ReconcileError(f"--drop-copy {printable(address)}: write ADDRESS:PORT")
    password = _password(password_file)
    directory = journal or _journal_of(name)
    deadline = time.monotonic() + (settle if journal is None else 0)
    while True:
        ours, copy = read_ours(Journal(directory)), fetch((str(where.address), where.port), user, password)
        found = compare(ours.executions, copy.executions())
        if not found or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_S)
    told = report(directory, ours, copy, found)
    click.echo(json.dumps(told) if as_json else "\n".join(_lines(told, found)))
    if found:
        sys.exit(_DIFFERENT)


def _password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return first_line(file)
    except OSError as error:
        raise ReconcileError(f"--password-file {printable(file)}: {error.strerror}") from None


def _journal_of(name: str | None) -> Path:
    """Find the journal of an appliance that runs."""
    with attach_living(name) as segment:
        name = segment.name
    directory = (State.of(name).read("settings.json") or {}).get("journal")
    if not directory:
        raise ReconcileError(f"'{name}' keeps no journal: [journal] enabled = true, or name a directory")
    return Path(directory)


def report(directory: Path, ours: Ours, copy: Copy, found: list[Difference]) -> dict[str, Any]:
    """Return what was compared, as ``--json`` prints it."""
    theirs = copy.executions()
    return {
        "journal": printable(directory),
        "drop_copy": copy.session,
        "equal": not found,
        "ours": {"executions": len(ours.executions), "positions": positions(ours.executions)},
        "venue": {"executions": len(theirs), "positions": positions(theirs)},
        "lives": ours.lives,
        "lives_left_out": ours.left_out,
        "differences": [one.as_data() for one in found],
    }


def _lines(told: dict[str, Any], found: list[Difference]) -> list[str]:
    lines = [str(one) for one in found]
    sides = ", ".join(
        f"{who} {told[side]['executions']:,} executions"
        for who, side in (("ours", "ours"), ("venue", "venue"))
    )
    if told["lives_left_out"]:
        lines.append(f"{told['lives_left_out']:,} lives of the data plane were on another session: left out")
    symbols = sorted(told["ours"]["positions"].keys() | told["venue"]["positions"].keys())
    for symbol in symbols:
        mine, theirs = (told[side]["positions"].get(symbol, 0) for side in ("ours", "venue"))
        if mine != theirs:
            lines.append(f"{symbol}: ours {mine:+,} shares, the venue's {theirs:+,}")
    verdict = f"{len(found):,} DIFFERENCES" if found else "no difference"
    lines.append(f"session {told['drop_copy']}: {sides}: {verdict}")
    return lines
