"""Limits that are changed while it runs: lower at once, higher by two persons; and who may do what."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dataplane.limits import LIMIT_NAMES, RiskLimits
from appliance.risk.changes import LimitBook, LimitError, is_stricter, read_values
from appliance.risk.people import OPERATOR, RISK, RoleError, demand, whoami
from appliance.risk.state import State, StateError, link_of

ACCOUNT = RiskLimits(order_qty=1000, open_orders=50)
SPY = RiskLimits(order_qty=500, long_qty=2000)


@pytest.fixture
def book() -> LimitBook:
    book = LimitBook()
    book.configure({"account": ACCOUNT, "strategy": RiskLimits(), "SPY": SPY})
    return book


def test_a_lower_limit_holds_at_once(book: LimitBook) -> None:
    lower, pending = book.ask("account", {"order_qty": 400}, "alice")
    assert (lower, pending) == ({"order_qty": 400}, None)
    assert book.of("account") == RiskLimits(order_qty=400, open_orders=50)
    assert book.of("SPY") == SPY


def test_a_limit_where_there_was_none_is_lower(book: LimitBook) -> None:
    lower, pending = book.ask("strategy", {"gross_dollars": 10}, "alice")
    assert (lower, pending) == ({"gross_dollars": 10}, None)


def test_a_higher_limit_waits_for_another_person(book: LimitBook) -> None:
    lower, pending = book.ask("SPY", {"long_qty": 9000}, "alice")
    assert lower == {}
    assert pending is not None
    assert (pending.number, pending.old, pending.values) == (1, {"long_qty": 2000}, {"long_qty": 9000})
    assert book.of("SPY") == SPY, "nothing holds before the approval"
    with pytest.raises(RoleError, match="asked for by alice: another person"):
        book.approve(1, "alice")
    assert book.of("SPY") == SPY
    book.approve(1, "bob")
    assert book.of("SPY").long_qty == 9000
    assert book.pending == []
    with pytest.raises(LimitError, match="no change 1 waits"):
        book.approve(1, "bob")


def test_taking_a_limit_away_is_higher(book: LimitBook) -> None:
    _, pending = book.ask("account", {"open_orders": None}, "alice")
    assert pending is not None


def test_of_several_the_lower_hold_and_the_higher_wait(book: LimitBook) -> None:
    lower, pending = book.ask("account", {"order_qty": 10, "open_orders": 60}, "alice")
    assert lower == {"order_qty": 10}
    assert pending is not None
    assert pending.values == {"open_orders": 60}
    assert book.of("account") == RiskLimits(order_qty=10, open_orders=50)


def test_a_lowering_withdraws_what_waits_to_raise_the_same(book: LimitBook) -> None:
    book.ask("account", {"order_qty": 5000, "open_orders": 60}, "alice")
    book.ask("account", {"order_qty": 100}, "bob")
    (left,) = book.pending
    assert left.values == {"open_orders": 60}


def test_longer_is_stricter_for_the_window_of_duplicates_alone() -> None:
    assert is_stricter("duplicate_ms", 200, 100)
    assert is_stricter("duplicate_ms", 1, None)
    assert not is_stricter("duplicate_ms", 0, None)
    for name in LIMIT_NAMES:
        if name != "duplicate_ms":
            assert is_stricter(name, 100, 200)
            assert is_stricter(name, 100, None)


VALUES = st.one_of(st.none(), st.integers(0, 3))


@given(st.sampled_from(LIMIT_NAMES), VALUES, VALUES)
def test_of_two_limits_at_most_one_is_stricter(name: str, one: int | None, other: int | None) -> None:
    assert not (is_stricter(name, one, other) and is_stricter(name, other, one))


def test_what_no_symbol_or_bucket_can_have_is_refused(book: LimitBook) -> None:
    with pytest.raises(LimitError, match="only the account and the strategy"):
        book.ask("SPY", {"gross_dollars": 5}, "alice")
    with pytest.raises(LimitError, match="how many orders may go at once"):
        book.ask("account", {"orders_per_s": 5}, "alice")
    with pytest.raises(LimitError, match=r"'IBM' has no limits: scopes are account, strategy.*SPY"):
        book.ask("IBM", {"order_qty": 5}, "alice")


def test_words_are_read_as_the_configuration_reads_them() -> None:
    assert read_values(("order_qty=1_000", "collar_bps=none")) == {"order_qty": 1000, "collar_bps": None}
    for word, why in (
        ("order_qty", "write NAME=VALUE"),
        ("order_qtty=1", "limits are order_qty"),
        ("order_qty=x", "no whole number"),
        ("collar_bps=70000", "whole number from 0 to 65,534"),
    ):
        with pytest.raises(LimitError, match=why):
            read_values((word,))


def test_changes_outlive_a_restart_until_the_file_says_something_else(
    book: LimitBook, tmp_path: Path
) -> None:
    state = State(tmp_path)
    book.ask("account", {"order_qty": 400, "open_orders": 70}, "alice")
    book.approve(1, "bob")
    book.ask("SPY", {"long_qty": 9000}, "alice")
    book.save(state)
    again = LimitBook.load(state)
    assert again == book
    assert again.configure(book.configured) == []
    assert again.of("account") == RiskLimits(order_qty=400, open_orders=70)
    edited = {**book.configured, "account": RiskLimits(order_qty=1000, open_orders=20)}
    assert again.configure(edited) == ["account open_orders: 70 is void, the file says 20"]
    assert again.of("account") == RiskLimits(order_qty=400, open_orders=20)
    assert [one.number for one in again.pending] == [2]


def test_a_role_that_nobody_was_given_is_everybodys(tmp_path: Path) -> None:
    state = State(tmp_path)
    demand(state, "alice", RISK)
    state.write("settings.json", {"roles": {"operator": [], "risk": ["bob", "carol"]}})
    demand(state, "alice", OPERATOR)
    demand(state, "bob", RISK)
    with pytest.raises(RoleError, match=r"alice has not the role risk.*bob, carol may do it"):
        demand(state, "alice", RISK)


def test_one_is_the_real_user_and_under_sudo_who_called_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "alice")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert whoami() == "alice"
    assert whoami("bob") == "bob"
    monkeypatch.delenv("SUDO_USER")
    assert whoami() == pwd.getpwuid(0).pw_name
    monkeypatch.setenv("SUDO_USER", "alice")
    monkeypatch.setattr(os, "getuid", lambda: 1)
    assert whoami() == pwd.getpwuid(1).pw_name, "the variable of somebody else proves nothing"
    with pytest.raises(RoleError, match="only root may speak for somebody else"):
        whoami("bob")


def test_the_audit_file_only_grows_and_says_who_when_what_old_and_new(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.audit("alice", "lower limits", {"order_qty": 5}, {"order_qty": 4}, scope="SPY")
    first = (tmp_path / "audit.jsonl").read_bytes()
    state.audit("bob", "kill", "open", "killed")
    whole = (tmp_path / "audit.jsonl").read_bytes()
    assert whole.startswith(first)
    lines = [json.loads(line) for line in whole.splitlines()]
    assert [(one["who"], one["what"], one["old"], one["new"]) for one in lines] == [
        ("alice", "lower limits", {"order_qty": 5}, {"order_qty": 4}),
        ("bob", "kill", "open", "killed"),
    ]
    assert lines[0]["time"] <= lines[1]["time"]


def test_a_file_that_was_damaged_is_told_of_and_not_taken_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "kill.json").write_text("{")
    with pytest.raises(StateError, match=r"kill\.json"):
        State(tmp_path).read("kill.json")


def test_commands_find_the_directory_by_the_name(tmp_path: Path) -> None:
    name = f"test-state-{os.getpid()}"
    with pytest.raises(StateError, match="name its directory with --state"):
        State.of(name)
    try:
        State(tmp_path / "of-it").make(name)
        assert State.of(name).directory == tmp_path / "of-it"
    finally:
        link_of(name).unlink()
