"""OUCH 5.0 in C, both ways, against scapy layers written from the protocol tables."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.ouch import (
    ASK,
    BID,
    CANCEL,
    ENTER,
    IOC,
    MASS_CANCEL,
    REPLACE,
    SYMBOLS,
    VERDICTS,
    Encoder,
    Options,
    decode,
    order,
)
from protocol.itch_layers import Alpha
from protocol.ouch_layers import INBOUND, OUTBOUND, Option, Ouch, SoupFromClient
from scapy.packet import Packet

from appliance import native

U32 = st.integers(0, 2**32 - 1)
NUMBERS = st.integers(0, 2**56 - 1)
NO_FIRM = Options(firm=b"    ")

# How long each message is with an appendage of nothing, from the protocol's headlines ("45+" and 2 bytes).
OUTBOUND_BODIES = {
    "S": 10, "A": 62, "U": 66, "C": 18, "D": 32, "E": 34, "B": 36, "J": 29, "P": 13, "I": 13, "T": 30,
    "M": 18, "R": 14, "X": 25, "G": 17, "K": 17, "Q": 13, "F": 49,
}  # fmt: skip
INBOUND_BODIES = {"O": 45, "U": 38, "X": 9, "M": 10, "C": 17, "D": 9, "E": 9, "Q": 1}
REQUIRED = {"A", "U", "E", "R", "X", "G", "K"}


def dissected(packet: bytes) -> Packet:
    """Return the message that a SoupBinTCP packet holds, whole and alone, as scapy reads it."""
    soup = SoupFromClient(packet)
    assert soup.length == len(packet) - 2
    assert soup.packet_type == b"U"
    message = soup.payload
    assert isinstance(message, Ouch)
    assert bytes(message) == packet[3:], "nothing is left over, and nothing is missing"
    return message


def firm_of(message: Packet) -> bytes | None:
    """Return the firm in the appendage."""
    (firm,) = [option.value for option in message.options if option.tag == 2] or [None]
    return firm


@pytest.mark.parametrize(
    ("way", "bodies"), [(OUTBOUND, OUTBOUND_BODIES), (INBOUND, INBOUND_BODIES)], ids=["outbound", "inbound"]
)
def test_the_layers_hold_exactly_the_types_of_the_protocol_in_their_lengths(
    way: dict[bytes, type[Ouch]], bodies: dict[str, int]
) -> None:
    assert {kind.decode() for kind in way} == set(bodies)
    for kind, layer in way.items():
        required = layer.appendage == "required"
        assert len(bytes(layer())) == bodies[kind.decode()] + 2 * required


# --- to the exchange ---


@given(user_ref=U32, qty=U32, px=U32, number=NUMBERS, side=st.sampled_from([BID, ASK]), ioc=st.booleans())
@pytest.mark.parametrize("options", [Options(), NO_FIRM, Options(b"AB  ", b"N", b"A", b"Y", b"O")])
def test_an_entered_order_reads_back_as_it_was(
    options: Options, user_ref: int, qty: int, px: int, number: int, side: int, ioc: bool
) -> None:
    with Encoder(options, SYMBOLS) as encoder:
        for instrument, symbol in enumerate(SYMBOLS):
            made = order(
                action=ENTER,
                user_ref=user_ref,
                qty=qty,
                px=px,
                instrument=instrument,
                side=side,
                tif=IOC if ioc else 0,
                number=number,
            )
            read = dissected(encoder.packet(made))
            assert (read.message_type, read.user_ref_num, read.quantity) == (b"O", user_ref, qty)
            assert (read.price, read.symbol) == (px, symbol.encode().ljust(8))
            assert read.side == (b"B" if side == BID else b"S")
            assert read.time_in_force == (b"3" if ioc else b"0")
            assert read.cl_ord_id == f"{number:014X}".encode()
            common = (read.display_code, read.capacity, read.iso_eligibility, read.cross_type)
            assert common == tuple(options[1:])
            assert firm_of(read) == (None if options == NO_FIRM else options.firm)


@given(user_ref=U32, replaces=U32, qty=U32, px=U32, number=NUMBERS)
def test_a_replacement_names_both_orders(
    user_ref: int, replaces: int, qty: int, px: int, number: int
) -> None:
    with Encoder(Options(), SYMBOLS) as encoder:
        made = order(
            action=REPLACE, user_ref=user_ref, replaces=replaces, qty=qty, px=px, tif=IOC, number=number
        )
        read = dissected(encoder.packet(made))
    assert (read.message_type, read.original_user_ref_num, read.user_ref_num) == (b"U", replaces, user_ref)
    assert (read.quantity, read.price, read.time_in_force) == (qty, px, b"3")
    assert (read.display_code, read.iso_eligibility) == (b"Y", b"N")
    assert (read.cl_ord_id, read.options) == (f"{number:014X}".encode(), [])


@given(user_ref=U32, qty=U32)
def test_a_cancel_says_what_is_to_stay_and_nine_bytes_is_all(user_ref: int, qty: int) -> None:
    with Encoder(Options(), SYMBOLS) as encoder:
        packet = encoder.packet(order(action=CANCEL, user_ref=user_ref, qty=qty))
    read = dissected(packet)
    assert (read.message_type, read.user_ref_num, read.quantity) == (b"X", user_ref, qty)
    assert len(packet) == 12


@pytest.mark.parametrize("symbol", [b"AAPL    ", b" " * 8])
def test_a_mass_cancel_is_of_a_symbol_or_of_all(symbol: bytes) -> None:
    with Encoder(Options(), SYMBOLS) as encoder:
        read = dissected(encoder.packet(order(action=MASS_CANCEL, user_ref=77, symbol=symbol)))
    assert (read.message_type, read.user_ref_num, read.firm, read.symbol) == (b"C", 77, b"MPID", symbol)
    assert read.options == []


def test_an_account_query_is_one_byte() -> None:
    packet = native.ffi().new("uint8_t[64]")
    count = native.library().api_ouch_account_query(packet)
    assert dissected(bytes(packet)[:count]).message_type == b"Q"
    assert count == 4


@pytest.mark.parametrize("action", [ENTER, REPLACE, CANCEL, MASS_CANCEL])
def test_a_datagram_holds_the_message_and_nothing_else(action: int) -> None:
    with Encoder(Options(), SYMBOLS) as encoder:
        made = order(action=action, user_ref=5, replaces=4, qty=100, px=10000, symbol=b"AAPL    ", number=9)
        assert encoder.datagram(made) == encoder.packet(made)[3:]


@pytest.mark.parametrize("members", [{"action": 0}, {"action": 5}, {"action": ENTER, "instrument": 4}])
def test_what_is_no_order_is_not_encoded(members: dict[str, int]) -> None:
    with Encoder(Options(), SYMBOLS) as encoder:
        assert encoder.packet(order(**members)) == b""
        assert encoder.datagram(order(**members)) == b""


def test_a_captured_cancel_is_what_is_written() -> None:
    with Encoder(Options(), SYMBOLS) as encoder:
        packet = encoder.packet(order(action=CANCEL, user_ref=0x00752E71, qty=0))
    assert packet == bytes.fromhex("000a5558 00752e71 00000000")


# --- from the exchange ---

# Where the fields of a message stand in an execution; all that is not named here is not kept.
KEPT = {
    "timestamp": "venue_ns",
    "user_ref_num": "user_ref",
    "next_user_ref_num": "user_ref",
    "original_user_ref_num": "replaces",
    "side": "side",
    "quantity": "qty",
    "decrement_shares": "qty",
    "symbol": "symbol",
    "price": "px",
    "execution_price": "px",
    "time_in_force": "tif",
    "order_reference_number": "order_ref",
    "order_state": "state",
    "event": "reason",
    "reason": "reason",
    "liquidity_flag": "liquidity",
    "match_number": "match",
    "quantity_prevented_from_trading": "prevented_qty",
}


def expected(message: Ouch) -> dict[str, Any]:
    """Return the members that the execution of a message has, those that are 0 left out."""
    members: dict[str, Any] = {"kind": message.message_type[0]}
    for field in message.fields_desc:
        if field.name in KEPT:
            value = getattr(message, field.name)
            if isinstance(value, bytes) and len(value) == 1:
                value = value[0]
            members[KEPT[field.name]] = value
        elif field.name == "cl_ord_id":
            members["number"] = number_of(message.cl_ord_id)
    return {name: value for name, value in members.items() if value and value != bytes(8)}


def number_of(text: bytes) -> int:
    """Return what a ClOrdID of ours stands for."""
    return int(text, 16) if all(digit in b"0123456789ABCDEF" for digit in text) else 0


OPTIONS = st.lists(
    st.builds(lambda tag, value: Option(tag=tag, value=value), st.integers(0, 255), st.binary(max_size=10)),
    max_size=5,
)


@st.composite
def messages(draw: st.DrawFn, kind: bytes) -> Ouch:
    """Draw a message of a type, every field at will."""
    layer = OUTBOUND[kind]
    if draw(st.booleans()):
        layer = layer.appended
    values: dict[str, Any] = {}
    for field in layer.fields_desc[1:]:
        if field.name == "cl_ord_id":
            values[field.name] = draw(
                st.one_of(NUMBERS.map(lambda n: f"{n:014X}".encode()), st.binary(min_size=14, max_size=14))
            )
        elif isinstance(field, Alpha):
            values[field.name] = draw(st.binary(min_size=field.sz, max_size=field.sz))
        elif field.name == "options":
            values[field.name] = draw(OPTIONS)
        elif field.name != "appendage_length":
            values[field.name] = draw(st.integers(0, 256**field.sz - 1))
    return layer(**values)


@pytest.mark.parametrize("kind", sorted(OUTBOUND), ids=lambda kind: kind.decode())
@given(drawn=st.data())
def test_c_decodes_every_message_that_scapy_encodes(kind: bytes, drawn: st.DataObject) -> None:
    message = drawn.draw(messages(kind))
    assert decode(bytes(message)) == ("taken", expected(message))


@pytest.mark.parametrize("kind", sorted(OUTBOUND), ids=lambda kind: kind.decode())
@given(drawn=st.data())
def test_a_message_that_is_cut_anywhere_is_refused(kind: bytes, drawn: st.DataObject) -> None:
    message = bytes(drawn.draw(messages(kind)))
    letter = kind.decode()
    whole = {OUTBOUND_BODIES[letter]} if letter not in REQUIRED else set()
    whole |= {31} if letter == "D" else set()
    for length in range(1, len(message)):
        verdict, members = decode(message[:length])
        assert (verdict == "taken") == (length in whole), length
        assert verdict == "taken" or (verdict, members) == ("truncated", {})


@pytest.mark.parametrize("kind", sorted(OUTBOUND), ids=lambda kind: kind.decode())
def test_a_message_with_something_behind_it_is_refused(kind: bytes) -> None:
    message = bytes(OUTBOUND[kind].appended())
    assert decode(message)[0] == "taken"
    assert decode(message + b"x") == ("oversized", {})


@pytest.mark.parametrize(
    ("appendage", "why"),
    [
        (b"\0\1\0", "an element without even a tag"),
        (b"\0\2\2\1", "an element that is longer than the appendage"),
        (b"\0\4\2\x0c\x50\0", "an element of no length behind a good one"),
        (b"\0\x05\2\x0cP\4\1", "a second one that is too long"),
    ],
)
def test_elements_that_do_not_add_up_are_refused(appendage: bytes, why: str) -> None:
    body = bytes(OUTBOUND[b"E"]())[:-2]
    assert decode(body + appendage) == ("bad appendage", {}), why


def test_an_aiq_cancel_of_the_older_text_is_taken_without_its_last_byte() -> None:
    message = OUTBOUND[b"D"](
        timestamp=5,
        user_ref_num=6,
        decrement_shares=70,
        reason=b"Q",
        quantity_prevented_from_trading=30,
        execution_price=123400,
        liquidity_flag=b"R",
        aiq_strategy=b"1",
    )
    assert decode(bytes(message)[:31]) == ("taken", expected(message))


def test_what_is_no_message_is_named() -> None:
    assert decode(b"") == ("empty", {})
    known = {kind[0] for kind in OUTBOUND}
    for kind in set(range(256)) - known:
        assert decode(bytes([kind]) * 40) == ("unknown type", {})


def test_every_verdict_has_a_name_and_no_more() -> None:
    library, ffi = native.library(), native.ffi()
    names = [ffi.string(library.api_ouch_verdict_name(verdict)).decode() for verdict in range(len(VERDICTS))]
    assert names == VERDICTS
    assert library.api_ouch_verdict_name(len(VERDICTS)) == ffi.NULL


@given(st.binary(max_size=90), st.sampled_from(sorted(OUTBOUND)))
def test_bytes_that_are_no_message_are_judged_and_never_overrun(body: bytes, kind: bytes) -> None:
    verdict, members = decode(kind + body)
    assert bool(members) == (verdict == "taken")


def test_a_captured_canceled_decodes_to_what_its_hex_dump_says() -> None:
    packet = bytes.fromhex("00135343 0000289b4d681317 00753a8d 00000028 55")
    assert packet[:3] == b"\x00\x13S"
    assert decode(packet[3:]) == (
        "taken",
        {
            "kind": ord("C"),
            "venue_ns": 0x0000289B4D681317,
            "user_ref": 0x00753A8D,
            "qty": 40,
            "reason": ord("U"),
        },
    )


def test_a_captured_accepted_has_a_price_of_8_bytes_and_a_firm_that_is_passed_over() -> None:
    appendage = bytes.fromhex("0009 05 02") + b"MLRO" + bytes.fromhex("02 12") + b"0"
    message = OUTBOUND[b"A"](
        bytes(OUTBOUND[b"A"](user_ref_num=9, side=b"B", symbol=b"SPY", order_state=b"L", time_in_force=b"0"))[
            :26
        ]
        + bytes.fromhex("000000000048e748")
        + b"0Y"
        + (77).to_bytes(8, "big")
        + b"PNNL"
        + b"not of ours   "
        + appendage
    )
    assert len(bytes(message)) == 0x4A - 1
    assert [(option.tag, option.value) for option in message.options] == [(2, b"MLRO"), (18, b"0")]
    verdict, members = decode(bytes(message))
    assert verdict == "taken"
    assert members["px"] == 477_7800
    assert (members["order_ref"], members["symbol"], members["state"]) == (77, b"SPY     ", ord("L"))
    assert "number" not in members
