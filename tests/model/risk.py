"""The rules of the risk gate in plain Python, as its header tells them: one check after the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

U16, U32, U64 = (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1
MOST_SHARES = (1 << 31) - 1
BID, ASK = 0, 1
OPEN, REDUCE_ONLY, KILLED = 0, 1, 2
ACCOUNT, STRATEGY, SYMBOL = 0, 1, 2
ENTER, REPLACE = 1, 2
HALTED, STALE, UNTRUSTED, SHORT_SALE_RESTRICTED = 32, 64, 128, 512


@dataclass(frozen=True)
class Limits:
    """One scope's limits; what is not named does not limit."""

    notional: int = U64
    gross: int = U64
    duplicate_cycles: int = 0
    message_cycles: int = 0
    burst: int = U32
    qty: int = U32
    long_qty: int = U32
    short_qty: int = U32
    open_orders: int = U32
    collar_bps: int = U16


NOTHING_SET = Limits(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Ask:
    """An order that wants to go: by itself one that no limit of ours would mind."""

    instrument: int = 0
    side: int = BID
    px: int = 100_0000
    qty: int = 100
    bid_px: int = 99_9900
    ask_px: int = 100_0000
    last_px: int = 99_9900
    flags: int = 0
    action: int = ENTER
    replaces_px: int = 0
    replaces_qty: int = 0
    rx_cycles: int = 1_000_000
    number: int = 1


class Reject(NamedTuple):
    """Why an order may not go, and the two numbers that say so."""

    reason: str
    value: int
    limit: int


@dataclass
class Instrument:
    """What is kept of one instrument; lists are by side."""

    position: int = 0
    cost: int = 0
    open_qty: list[int] = field(default_factory=lambda: [0, 0])
    open_notional: list[int] = field(default_factory=lambda: [0, 0])
    last: list[tuple[int, int, int]] = field(default_factory=lambda: [(0, 0, 0), (0, 0, 0)])
    own_px: list[int] = field(default_factory=lambda: [0, 0])
    open_orders: int = 0
    earned_cycles: int = 0
    permitted: bool = False
    limits: Limits | None = None

    def exposure(self) -> int:
        """What it adds to the gross exposure."""
        buys = self.open_notional[BID] if self.position + self.open_qty[BID] > 0 else 0
        sells = self.open_notional[ASK] if self.position - self.open_qty[ASK] < 0 else 0
        return self.cost + buys + sells

    def with_open(self, side: int, qty: int, notional: int) -> Instrument:
        """The same with something else open on a side."""
        other = replace(self, open_qty=[*self.open_qty], open_notional=[*self.open_notional])
        other.open_qty[side] = qty
        other.open_notional[side] = notional
        return other

    def filled_position(self, side: int) -> int:
        """Shares long, or short, when all that is open on that side has filled."""
        if side == BID:
            return self.position + self.open_qty[BID]
        return self.open_qty[ASK] - self.position


@dataclass(frozen=True)
class Bucket:
    """So many cycles earn a message, and so many messages may come at once; None = any number."""

    cycles: int
    burst: int | None

    @classmethod
    def of(cls, *limits: Limits) -> Bucket:
        """The strictest of several."""
        bounds = [one for one in limits if one.burst == 0 or (one.burst != U32 and one.message_cycles)]
        if not bounds:
            return cls(0, None)
        burst = min(one.burst for one in bounds)
        cycles = max(one.message_cycles for one in bounds)
        return cls(max(cycles, 1) if any(one.burst == 0 for one in bounds) else cycles, burst)

    def used(self, earned_cycles: int, now: int) -> int:
        """Cycles used when one more message goes now."""
        return min(max(earned_cycles - now, 0) + self.cycles, U64)

    def room(self) -> int:
        """Cycles that may be used."""
        return U64 if self.burst is None else self.burst * self.cycles

    def after(self, earned_cycles: int, now: int) -> int:
        """When all is earned, after one more message."""
        return min(max(earned_cycles, now) + self.cycles, U64)


class Model:
    """The gate."""

    def __init__(self, instruments: int) -> None:
        self.instruments = [Instrument() for _ in range(instruments)]
        self.whole = {ACCOUNT: NOTHING_SET, STRATEGY: NOTHING_SET}
        self.gate = KILLED
        self.kill_word = OPEN
        self.open_orders = 0
        self.earned_cycles = 0
        self.cancels = 0
        self.surprises = 0
        self.overflows = 0
        self.rejected: Counter[str] = Counter()

    @property
    def gross(self) -> int:
        """The exposure of all instruments."""
        return sum(one.exposure() for one in self.instruments)

    # --- what the operator says

    def set_limits(self, scope: int, index: int, limits: Limits) -> bool:
        """Set the limits of a scope; False where there is none such."""
        if scope == SYMBOL:
            if index >= len(self.instruments) or limits.gross != U64:
                return False
            self.instruments[index].limits = limits
        elif scope in self.whole:
            self.whole[scope] = limits
        return scope in (ACCOUNT, STRATEGY, SYMBOL)

    def permit(self, instrument: int, permitted: bool) -> bool:
        """Permit an instrument or no longer; False where there is none such."""
        if instrument >= len(self.instruments):
            return False
        self.instruments[instrument].permitted = permitted
        return True

    def set_state(self, gate: int) -> None:
        """Open or shut the gate."""
        self.gate = gate

    def kill(self, word: int) -> None:
        """Store to the kill word."""
        self.kill_word = word

    # --- what is asked

    def check(self, ask: Ask) -> Reject | None:
        """The verdict; None = it passes, and is reserved."""
        reject = self._first_failure(ask)
        if reject:
            self.rejected[reject.reason] += 1
            return reject
        one = self.instruments[ask.instrument]
        one.open_qty[ask.side] += ask.qty
        one.open_notional[ask.side] += ask.px * ask.qty
        one.open_orders += 1
        self.open_orders += 1
        one.last[ask.side] = (ask.rx_cycles, ask.px, ask.qty)
        one.earned_cycles = self._bucket(one).after(one.earned_cycles, ask.rx_cycles)
        self.earned_cycles = self._bucket().after(self.earned_cycles, ask.rx_cycles)
        return None

    def _bucket(self, one: Instrument | None = None) -> Bucket:
        return Bucket.of(*self.whole.values()) if one is None else Bucket.of(one.limits or NOTHING_SET)

    def _first_failure(self, ask: Ask) -> Reject | None:
        exists = ask.instrument < len(self.instruments)
        one = self.instruments[ask.instrument] if exists else Instrument()
        return (
            self._gate_and_book(ask, one)
            or self._trading_state(ask, one)
            or self._size(ask, one)
            or self._price(ask, one)
            or self._pace(ask, one)
            or self._exposure(ask, one)
        )

    def _with(self, ask: Ask, one: Instrument) -> Instrument:
        """The instrument as the check counts it: with the larger of the order and what it replaces."""
        side = ask.side & 1
        qty = ask.replaces_qty if ask.action == REPLACE else 0
        notional = qty * ask.replaces_px
        return one.with_open(
            side,
            one.open_qty[side] - min(qty, one.open_qty[side]) + max(qty, ask.qty),
            one.open_notional[side]
            - min(notional, one.open_notional[side])
            + max(notional, ask.px * ask.qty),
        )

    def _gate_and_book(self, ask: Ask, one: Instrument) -> Reject | None:
        gate = max(self.gate, self.kill_word)
        if gate >= KILLED:
            return Reject("killed", gate, OPEN)
        if gate == REDUCE_ONLY:
            closes = max(0, -one.position if ask.side & 1 == BID else one.position)
            qty = self._with(ask, one).open_qty[ask.side & 1]
            if qty > closes:
                return Reject("reduce_only", qty, closes)
        if ask.flags & UNTRUSTED:
            return Reject("untrusted", UNTRUSTED, 0)
        if ask.flags & STALE:
            return Reject("stale", STALE, 0)
        if not (one.permitted and one.limits):
            return Reject("not_permitted", ask.instrument, len(self.instruments))
        if ask.side not in (BID, ASK):
            return Reject("no_side", ask.side, ASK)
        return None

    def _trading_state(self, ask: Ask, one: Instrument) -> Reject | None:
        if ask.flags & HALTED:
            return Reject("halted", HALTED, 0)
        if ask.flags & SHORT_SALE_RESTRICTED and ask.side == ASK:
            is_short = self._with(ask, one).filled_position(ASK) > 0
            if is_short and ask.px <= ask.bid_px:
                return Reject("short_sale", ask.px, ask.bid_px)
        return None

    def _scopes(self, one: Instrument) -> list[Limits]:
        return [*self.whole.values(), one.limits or NOTHING_SET]

    def _size(self, ask: Ask, one: Instrument) -> Reject | None:
        most = min(limits.qty for limits in self._scopes(one))
        most_notional = min(limits.notional for limits in self._scopes(one))
        if ask.qty == 0:
            return Reject("no_quantity", 0, 1)
        if ask.qty > most:
            return Reject("quantity", ask.qty, most)
        if ask.px * ask.qty > most_notional:
            return Reject("notional", ask.px * ask.qty, most_notional)
        return None

    def _price(self, ask: Ask, one: Instrument) -> Reject | None:
        if ask.px == 0:
            return Reject("no_price", 0, 1)
        bps = min(limits.collar_bps for limits in self._scopes(one))
        if bps == U16:
            return None
        if ask.side == BID:
            candidates = [px for px in (ask.ask_px, ask.last_px) if px] or [ask.bid_px]
            reference = min(candidates)
            bound = int(Fraction(reference * (10_000 + bps), 10_000))
        else:
            candidates = [px for px in (ask.bid_px, ask.last_px) if px] or [ask.ask_px]
            reference = max(candidates)
            bound = -int(-Fraction(reference * max(10_000 - bps, 0), 10_000) // 1)
        if reference == 0:
            return Reject("no_reference", ask.px, 0)
        if ask.px > bound if ask.side == BID else ask.px < bound:
            return Reject("collar", ask.px, bound)
        return None

    def _pace(self, ask: Ask, one: Instrument) -> Reject | None:
        window = max(limits.duplicate_cycles for limits in self._scopes(one))
        then, px, qty = one.last[ask.side]
        since = max(ask.rx_cycles - then, 0)
        if (px, qty) == (ask.px, ask.qty) and since < window:
            return Reject("duplicate", since, window)
        for name, bucket, earned in (
            ("rate", self._bucket(), self.earned_cycles),
            ("symbol_rate", self._bucket(one), one.earned_cycles),
        ):
            if bucket.used(earned, ask.rx_cycles) > bucket.room():
                return Reject(name, bucket.used(earned, ask.rx_cycles), bucket.room())
        if ask.action == REPLACE:
            return None
        most = min(limits.open_orders for limits in self.whole.values())
        if self.open_orders + 1 > most:
            return Reject("open_orders", self.open_orders + 1, most)
        most = min((one.limits or NOTHING_SET).open_orders, U16)
        if one.open_orders + 1 > most:
            return Reject("symbol_open_orders", one.open_orders + 1, most)
        return None

    def _exposure(self, ask: Ask, one: Instrument) -> Reject | None:
        side, name = ask.side, ("long", "short")[ask.side]
        counted = self._with(ask, one)
        most = min(
            MOST_SHARES,
            *((limits.long_qty, limits.short_qty)[side] for limits in self._scopes(one)),
        )
        shares = counted.filled_position(side)
        if shares > most and shares > one.filled_position(side):
            return Reject(name, shares, most)
        if one.open_qty[side] + ask.qty > U32:
            return Reject(name, one.open_qty[side] + ask.qty, U32)
        gross = self.gross - one.exposure() + counted.exposure()
        most = min(limits.gross for limits in self.whole.values())
        if min(gross, U64) > most and gross > self.gross:
            return Reject("gross", min(gross, U64), most)
        own = one.own_px[1 - side]
        if own and (ask.px >= own if side == BID else ask.px <= own):
            return Reject("self_trade", ask.px, own)
        return None

    # --- what became of it

    def _take(self, one: Instrument, side: int, px: int, qty: int) -> None:
        if qty > one.open_qty[side] or px * qty > one.open_notional[side]:
            self.surprises += 1
        one.open_qty[side] = max(one.open_qty[side] - qty, 0)
        one.open_notional[side] = max(one.open_notional[side] - px * qty, 0) if one.open_qty[side] else 0

    def _move(self, one: Instrument, side: int, px: int, qty: int) -> None:
        sign = 1 if side == BID else -1
        opens = qty
        if one.position * sign < 0:
            was = abs(one.position)
            closes = min(was, qty)
            one.cost = -(-one.cost * (was - closes) // was)
            opens = qty - closes
        wanted = one.position + sign * qty
        one.position = max(-MOST_SHARES, min(MOST_SHARES, wanted))
        if wanted != one.position:
            self._overflow()
        one.cost += (opens - abs(wanted - one.position)) * px

    def _overflow(self) -> None:
        self.overflows += 1
        self.gate = KILLED

    def _known(self, instrument: int) -> Instrument | None:
        if instrument < len(self.instruments):
            return self.instruments[instrument]
        self.surprises += 1
        return None

    def fill(self, instrument: int, side: int, order_px: int, fill_px: int, qty: int) -> None:
        """Shares of an order were traded."""
        if one := self._known(instrument):
            self._take(one, side, order_px, qty)
            self._move(one, side, max(order_px, fill_px), qty)

    def release(self, instrument: int, side: int, order_px: int, qty: int) -> None:
        """Shares of an order will not be."""
        if one := self._known(instrument):
            self._take(one, side, order_px, qty)

    def close_order(self, instrument: int, side: int) -> None:
        """An order is over."""
        del side
        if one := self._known(instrument):
            if one.open_orders and self.open_orders:
                one.open_orders -= 1
                self.open_orders -= 1
            else:
                self.surprises += 1

    def own_best(self, instrument: int, side: int, px: int) -> None:
        """Our best order at rest."""
        if one := self._known(instrument):
            one.own_px[side] = px

    def cancelled_message(self, instrument: int) -> None:
        """A cancel leaves."""
        self.cancels += self._known(instrument) is not None

    def restore_order(self, instrument: int, side: int, px: int, qty: int) -> None:
        """An order is open that nothing let through."""
        if one := self._known(instrument):
            kept = min(qty, U32 - one.open_qty[side])
            if kept < qty or one.open_orders == U16:
                self._overflow()
            one.open_qty[side] += kept
            one.open_notional[side] += kept * px
            one.open_orders = min(one.open_orders + 1, U16)
            self.open_orders += 1

    def restore_shares(self, instrument: int, side: int, px: int, qty: int) -> None:
        """Shares are there that no order of ours brought."""
        if one := self._known(instrument):
            self._move(one, side, px, qty)
