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


REASONS = {
    "none": "nothing: it passed",
    "killed": "the gate is shut",
    "reduce_only": "it would not shrink the position, and only such orders go",
    "untrusted": "the book lacks orders for which there was no room",
    "stale": "the book may lack messages",
    "not_permitted": "the symbol may not be traded",
    "no_side": "neither a buy nor a sell",
    "halted": "the symbol is halted",
    "short_sale": "a short sale at or below the best bid, while that is forbidden",
    "no_quantity": "no shares",
    "quantity": "more shares than order_qty",
    "notional": "more money than order_dollars",
    "no_price": "no price",
    "no_reference": "the book has no price to hold it against",
    "collar": "further through the market than collar_bps",
    "duplicate": "the same order again within duplicate_ms",
    "rate": "more messages than orders_per_s and burst allow",
    "symbol_rate": "the same, of one symbol",
    "open_orders": "more open orders than open_orders",
    "symbol_open_orders": "the same, of one symbol",
    "long": "more shares than long_qty, with all that is open to buy as filled",
    "short": "more shares than short_qty, with all that is open to sell as filled",
    "gross": "more exposure than gross_dollars",
    "self_trade": "it would meet an order of our own",
}

TAKES = {
    "done": "nothing: an order was made",
    "malformed": "no such action, symbol, tag, side or quantity",
    "not_connected": "no session that is caught up",
    "full": "the pool has no room: raise trading.orders",
    "tag_in_use": "the tag has an order that is not over",
    "no_order": "the tag has no order to replace or cancel",
    "busy": "a change of the order is under way",
    "not_less": "the order is not larger than it is to be cut to",
    "no_user_ref": "the numbers of the day are used up",
}

VERDICTS = {
    "taken": "nothing: it was read",
    "empty": "no bytes",
    "unknown_type": "a type that is not known",
    "truncated": "shorter than its type",
    "oversized": "something stands behind its end",
    "bad_appendage": "its options do not fill their length",
}

STAGES = {
    "feed": "the feed waited for the strategy",
    "strategy": "the strategy waited for risk",
    "risk": "risk waited for the gateway",
    "gateway": "never: the gateway leaves messages in the socket instead",
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
