"""Is what the venue tells after a restart what was on record before? Two records, and the differences.

The venue's replay is the truth, and the record is older: it was seen last some milliseconds before the end.
So whatever lies behind it is fine as far as messages of the venue behind the record's sequence can have
caused it: one message makes at most one fill, and begins or ends at most one order. With no such message
there is nothing to explain, and both have to be equal.
"""

from __future__ import annotations

from collections.abc import Iterator

from appliance.risk.record import NOT_OURS, Holding, Record


def differences(before: Record | None, now: Record) -> list[str]:
    """Return what does not fit; empty: the gate may open."""
    return list(_differences(before, now))


def _differences(before: Record | None, now: Record) -> Iterator[str]:
    for name, count in now.not_ours.items():
        yield f"{count:,} {NOT_OURS[name]}: the position is not ours to tell"
    for symbol, holding in now.holdings.items():
        if holding.position != holding.bought_qty - holding.sold_qty:
            yield (
                f"{symbol}: position {holding.position:,}, but bought {holding.bought_qty:,} and sold "
                f"{holding.sold_qty:,}"
            )
    if before is None:
        if not now.is_flat:
            yield "nothing is on record, but " + told(now)
        return
    if now.sequence < before.sequence:
        if not before.is_flat:
            yield (
                f"the venue has replayed {now.sequence:,} messages, and {before.sequence:,} were on record, "
                f"with {told(before)}: another session?"
            )
        elif not now.is_flat:
            yield f"another session of the venue, in which nothing was on record, but {told(now)}"
        return
    yield from _holdings(before, now)
    yield from _orders(before, now)


def _holdings(before: Record, now: Record) -> Iterator[str]:
    fresh = now.sequence - before.sequence
    if now.fills - before.fills > fresh:
        yield (
            f"{now.fills - before.fills:,} fills are not on record, and only {fresh:,} messages of the venue "
            "are behind it"
        )
    for symbol in sorted(before.holdings.keys() | now.holdings.keys()):
        old, new = before.holdings.get(symbol, Holding()), now.holdings.get(symbol, Holding())
        taken_back = now.taken_back > before.taken_back
        fewer = new.bought_qty < old.bought_qty or new.sold_qty < old.sold_qty
        if (not fresh and new != old) or (fewer and not taken_back):
            yield (
                f"{symbol}: the venue tells {_held(new)}; on record were {_held(old)}, and no message behind "
                "it explains that"
            )


def _orders(before: Record, now: Record) -> Iterator[str]:
    fresh = now.sequence - before.listed_sequence
    knows_all = len(now.orders) == now.open_orders
    gone = 0
    for number, old in before.orders.items():
        new = now.orders.get(number)
        if new is None:
            gone += old.heard and knows_all
            continue
        if (new.symbol, new.side) != (old.symbol, old.side):
            yield f"order {number}: {new.symbol} {new.side} at the venue, {old.symbol} {old.side} on record"
        elif new.filled_qty < old.filled_qty and now.taken_back == before.taken_back:
            yield f"order {number}: {new.filled_qty:,} filled at the venue, {old.filled_qty:,} on record"
        elif not fresh and (new.filled_qty, new.leaves_qty) != (old.filled_qty, old.leaves_qty):
            yield (
                f"order {number}: {new.filled_qty:,} filled and {new.leaves_qty:,} open at the venue, "
                f"{old.filled_qty:,} and {old.leaves_qty:,} on record"
            )
    if gone > fresh:
        yield f"{gone:,} orders on record are not open at the venue, with {fresh:,} messages behind it"
    new_ones = sum(number not in before.orders for number in now.orders)
    if len(before.orders) == before.open_orders and new_ones > fresh:
        yield f"{new_ones:,} open orders of the venue are not on record, with {fresh:,} messages behind it"


def told(record: Record) -> str:
    """Say in a few words what there is."""
    held = [f"{symbol} {one.position:+,}" for symbol, one in sorted(record.holdings.items()) if one.position]
    text = ", ".join(held[:8]) + (f" and {len(held) - 8:,} more" if len(held) > 8 else "")
    return f"{record.open_orders:,} open orders and {'positions ' + text if held else 'no position'}"


def _held(holding: Holding) -> str:
    return f"{holding.position:,} shares (bought {holding.bought_qty:,}, sold {holding.sold_qty:,})"
