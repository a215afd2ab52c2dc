"""Trading end to end: the exchange with its order side, ``appliance run``, and the commands of operators."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from e2e.trader import Trader, day_to_trade
from e2e.truth import Truth
from e2e.world import wait_for
from model.order_log import Account, read_log

FUSED = ("feed+strategy+risk+gateway",)
SPLIT = ("feed", "strategy+risk", "gateway")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Make a day that is long enough for what happens in a test."""
    return day_to_trade(tmp_path_factory.mktemp("trading"), 150_000)


def told(account: Account) -> str:
    """Say what an account holds, as the line about the reconciliation does."""
    held = ", ".join(f"{symbol} {shares:+,}" for symbol, shares in account.held.items())
    return f"{len(account.orders):,} open orders and {'positions ' + held if held else 'no position'}"


def assert_nothing_was_sent_behind_the_mass_cancel(messages: list[bytes], at: int) -> None:
    """Behind the venue's word that it cancels all there is no order, and all that were open are gone."""
    kinds = [message[:1] for message in messages]
    mass_cancel = kinds.index(b"X", at)
    assert not {b"A", b"U", b"J"} & set(kinds[mass_cancel:])
    assert not Account.of(messages).orders


@pytest.mark.heavy
@pytest.mark.parametrize("placement", [FUSED, SPLIT], ids=["fused", "split"])
def test_it_trades_until_it_is_killed_and_holds_what_the_venue_says(
    day: Truth, tmp_path: Path, placement: tuple[str, ...]
) -> None:
    with Trader(day, tmp_path, placement) as trader:
        trader.run.wait_for_line("the gate is opened")
        trader.go()
        trader.wait_for_trading(fills=3)
        before = len(read_log(trader.log))
        said = trader.say("kill", "--reason", "a test")
        assert re.match(rf"{trader.name}: KILLED by \S+ in [\d.]+ ms\n", said), said
        rejected = trader.shown()["rejected"][1]
        wait_for("the next order, refused", lambda: trader.shown()["rejected"][1] > rejected)
        trader.wait_for_quiet()
        assert_nothing_was_sent_behind_the_mass_cancel(read_log(trader.log), before)
        assert trader.orders() == {}
        held = trader.positions()
        assert held == trader.account().held
        assert held
        shown = json.loads(trader.say("risk", "show", "--json"))
        assert (shown["gate"], shown["causes"]) == ("killed", ["killed"])
        assert shown["latest"][0]["reason"] == "killed"
        page = trader.say("status")
        assert "GATE SHUT: killed" in page
        trader.venue.tell(signal.SIGTERM)
        report = trader.venue.report()["orders"]
        assert (report["position"], report["open"]) == (held, [])


@pytest.mark.heavy
def test_a_kill_outlives_the_data_plane_and_the_run_until_somebody_resumes(
    day: Truth, tmp_path: Path
) -> None:
    with Trader(day, tmp_path) as trader:
        trader.run.wait_for_line("the gate is opened")
        trader.go()
        trader.wait_for_trading(fills=1)
        trader.say("kill")
        trader.wait_for_quiet()
        messages = read_log(trader.log)
        trader.kill_data_plane()
        trader.run.wait_for_line("no differences; killed on record")
        trader.run.process.kill()
        trader.run.process.wait()
        trader.start()
        trader.run.wait_for_line("no differences; killed on record")
        assert trader.shown()["causes"] == ("starting", "killed")
        kinds = {message[:1] for message in read_log(trader.log)[len(messages) :]}
        assert not kinds & {b"A", b"U", b"J", b"E"}, kinds
        said = trader.say("resume")
        assert "the gate is open" in said
        assert trader.shown()["causes"] == ()
        assert not (tmp_path / "state" / "kill.json").exists()
        trader.wait_for_trading()
        audit = [json.loads(line) for line in (tmp_path / "state" / "audit.jsonl").read_text().splitlines()]
        assert [line["what"] for line in audit if line["what"] in ("kill", "resume")] == ["kill", "resume"]


@pytest.mark.heavy
@pytest.mark.parametrize("placement", [FUSED, SPLIT], ids=["fused", "split"])
def test_after_each_kill_9_positions_and_orders_are_the_venues_before_an_order_goes(
    day: Truth, tmp_path: Path, placement: tuple[str, ...]
) -> None:
    """The venue keeps orders of a connection that breaks: so there is something to find again.

    The third time `appliance run` is killed too, and another one has to go by what it finds.
    """
    with Trader(day, tmp_path, placement, ("--order-keep",), rate=3_000) as trader:
        trader.run.wait_for_line("the gate is opened")
        trader.go()
        lives = 1
        for number in range(1, 6):
            trader.wait_for_trading(fills=1)
            if number == 3:
                trader.run.process.kill()
                lives = 0
            dead = trader.kill_data_plane()
            if number == 3:
                trader.run.process.wait()
                trader.start()
            lives += 1
            found = trader.wait_for_reconciliation(dead, lives)
            messages = read_log(trader.log)[: int(found[1].replace(",", ""))]
            assert found[2] == told(Account.of(messages))
            trader.run.wait_for_line("the gate is opened", lives)
            assert "ALERT" not in trader.run.said
        numbers = [message[9:13] for message in read_log(trader.log) if message[:1] == b"A"]
        assert len(numbers) == len(set(numbers)), "an order was sent twice"
        trader.say("kill")
        trader.wait_for_quiet()
        assert trader.orders() == trader.venue_orders() == {}
        assert trader.positions() == trader.account().held


@pytest.mark.heavy
def test_a_difference_keeps_the_gate_shut_until_a_person_has_looked(day: Truth, tmp_path: Path) -> None:
    with Trader(day, tmp_path, more=f'[roles]\nrisk = ["{os.environ.get("USER", "nobody")}-not"]') as trader:
        trader.run.wait_for_line("the gate is opened")
        trader.go()
        trader.wait_for_trading(fills=1)
        trader.run.process.send_signal(signal.SIGTERM)
        trader.run.process.wait()
        record = tmp_path / "state" / "record.json"
        content = json.loads(record.read_text())
        symbol = next(iter(content["holdings"]))
        content["holdings"][symbol]["bought_qty"] += 1_000_000
        record.write_text(json.dumps(content))
        trader.start()
        trader.run.wait_for_line("ALERT: reconciliation: " + symbol)
        trader.run.wait_for_line("ALERT: the gate stays shut")
        assert trader.shown()["causes"] == ("starting",)
        assert "has not the role risk" in trader.refused("resume")
        if os.geteuid() != 0:
            return
        person = f"{os.environ.get('USER', 'nobody')}-not"
        assert symbol in trader.refused("resume", "--as", person)
        trader.say("resume", "--as", person, "--accept-differences")
        assert trader.shown()["causes"] == ()
        trader.wait_for_trading()


@pytest.mark.heavy
def test_operators_change_limits_and_strategies_while_it_trades(day: Truth, tmp_path: Path) -> None:
    with Trader(day, tmp_path) as trader:
        trader.run.wait_for_line("the gate is opened")
        trader.go()
        trader.wait_for_trading()
        trader.say("strategy", "off")
        trader.wait_for_quiet()
        assert trader.venue_orders() == {}
        assert "NOT CALLED" in trader.say("strategy", "show")
        orders = len(trader.account().symbols)
        trader.say("strategy", "load", "imbalance", "percent=55", "rests=1", "spread_px=2000")
        trader.wait_for_trading()
        assert len(trader.account().symbols) > orders
        assert "in force" in trader.say("risk", "set", "account", "order_qty=99")
        wait_for("an order that is too large", lambda: trader.shown()["rejected"][10] > 0)
        latest = json.loads(trader.say("risk", "show", "--json"))["latest"][0]
        assert (latest["reason"], latest["value"], latest["limit"]) == ("quantity", 100, 99)
        assert "another person" in trader.say("risk", "set", "account", "order_qty=200")
        assert "another person has to approve it" in trader.refused("risk", "approve", "1")
        if os.geteuid() == 0:
            trader.say("risk", "approve", "1", "--as", "somebody-else")
            trader.wait_for_trading()
        trader.kill_data_plane()
        trader.run.wait_for_line("the gate is opened", 2)
        limits = json.loads(trader.say("risk", "show", "--json"))["limits"]["account"]
        assert limits["order_qty"] == (200 if os.geteuid() == 0 else 99)
        assert "REDUCE ONLY" in trader.say("reduce")
        assert json.loads(trader.say("status", "--json"))["trading"]["causes"] == ["reduce"]
