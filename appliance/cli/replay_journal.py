"""``appliance replay DIRECTORY``: a session of a journal lived through again, and its orders compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from appliance.dataplane.plan import STAGES
from appliance.errors import ApplianceError, printable
from appliance.journal import Journal
from appliance.replay.again import Outcome, find_session, live_again


class PlacementError(ApplianceError):
    """Stages that cannot be placed like this."""


def placement(text: str) -> tuple[tuple[str, ...], ...]:
    """Read ``feed,strategy+risk,gateway``: threads apart by commas, stages of one by plus signs."""
    if text == "fused":
        return (STAGES,)
    groups = tuple(tuple(part.split("+")) for part in text.split(","))
    if tuple(stage for group in groups for stage in group) != STAGES:
        raise PlacementError(
            f"placement '{text}': write fused, or the stages feed, strategy, risk and gateway in this order, "
            "apart by '+' on one thread and by ',' on two"
        )
    return groups


def replay_journal(directory: Path, session: int | None, where: str | None) -> dict[str, Any]:
    """Return the report, as ``--json`` prints it."""
    found = find_session(Journal(directory), session)
    groups = placement(where) if where else found.told.groups
    outcome = live_again(found, groups)
    return report(directory, outcome, groups)


def report(directory: Path, outcome: Outcome, groups: tuple[tuple[str, ...], ...]) -> dict[str, Any]:
    """Return what is told of an outcome."""
    return {
        "journal": printable(directory),
        "placement": ",".join("+".join(group) for group in groups),
        "packets": outcome.packets,
        "orders": outcome.orders,
        "identical": outcome.difference is None,
        "first_difference": str(outcome.difference) if outcome.difference else None,
        "seconds": round(outcome.seconds, 3),
    }


def as_text(told: dict[str, Any]) -> str:
    """Return the report for people."""
    verdict = (
        "every order is the same, byte for byte"
        if told["identical"]
        else f"THE FIRST DIFFERENCE: {told['first_difference']}"
    )
    return (
        f"journal     {told['journal']}\n"
        f"placement   {told['placement']}\n"
        f"packets     {told['packets']:,} in {told['seconds']:.2f} s\n"
        f"orders      {told['orders']:,}: {verdict}"
    )
