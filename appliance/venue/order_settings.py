"""What the venue's order side is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from appliance.venue.errors import VenueError
from appliance.venue.ouch import REJECTS

Endpoint = tuple[IPv4Address, int]

_HERE = IPv4Address("127.0.0.1")


def _probability(name: str, value: float) -> None:
    if not 0 <= value <= 1:  # also not a number
        raise VenueError(f"{name} {value:g}: needs 0 to 1")


@dataclass(frozen=True, slots=True)
class OrderServer:
    """OUCH over SoupBinTCP: who may log in (an empty user: anyone), limits, and what goes wrong."""

    at: Endpoint = (_HERE, 26_502)
    drop_copy: Endpoint | None = None
    udp: Endpoint | None = None
    user: str = ""
    password: str = ""
    firm: str = ""  # the only one that orders may name; empty: any
    cancel_on_disconnect: bool = True
    log: Path | None = None
    fat_finger: float = 0.1  # how far through the other side's best a limit may go; 0: any
    most_shares: int = 999_999
    most_notional: int = 1_000_000_000  # dollars of one order
    rejects: tuple[tuple[int, float], ...] = ()  # reasons, and the probability of each an order
    drop: float = 0.0
    half: float = 0.0
    duplicate: float = 0.0
    delay_ms: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, text, most in (
            ("order user", self.user, 6),
            ("order password", self.password, 10),
            ("order firm", self.firm, 4),
        ):
            if len(text) > most or not text.isascii() or (text and not text.isprintable()):
                raise VenueError(f"{name} {text!r}: needs up to {most} printable ASCII characters")
        if self.password and not self.user:
            raise VenueError("an order password without an order user: name the user too")
        _probability("order drop", self.drop)
        _probability("order half", self.half)
        _probability("order duplicate", self.duplicate)
        if not 0 <= self.delay_ms <= 60_000:
            raise VenueError(f"order delay {self.delay_ms:g}: needs 0 to 60000 milliseconds")
        if not 0 <= self.fat_finger <= 1000:
            raise VenueError(f"fat finger {self.fat_finger:g}: needs 0 (any limit) to 1000")
        for reason, probability in self.rejects:
            if reason not in REJECTS:
                raise VenueError(f"order reject {reason:#04x}: the protocol has 0x01 to {max(REJECTS):#04x}")
            _probability("order reject", probability)
