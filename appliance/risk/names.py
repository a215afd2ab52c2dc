"""What the numbers of the contract are called where people read them."""

from __future__ import annotations

import functools

from appliance.native import ffi

CAUSES = {
    "starting": "positions and open orders are not yet compared with the venue's",
    "disconnected": "there is no session with the venue, or its replay is not over",
    "killed": "somebody has pulled the kill switch",
    "journal": "what happens cannot be written down",
    "reduce": "only orders that shrink a position go",
    "ended": "the venue has ended the day",
}

CUTS = {
    "none": "no reason",
    "closed": "the venue hung up",
    "error": "the socket failed",
    "silent": "the venue said nothing, not even a heartbeat",
    "protocol": "the venue broke the protocol",
    "not_authorised": "the venue refused the login, and nobody tries again: check gateway.user",
    "no_such_session": "the venue has not the session: check gateway.session",
    "missed": "the venue would go on behind messages that we have not seen",
    "ended": "the venue has ended the session",
    "left": "we logged out",
    "no_connection": "nobody answers: tried again",
    "another_session": "the venue logged us into another session than the one asked for",
}

FAULTS = {
    "fine": "nothing is wrong with it",
    "returned": "it returned something else than 0",
    "overlong": "a call took longer than trading.call_budget_us",
    "overfull": "it wanted more than there is room for",
}


@functools.cache
def names(enum: str, prefix: str) -> tuple[str, ...]:
    """Return the names of an enum that counts from 0, without what all begin with."""
    elements = ffi().typeof(f"enum {enum}").elements
    found = [str(elements[number]) for number in sorted(elements)]
    known = [name.removeprefix(prefix).lower() for name in found if name.startswith(prefix)]
    return tuple(known)


@functools.cache
def reasons() -> tuple[str, ...]:
    """Return why risk refuses, by number."""
    return names("risk_reason", "RISK_")[:-1]


@functools.cache
def takes() -> tuple[str, ...]:
    """Return why the order pool makes no order, by number."""
    return names("order_take", "TAKE_")


@functools.cache
def cuts() -> tuple[str, ...]:
    """Return why a connection is over, by number."""
    return names("gateway_cut", "CUT_")


@functools.cache
def actions() -> tuple[str, ...]:
    """Return what an order may be, by number."""
    return ("none", "enter", "replace", "cancel", "mass_cancel")


@functools.cache
def verdicts() -> tuple[str, ...]:
    """Return what a message of the venue is to its reader, by number."""
    return names("ouch_verdict", "OUCH_")[:-1]


@functools.cache
def order_states() -> tuple[str, ...]:
    """Return the states of an order, by number."""
    return names("order_state", "ORDER_")[:-1]


def fault_name(number: int) -> str:
    """Return what is wrong with a strategy."""
    known = names("strategy_fault", "STRATEGY_")
    return known[number] if number < len(known) else f"fault {number}"


def causes_of(bits: int) -> tuple[str, ...]:
    """Return what keeps the gate shut."""
    elements = ffi().typeof("enum shut_cause").elements
    return tuple(
        str(elements[bit]).removeprefix("SHUT_").lower() for bit in sorted(elements) if bit and bits & bit
    )


def gate_name(number: int) -> str:
    """Return what the gate lets through."""
    known = names("risk_gate", "GATE_")
    return known[min(number, len(known) - 1)]


def dollars(value: int) -> str:
    """Write a price times shares, in ten-thousandths, as dollars."""
    whole, rest = divmod(abs(value), 10_000)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole:,}.{rest:04}".removesuffix("00")
