"""``appliance run`` with its journal: a day that can be lived through again, whatever befell the writer."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from e2e.trader import Trader, day_to_trade
from e2e.truth import Truth
from e2e.world import wait_for
from model.command import appliance
from model.order_log import Account, read_log

from appliance.journal import Journal
from appliance.journal.names import kinds
from appliance.replay.session import sessions

KINDS = {name: number for number, name in kinds().items()}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Make a day that is long enough for what happens in a test."""
    return day_to_trade(tmp_path_factory.mktemp("journal-run"), 60_000)


def journal_of(trader: Trader) -> Path:
    return trader.folder / f"{trader.name}.journal"


def stop(trader: Trader) -> None:
    """Stop it, and see that nothing was left in the rings."""
    trader.say("stop")
    trader.run.process.wait(30)
    assert trader.run.process.returncode == 0, trader.run.said
    assert "may not have been written" not in trader.run.said


def writers_of(pid: int) -> list[int]:
    """Return the journal writers that a process has started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if Path(f"/proc/{child}/comm").read_text() == "journal-writer\n"]


def notes_of(directory: Path) -> list[dict[str, object]]:
    return [json.loads(record.payload) for record in Journal(directory).records({KINDS["note"]})]


def assert_every_order_of_the_venue_is_journalled(trader: Trader) -> None:
    accepted = {m[9:13] for m in read_log(trader.log) if m[:1] == b"A"}
    replaced = {m[13:17] for m in read_log(trader.log) if m[:1] == b"U"}
    sent = set()
    for session in sessions(Journal(journal_of(trader))):
        for payload in session.orders:
            action, number = payload[0], int.from_bytes(payload[4:8], "little")
            if action in (1, 2):
                sent.add(number.to_bytes(4, "big"))
    assert accepted
    assert accepted | replaced <= sent


@pytest.mark.heavy
def test_each_life_of_a_day_replays_to_the_same_orders(day: Truth, tmp_path: Path) -> None:
    with Trader(day, tmp_path) as trader:
        trader.trade_in_two_lives((1, 1))
        stop(trader)
        journal = journal_of(trader)
        verified = appliance("journal", "verify", journal)
        assert verified.returncode == 0, verified.stderr
        assert ": whole" in verified.stdout
        for session in (1, 2):
            done = appliance("replay", journal, "--session", session)
            assert (done.returncode, done.stderr) == (0, "")
            assert "every order is the same, byte for byte" in done.stdout
        assert_every_order_of_the_venue_is_journalled(trader)


@pytest.mark.heavy
def test_a_writer_that_is_killed_is_started_again_and_nothing_is_lost(day: Truth, tmp_path: Path) -> None:
    with Trader(day, tmp_path) as trader:
        trader.run.wait_for_line("the gate is opened")
        trader.go()
        for number in range(1, 4):
            trader.wait_for_trading(fills=1)
            (writer,) = writers_of(trader.run.process.pid)
            os.kill(writer, signal.SIGKILL)
            trader.run.wait_for_line("journal: ALERT: its writer DIED \\(killed by SIGKILL\\)", number)
            trader.run.wait_for_line("journal: written again", number)
        trader.wait_for_trading(fills=1)
        assert trader.shown()["causes"] == ()
        stop(trader)
        journal = journal_of(trader)
        assert appliance("journal", "verify", journal).returncode == 0
        done = appliance("replay", journal)
        assert (done.returncode, done.stderr) == (0, "")
        assert "every order is the same, byte for byte" in done.stdout
        assert_every_order_of_the_venue_is_journalled(trader)
        executed = sum(
            record.payload[8] == ord("E") for record in Journal(journal).records({KINDS["execution"]})
        )
        assert executed == Account.of(read_log(trader.log)).fills


@pytest.mark.heavy
def test_what_people_do_is_in_the_journal_with_who_when_old_and_new(day: Truth, tmp_path: Path) -> None:
    with Trader(day, tmp_path) as trader:
        trader.run.wait_for_line("the gate is opened")
        trader.say("risk", "set", "account", "order_qty=99")
        trader.say("risk", "set", "account", "order_qty=200")
        trader.say("kill", "--reason", "lunch")
        trader.say("resume")
        stop(trader)
        trader.say("risk", "set", "account", "long_qty=7")  # while nothing runs
        trader.start()
        trader.run.wait_for_line("the gate is opened", 1)
        journal = journal_of(trader)

        def is_there() -> bool:
            return any(note["new"] == {"long_qty": 7} for note in notes_of(journal))

        wait_for("the note of what was done meanwhile", is_there, lambda: trader.run.said, pause_s=0.05)
        stop(trader)
        notes = notes_of(journal)
        audit = (tmp_path / "state" / "audit.jsonl").read_text()
        assert [{k: v for k, v in note.items() if k != "at"} for note in notes] == [
            json.loads(line) for line in audit.splitlines()
        ]
        people = [(n["what"], n["old"], n["new"]) for n in notes if str(n["what"]).endswith(("limits", "l"))]
        assert ("lower limits", {"order_qty": None}, {"order_qty": 99}) in people
        assert ("ask for limits", {"order_qty": 99}, {"order_qty": 200}) in people
        assert ("kill", "open", "killed") in people
        assert all(note["who"] and note["time"] for note in notes)
        # The limits, the kill and the resumption, as the decision stage took them.
        assert len(list(Journal(journal).records({KINDS["command"]}))) >= 3


@pytest.mark.heavy
def test_without_a_journal_it_trades_too_and_a_journal_that_cannot_be_written_ends_the_start(
    day: Truth, tmp_path: Path
) -> None:
    with Trader(day, tmp_path, more="[journal]\nenabled = false") as trader:
        trader.run.wait_for_line("the gate is opened")
        assert not journal_of(trader).exists()
        stop(trader)
    (tmp_path / "taken").write_text("a file, and no directory")
    with Trader(day, tmp_path, more='[journal]\ndirectory = "taken"') as trader:
        assert trader.run.process.wait(30) == 2
        assert "the journal needs it" in trader.run.said
