"""What the model of the order pool speaks of: wishes, orders, replies, and what they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ALL = 0xFFFFFFFF
MOST = 999_999
NO_TAG = 255
OPEN = {"SENT", "LIVE", "PARTLY_FILLED", "CANCEL_SENT", "UNKNOWN"}
NEVER_ARRIVED, ORIGINAL_GONE, DEAD = 0x10001, 0x10002, 0x10003
CONNECTION_KINDS = {"CONNECTED", "CAUGHT_UP", "DISCONNECTED", "ENDED"}


class Reply(NamedTuple):
    """An execution: what its kind does not have is 0."""

    kind: str
    user_ref: int = 0
    qty: int = 0
    px: int = 0
    replaces: int = 0
    match: int = 0
    order_ref: int = 0
    sequence: int = 0
    reason: int = 0
    side: str = "B"
    state: str = "L"
    tif: str = "0"
    symbol: str = ""
    number: int = 0
    connection: int = 0


class Effect(NamedTuple):
    """What a reply did to one order."""

    user_ref: int
    tag: int = NO_TAG
    adopted: int = 0
    opens: int = 0
    filled: int = 0
    fill_px: int = 0
    released: int = 0
    closes: int = 0
    broken: int = 0
    broken_px: int = 0


class Sent(NamedTuple):
    """An order that is to be sent."""

    action: str
    user_ref: int
    number: int
    replaces: int = 0
    qty: int = 0
    px: int = 0
    side: int = 0


class Wish(NamedTuple):
    """An intent, as far as the pool looks at it."""

    action: str
    instrument: int
    tag: int
    side: int = 0
    qty: int = 0
    px: int = 0
    tif: int = 0


@dataclass
class Order:
    """One order."""

    user_ref: int
    instrument: int
    tag: int
    side: int
    px: int
    tif: int
    entered: int
    number: int
    replaces: int = 0
    replaced_by: int = 0
    state: str = "SENT"
    filled: int = 0
    cancelled: int = 0
    broken: int = 0
    reason: int = 0
    heard: bool = False
    accepted: bool = False
    asked_size: int | None = None
    resting_px: int = 0

    @property
    def leaves(self) -> int:
        """What may still fill."""
        return self.entered - self.filled - self.cancelled

    @property
    def is_open(self) -> bool:
        """Not over."""
        return self.state in OPEN

    @property
    def given_up(self) -> bool:
        """Over because we said so."""
        return (
            self.state == "REJECTED" and self.reason in {NEVER_ARRIVED, ORIGINAL_GONE} and not self.accepted
        )

    def stand(self) -> None:
        """Live, and nobody has asked it to go."""
        self.state = "PARTLY_FILLED" if self.filled else "LIVE"
        self.asked_size = None

    def resolve(self) -> None:
        """A reply came; only a cancel that is under way outlasts it."""
        if self.state != "CANCEL_SENT":
            self.stand()


@dataclass
class Fill:
    """A fill that may be broken."""

    qty: int
    px: int
    broken: bool = False
