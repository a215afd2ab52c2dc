"""SoupBinTCP as the client reads and writes it, against packets made by hand from the protocol's table."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.servers import end_of_snapshot, login_accepted, login_rejected, sequenced, soup

from appliance import native

EVENTS = {0: "more", 1: "accepted", 2: "refused", 3: "message", 4: "ended", 5: "broken"}
Event = tuple[str, bytes]


class Client:
    """The parser under test."""

    def __init__(self) -> None:
        self._handle = native.library().api_soup_open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        native.library().api_soup_close(self._handle)

    def take(self, data: bytes) -> list[Event]:
        """Let bytes arrive, as many at a time as there is room for; all that they bring about."""
        events: list[Event] = []
        while True:
            taken = native.library().api_soup_arrived(self._handle, data, len(data))
            assert taken or not data
            events += self._events()
            data = data[taken:]
            if not data:
                return events

    def _events(self) -> Iterable[Event]:
        ffi = native.ffi()
        data, length = ffi.new("uint8_t **"), ffi.new("uint32_t *")
        while event := native.library().api_soup_next(self._handle, data, length):
            name = EVENTS[event]
            yield name, bytes(ffi.buffer(data[0], length[0])) if name == "message" else b""

    @property
    def told(self) -> Any:
        """What the server told: session, next sequence number, reason; and what was wrong with it."""
        ffi = native.ffi()
        session, following = ffi.new("char[10]"), ffi.new("uint64_t *")
        reason, broken = ffi.new("char *"), ffi.new("char **")
        native.library().api_soup_read(self._handle, session, following, reason, broken)
        text = None if broken[0] == ffi.NULL else ffi.string(broken[0]).decode()
        return bytes(ffi.buffer(session)), following[0], reason[0], text


def read(*packets: bytes) -> tuple[list[Event], Any]:
    """Let packets arrive at a new client."""
    with Client() as client:
        return client.take(b"".join(packets)), client.told


def written(name: str, *arguments: Any) -> bytes:
    """Return a packet as the client writes it."""
    packet = native.ffi().new("uint8_t[64]", b"\xff" * 64)
    count = getattr(native.library(), f"api_soup_{name}")(packet, *arguments)
    assert bytes(packet)[count:] == b"\xff" * (64 - count)
    return bytes(packet)[:count]


def field(text: bytes, room: int) -> bytes:
    """Fill a field of a call, which does not end with a zero when it is full."""
    return text.ljust(room, b"\0")


def test_a_login_is_49_bytes_with_names_on_the_left_and_the_number_on_the_right() -> None:
    assert written("login", field(b"me", 6), field(b"pass word", 10), 1) == (
        b"\x00\x2fL" + b"me    " + b"pass word " + b"          " + b"                   1"
    )
    assert written("login", b"sixsix", b"tententent", 2**64 - 1) == (
        b"\x00\x2fL" + b"sixsix" + b"tententent" + b"          " + b"18446744073709551615"
    )
    assert written("login", b"me    ", b"padded    ", 0)[3:29] == b"me    padded              "


def test_heartbeat_and_logout_are_a_type_and_nothing_else() -> None:
    assert written("heartbeat") == b"\x00\x01R"
    assert written("logout") == b"\x00\x01O"


def test_an_accepted_login_tells_session_and_number() -> None:
    events, told = read(login_accepted(78, b"ABC"))
    assert events == [("accepted", b"")]
    assert told == (b"       ABC", 78, b"\0", None)


def test_a_rejected_login_tells_why_and_ends_it() -> None:
    for reason in (b"A", b"S", b"\0"):
        events, told = read(login_rejected(reason), login_accepted(), b"\0\0")
        assert events == [("refused", b"")]
        assert told[2] == reason


def test_messages_count_from_the_number_of_the_login() -> None:
    events, told = read(login_accepted(10), sequenced([b"one", b"", b"x" * 65534]))
    assert events == [("accepted", b""), ("message", b"one"), ("message", b""), ("message", b"x" * 65534)]
    assert told[1] == 13


def test_what_comes_behind_the_end_of_the_session_is_not_looked_at() -> None:
    events, told = read(login_accepted(), soup(b"Z"), sequenced([b"late"]), b"\0\0garbage")
    assert events == [("accepted", b""), ("ended", b"")]
    assert told[3] is None
    with Client() as client:
        assert client.take(soup(b"Z")) == [("ended", b"")]
        assert client.take(login_accepted() * 9000) == []


BROKEN = {
    "a packet has length 0": [b"\0\0"],
    "the accepted login is of a wrong length": [soup(b"A", b"x" * 29)],
    "the accepted login has no sequence number": [soup(b"A", b"SESSION---" + b"1 2".rjust(20))],
    "a second login was accepted": [login_accepted(), login_accepted()],
    "a login was rejected that had been accepted": [login_accepted(), login_rejected(b"A")],
    "the rejected login is of a wrong length": [soup(b"J", b"AA")],
    "data came before the login was answered": [sequenced([b"early"])],
    "a heartbeat is of a wrong length": [soup(b"H", b"?")],
    "an end of session is of a wrong length": [login_accepted(), soup(b"Z", b"?")],
    "a packet is of an unknown type": [soup(b"L", bytes(46))],
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_break_of_the_protocol_is_named_and_ends_it(what: str) -> None:
    events, told = read(*BROKEN[what], sequenced([b"behind it"]), b"\0\0")
    assert events[-1] == ("broken", b"")
    assert told[3] == what


PACKETS = st.lists(
    st.one_of(
        st.binary(max_size=40).map(lambda body: soup(b"S", body)),
        st.integers(60000, 65534).map(lambda size: soup(b"S", bytes([size % 251]) * size)),
        st.sampled_from([soup(b"H"), soup(b"+", b"text"), soup(b"U", b"unsequenced")]),
        st.binary(max_size=6),  # most likely the end of it
    ),
    max_size=12,
)


def by_the_table(stream: bytes) -> list[Event]:
    """Read what follows a login as the table in soup.h says."""
    events: list[Event] = []
    while len(stream) >= 2:
        (length,) = struct.unpack(">H", stream[:2])
        if not length:
            return [*events, ("broken", b"")]
        if len(stream) < 2 + length:
            return events
        kind, payload, stream = stream[2:3], stream[3 : 2 + length], stream[2 + length :]
        if kind == b"S":
            events.append(("message", payload))
        elif kind == b"Z" and not payload:
            return [*events, ("ended", b"")]
        elif kind not in {b"+", b"U"} and (kind != b"H" or payload):
            return [*events, ("broken", b"")]
    return events


@given(PACKETS, st.lists(st.integers(1, 70000), min_size=1, max_size=8))
def test_however_a_stream_is_cut_it_says_the_same(packets: list[bytes], cuts: list[int]) -> None:
    stream = login_accepted() + b"".join(packets)
    expected = [("accepted", b""), *by_the_table(b"".join(packets))]
    with Client() as client:
        events, at, turn = [], 0, 0
        while at < len(stream):
            step = cuts[turn % len(cuts)]
            events += client.take(stream[at : at + step])
            at, turn = at + step, turn + 1
        assert events == expected


@given(st.binary(max_size=30))
def test_a_number_is_digits_between_spaces_and_nothing_else(text: bytes) -> None:
    check_number(text)


@given(st.text("0123456789 +-", max_size=20), st.integers(0, 2**64 + 9))
def test_a_number_like_text_is_a_number_or_not(text: str, number: int) -> None:
    check_number(text.encode())
    check_number(str(number).encode())


def check_number(text: bytes) -> None:
    """Compare with Python's idea of a number, at the end of a snapshot: 0 is none there."""
    digits = text[:20].ljust(20)
    stripped = digits.strip(b" ")
    value = int(stripped) if stripped.isdigit() else 0
    message = b"G" + digits
    assert native.library().api_glimpse_end(message, 21) == (value if value < 2**64 else 0)


def test_the_end_of_a_snapshot_is_21_bytes() -> None:
    end = end_of_snapshot(42)
    call = native.library().api_glimpse_end
    assert call(end, len(end)) == 42
    assert call(end[:20], 20) == 0
    assert call(end + b" ", 22) == 0
    assert call(b"g" + end[1:], 21) == 0
    assert call(b"", 0) == 0
