"""What a book says, in plain values: the model and the book under test both answer with these."""

from __future__ import annotations

from typing import NamedTuple

BID, ASK = 0, 1
U32 = 0xFFFFFFFF

BID_CHANGED, ASK_CHANGED, TRADE, LOCKED, CROSSED, HALTED = 1, 2, 4, 8, 16, 32
STALE, UNTRUSTED, STATE_CHANGED, SHORT_SALE_RESTRICTED = 64, 128, 256, 512

TOP_LEVELS = 10

Best = tuple[int, int, int]
Row = tuple[int, int, int]
EMPTY: Best = (0, 0, 0)


class Event(NamedTuple):
    """What one message changed, as the contract's ``book_event`` has it."""

    sequence: int
    venue_ns: int
    bid_px: int
    ask_px: int
    bid_qty: int
    ask_qty: int
    bid_orders: int
    ask_orders: int
    trade_px: int
    trade_qty: int
    locate: int
    flags: int


class Summary(NamedTuple):
    """The top of one book with its last trade and state, as the contract's ``book_view`` has it."""

    bids: list[Row]
    asks: list[Row]
    symbol: bytes
    last_px: int
    last_qty: int
    traded_qty: int
    trading_state: bytes
    reg_sho: bytes
    flags: int
