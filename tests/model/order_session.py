"""The order session and the link under test, and the venue's messages for them, made by scapy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Self

from model.order_pool import KINDS
from model.ouch import Encoder, Options, members, order
from protocol.ouch_layers import OUTBOUND

from appliance import native

SECOND = 1000  # cycles of a test's clock
SILENCE = 15 * SECOND
SYMBOLS = ["AAPL", "MSFT"]
NOT_KNOWN = 0xFFFFFFFF
NAMES = {number: name for name, number in KINDS.items()}
CUTS = [
    "NONE",
    "CLOSED",
    "ERROR",
    "SILENT",
    "PROTOCOL",
    "NOT_AUTHORISED",
    "NO_SUCH_SESSION",
    "MISSED",
    "ENDED",
    "LEFT",
    "NO_CONNECTION",
    "ANOTHER_SESSION",
]
SENDS = ["QUEUED", "FULL", "NOT_OPEN", "LATE", "MALFORMED"]
Told = tuple[str, dict[str, Any]]


def accepted(user_ref: int) -> bytes:
    """An Accepted message."""
    return bytes(OUTBOUND[b"A"](user_ref_num=user_ref, side=b"B", quantity=100, symbol=b"AAPL", price=5000))


def executed(user_ref: int, qty: int = 10) -> bytes:
    """An Executed message."""
    return bytes(OUTBOUND[b"E"](user_ref_num=user_ref, quantity=qty, price=5000, match_number=user_ref))


def answer(following: int = 1) -> bytes:
    """The answer to an account query."""
    return bytes(OUTBOUND[b"Q"](next_user_ref_num=following))


def settings(**members: Any) -> Any:
    """Return the settings of a session, in the cycles of a test's clock."""
    made = native.ffi().new("struct gateway_settings *")
    given = {
        "ip": 0x7F000001,
        "user": b"me".ljust(6),
        "password": b"secret".ljust(10),
        "session": b" " * 10,
        "asks_account": 1,
        "next_sequence": 1,
        "second_cycles": SECOND,
        "silence_cycles": SILENCE,
        "retry_cycles": 10,
        "retry_limit_cycles": 40,
    }
    for name, value in {**given, **members}.items():
        setattr(made, name, value)
    return made


class _Tested:
    """What session and link have in common."""

    def __init__(self) -> None:
        self._library = native.library()
        self.counters = native.ffi().new("struct gateway_counters *")
        self.encoder = Encoder(Options(), SYMBOLS)
        self.now = 5 * SECOND

    def _told(self, call: Any, handle: Any) -> list[Told]:
        execution = native.ffi().new("struct execution *")
        told: list[Told] = []
        while call(handle, execution):
            found = members(execution)
            name = NAMES[found.pop("kind", 0)]
            if name in {"DISCONNECTED", "ENDED"}:
                found["reason"] = CUTS[found["reason"]]
            told.append((name, found))
        return told

    def cuts(self) -> dict[str, int]:
        """What ended connections, and how often."""
        return {name: count for name, count in zip(CUTS, self.counters.cuts, strict=True) if count}


class Session(_Tested):
    """A session without a socket."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        self._handle = self._library.api_order_session_open(settings(**given), self.counters)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.api_order_session_close(self._handle)
        self.encoder.__exit__()

    @property
    def state(self) -> str:
        """Where it is."""
        name = self._library.api_order_session_state(self._handle)
        return bytes(native.ffi().string(name)).decode()

    def begin(self) -> bytes:
        """A connection stands; return what it says first."""
        self._library.api_order_session_begin(self._handle, self.now)
        return self.said()

    def hear(self, *packets: bytes, piece: int = 70000) -> list[Told]:
        """Let bytes arrive, so many at a time; all that they bring about."""
        data, told = b"".join(packets), []
        for at in range(0, len(data), piece):
            part = data[at : at + piece]
            taken = self._library.api_order_session_arrived(self._handle, part, len(part), self.now)
            assert taken == len(part)
            told += self.told()
        return told

    def told(self) -> list[Told]:
        """What is to be told."""
        return self._told(self._library.api_order_session_next, self._handle)

    def said(self, most: int = 1 << 20) -> bytes:
        """Send what waits, no more than so much of it."""
        count = native.ffi().new("uint32_t *")
        data = self._library.api_order_session_output(self._handle, count)
        sent = bytes(native.ffi().buffer(data, count[0]))[:most]
        self._library.api_order_session_sent(self._handle, len(sent), self.now)
        return sent

    def tick(self, cycles: int) -> list[Told]:
        """Time goes on."""
        self.now += cycles
        self._library.api_order_session_tick(self._handle, self.now)
        return self.told()

    def cut(self, why: str = "CLOSED") -> list[Told]:
        """The connection is no more."""
        self._library.api_order_session_cut(self._handle, CUTS.index(why))
        return self.told()

    def leave(self) -> None:
        """Log out."""
        self._library.api_order_session_leave(self._handle)

    def send(self, **given: Any) -> str:
        """Hand an order over."""
        made = order(**{"action": 1, "connection": 1, "user_ref": 1, "qty": 100, "px": 5000, **given})
        verdict: int = self._library.api_order_session_send(self._handle, self.encoder.handle, made)
        return SENDS[verdict]


class Link(_Tested):
    """A session with a socket, to a port of this machine."""

    def __init__(self, port: int, **given: Any) -> None:
        super().__init__()
        self._handle = self._library.api_order_link_open(settings(port=port, **given), self.counters)
        self.heard: list[Told] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.api_order_link_close(self._handle)
        self.encoder.__exit__()

    @property
    def state(self) -> str:
        """Where it is."""
        state: int = self._library.api_order_link_state(self._handle)
        return ["waiting", "connecting", "up", "over"][state]

    def poll(self, cycles: int = 1) -> None:
        """Do what can be done now."""
        self.now += cycles
        self._library.api_order_link_poll(self._handle, self.now)
        self.heard += self._told(self._library.api_order_link_next, self._handle)

    def until(self, happened: Callable[[], bool], patience_s: float = 30.0) -> None:
        """Poll until it has."""
        end = time.monotonic() + patience_s
        while not happened():
            assert time.monotonic() < end, f"{self.state}, after {self.heard}"
            self.poll()
            time.sleep(0.0005)

    def until_told(self, kind: str, times: int = 1) -> None:
        """Poll until something was told so often."""
        self.until(lambda: self.kinds().count(kind) >= times)

    def kinds(self) -> list[str]:
        """What was told, without what it says."""
        return [kind for kind, _ in self.heard]

    def send(self, **given: Any) -> str:
        """Hand an order over."""
        made = order(**{"action": 1, "connection": 1, "user_ref": 1, "qty": 100, "px": 5000, **given})
        verdict: int = self._library.api_order_link_send(self._handle, self.encoder.handle, made, self.now)
        return SENDS[verdict]

    def leave(self) -> None:
        """Log out."""
        self._library.api_order_link_leave(self._handle)
