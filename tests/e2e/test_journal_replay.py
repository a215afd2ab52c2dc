"""A day that was traded, lived through again from its journal: the same orders, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2e.desk import APART, FUSED, IMBALANCE, PLACEMENTS, SPLIT, desk, journalled, load
from e2e.truth import Truth
from model.command import appliance

from appliance.dataplane import Control
from appliance.journal import verify
from appliance.replay.again import live_again

RESTS = {"params": IMBALANCE.packed({"percent": 55, "rests": 1})}
BAD_LINES = ("--loss", 0.02, "--same-gap", 0.002, "--reorder", 0.02, "--seed", 3)


def traded_day(truth: Truth, folder: Path, *options: Any, **trading: Any) -> dict[str, Any]:
    """Trade a day in which an operator meddles; the venue's report."""
    with desk(truth, folder, *options, **trading) as world:
        world.open()
        world.go()
        world.wait_for_messages(20_000)
        with Control(world.name) as control:
            load(control, percent=60)
            world.wait_for_messages(30_000)
            control.set_kill_word("killed")
            world.wait_for_messages(35_000)
            control.set_kill_word("open")
            control.send("open", "test")
            world.wait_for_messages(45_000)
            control.set_kill_word("reduce_only")
        report: dict[str, Any] = world.finish().report
        assert world.positions() == report["orders"]["position"]
    return report


@pytest.mark.parametrize(
    ("options", "trading"),
    [((), {"groups": FUSED}), (BAD_LINES, {"groups": SPLIT}), (BAD_LINES, {"groups": APART} | RESTS)],
    ids=["fused", "split, over bad lines", "apart, resting, over bad lines"],
)
def test_a_session_lived_through_again_gives_the_same_orders_in_any_placement(
    truth: Truth, tmp_path: Path, options: tuple[Any, ...], trading: dict[str, Any]
) -> None:
    report = traded_day(truth, tmp_path, *options, **trading)
    assert not [finding for finding in verify(tmp_path).findings if not finding.harmless]
    session = journalled(tmp_path)
    assert len(session.orders) > 20
    assert report["orders"]["accepted"] > 10
    assert session.count("switch", 0) == 1
    for groups in PLACEMENTS.values():
        outcome = live_again(session, groups)
        assert outcome.difference is None, str(outcome.difference)
        assert outcome.orders == len(session.orders)


def test_what_differs_is_told_with_the_first_order_that_does(truth: Truth, tmp_path: Path) -> None:
    traded_day(truth, tmp_path)
    session = journalled(tmp_path)
    limits = session.told.limits.copy()
    limits["qty"][2:] = 1  # of every symbol: no order of the strategy would have passed
    outcome = live_again(replace(session, told=replace(session.told, limits=limits)))
    assert outcome.difference is not None
    assert outcome.difference.number == 1
    assert "now mass_cancel" in str(outcome.difference)  # that of the kill, which is in the journal too


def test_the_command_says_whether_every_order_is_the_same(truth: Truth, tmp_path: Path) -> None:
    traded_day(truth, tmp_path)
    done = appliance("replay", tmp_path, "--placement", "feed,strategy+risk,gateway")
    assert (done.returncode, done.stderr) == (0, "")
    assert "every order is the same, byte for byte" in done.stdout
    refused = appliance("replay", tmp_path, "--placement", "risk,feed")
    assert refused.returncode == 2
    assert "write fused, or the stages feed, strategy, risk and gateway" in refused.stderr
    assert appliance("replay", tmp_path, "--session", 2).returncode == 2


def test_every_input_and_order_of_the_day_is_in_the_journal(truth: Truth, tmp_path: Path) -> None:
    report = traded_day(truth, tmp_path)
    session = journalled(tmp_path)
    executions = [
        np.frombuffer(record.payload, np.uint32, 1, 8)[0] for record in session.streams[2] if record.kind == 8
    ]
    count = {chr(kind): executions.count(kind) for kind in set(executions) if kind > 31}
    assert count.get("E", 0) == report["orders"]["executed"]
    assert count.get("A", 0) == report["orders"]["accepted"]
    assert session.count("packet", 0) > 0
    assert session.count("command", 2) >= 5
