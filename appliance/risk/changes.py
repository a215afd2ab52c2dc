"""Limits that are changed while it runs: lower at once, higher when a second person has approved.

A change stands as long as the configuration says what it said when the change was made: whoever writes
another number into the file has the last word, at the next start. Lowering a limit withdraws what waits to
raise it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from appliance.config.kinds import WrongError
from appliance.config.model import ScopeLimits, keys_of
from appliance.config.trading import limits_problem
from appliance.dataplane.limits import LIMIT_NAMES, RiskLimits
from appliance.errors import ApplianceError
from appliance.risk.people import RoleError
from appliance.risk.state import State

FILE = "limits.json"
_SCOPES = ("account", "strategy")
_LONGER_IS_STRICTER = "duplicate_ms"

Values = dict[str, int | None]


class LimitError(ApplianceError):
    """The limits cannot be changed so."""


@dataclass(frozen=True)
class Pending:
    """A change that waits for another person than who asked for it."""

    number: int
    scope: str
    values: Values
    old: Values
    who: str
    wall_ns: int


@dataclass
class LimitBook:
    """All limits of an appliance, by scope: account, strategy, and every symbol."""

    configured: dict[str, RiskLimits] = field(default_factory=dict)
    changed: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # value, configured
    pending: list[Pending] = field(default_factory=list)
    next_number: int = 1

    @classmethod
    def load(cls, state: State) -> LimitBook:
        """Read it; empty if there is none."""
        found = state.read(FILE)
        if found is None:
            return cls()
        return cls(
            {scope: RiskLimits(**values) for scope, values in found["configured"].items()},
            found["changed"],
            [Pending(**one) for one in found["pending"]],
            found["next_number"],
        )

    def save(self, state: State) -> None:
        """Put it on the disk."""
        state.write(FILE, asdict(self))

    def configure(self, configured: dict[str, RiskLimits]) -> list[str]:
        """Take what the configuration says now; returns the changes that are void by that."""
        void = []
        self.configured = configured
        for scope, changes in list(self.changed.items()):
            for name, change in list(changes.items()):
                base = getattr(configured[scope], name) if scope in configured else None
                if scope not in configured or base != change["configured"]:
                    void.append(
                        f"{scope} {name}: {shown(change['value'])} is void, the file says {shown(base)}"
                    )
                    del changes[name]
            if not changes:
                del self.changed[scope]
        self.pending = [one for one in self.pending if one.scope in configured]
        return void

    def of(self, scope: str) -> RiskLimits:
        """Return what a scope's limits are now."""
        if scope not in self.configured:
            known = [one for one in self.configured if one not in _SCOPES]
            raise LimitError(
                f"'{scope}' has no limits: scopes are account, strategy, and the symbols "
                + (
                    ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
                    or "(none yet: start it first)"
                )
            )
        values = {name: change["value"] for name, change in self.changed.get(scope, {}).items()}
        return replace(self.configured[scope], **values)

    def all(self) -> dict[str, RiskLimits]:
        """Return those of every scope."""
        return {scope: self.of(scope) for scope in self.configured}

    def ask(self, scope: str, values: Mapping[str, int | None], who: str) -> tuple[Values, Pending | None]:
        """Lower at once what is lower; what is higher waits. Returns the two."""
        old = self.of(scope)
        _check(scope, replace(old, **dict(values)))
        lower = {
            name: value for name, value in values.items() if is_stricter(name, value, getattr(old, name))
        }
        higher = {
            name: value for name, value in values.items() if is_stricter(name, getattr(old, name), value)
        }
        self._withdraw(scope, values)
        self._put(scope, lower)
        if not higher:
            return lower, None
        before = {name: getattr(old, name) for name in higher}
        pending = Pending(self.next_number, scope, higher, before, who, time.time_ns())
        self.next_number += 1
        self.pending.append(pending)
        return lower, pending

    def _withdraw(self, scope: str, names: Mapping[str, Any]) -> None:
        """What is asked for anew is asked for no more as it was."""
        kept = []
        for one in self.pending:
            values = {
                name: value for name, value in one.values.items() if one.scope != scope or name not in names
            }
            if values:
                kept.append(replace(one, values=values))
        self.pending = kept

    def _put(self, scope: str, values: Values) -> None:
        for name, value in values.items():
            base = getattr(self.configured[scope], name)
            changes = self.changed.setdefault(scope, {})
            changes[name] = {"value": value, "configured": base}
            if value == base:
                del changes[name]
            if not changes:
                del self.changed[scope]

    def approve(self, number: int, who: str) -> Pending:
        """Let a change stand."""
        found = next((one for one in self.pending if one.number == number), None)
        if found is None:
            waiting = ", ".join(str(one.number) for one in self.pending) or "none"
            raise LimitError(f"no change {number} waits for approval (waiting: {waiting})")
        if found.who == who:
            raise RoleError(f"change {number} was asked for by {who}: another person has to approve it")
        _check(found.scope, replace(self.of(found.scope), **found.values))
        self.pending.remove(found)
        self._put(found.scope, found.values)
        return found


def is_stricter(name: str, one: int | None, other: int | None) -> bool:
    """Whether ``one`` lets less through than ``other``; None lets all through."""
    if name == _LONGER_IS_STRICTER:
        return (one or 0) > (other or 0)
    if one is None or other is None:
        return one is not None and other is None
    return one < other


def read_values(words: tuple[str, ...]) -> Values:
    """Read NAME=VALUE; ``none`` takes a limit away."""
    keys = keys_of(ScopeLimits)
    values: Values = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in LIMIT_NAMES:
            raise LimitError(f"{word}: write NAME=VALUE; limits are {', '.join(LIMIT_NAMES)}")
        if text == "none":
            values[name] = None
            continue
        try:
            values[name] = keys[name].kind.read(int(text.replace("_", "").replace(",", "")))
        except ValueError:
            raise LimitError(f"{word}: {text} is no whole number; none takes a limit away") from None
        except WrongError as error:
            raise LimitError(f"{word}: {error.text}") from None
    if not values:
        raise LimitError("what is to be set? Write NAME=VALUE, e.g. order_qty=100")
    return values


def _check(scope: str, limits: RiskLimits) -> None:
    problem = limits_problem(scope if scope in _SCOPES else "symbol", limits)
    if problem:
        raise LimitError(f"{scope} {problem[0]}: {problem[1]}")


def shown(value: int | None) -> str:
    """Write a limit."""
    return "none" if value is None else f"{value:,}"
