"""The ITCH table and decoder in C, field by field, against scapy layers written from the protocol tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import scapy.layers.inet
import scapy.layers.l2
from hypothesis import given
from hypothesis import strategies as st
from protocol.itch_layers import Alpha, Framed, Itch, MoldUdp64
from scapy.utils import PcapReader

from appliance import native

KINDS = sorted(Itch.kinds)
ANY_TYPE = 0


class Field(NamedTuple):
    """One row of the C table."""

    row: int
    kind: int
    offset: int
    length: int
    is_alpha: bool
    name: str


def _table() -> list[Field]:
    ffi, library = native.ffi(), native.library()
    rows = []
    for index in range(library.api_itch_field_count()):
        numbers = ffi.new("uint8_t[4]")
        name = ffi.new("char *[1]")
        status = library.api_itch_field(
            index, numbers, numbers + 1, numbers + 2, numbers + 3, ffi.cast("const char **", name)
        )
        assert status == 0
        kind, offset, length, is_alpha = numbers
        rows.append(Field(index, kind, offset, length, bool(is_alpha), ffi.string(name[0]).decode()))
    return rows


def _fields_of(kind: bytes) -> list[Field]:
    """Return the C table's fields of one type, those of the common header first, by offset."""
    return sorted(
        (field for field in _table() if field.kind in (ANY_TYPE, kind[0])), key=lambda field: field.offset
    )


def _decoded(message: bytes, field: Field) -> int | bytes:
    """Let C decode a message and return one field."""
    value = native.ffi().new("uint8_t[16]")
    written = native.library().api_itch_value(message, len(message), field.row, value)
    assert written == field.length
    found = bytes(value)
    assert found[written:] == bytes(16 - written), "more was written than the field is long"
    return found[:written] if field.is_alpha else int.from_bytes(found[:written], "little")


def _bytes_of(scapy_field: Any) -> int:
    """Return how long a field is on the wire."""
    return int(scapy_field.sz)


def _layout(kind: bytes) -> Iterator[tuple[int, int, bool]]:
    """Give (offset, length, is ASCII) of each field as the scapy layer puts them one after another."""
    offset = 0
    for field in Itch.kinds[kind].fields_desc:
        yield offset, _bytes_of(field), isinstance(field, Alpha)
        offset += _bytes_of(field)


def _values(kind: bytes) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a value for every field but the type."""
    drawn: dict[str, st.SearchStrategy[Any]] = {}
    for field in Itch.kinds[kind].fields_desc[1:]:
        length = _bytes_of(field)
        if isinstance(field, Alpha):
            drawn[field.name] = st.binary(min_size=length, max_size=length)
        else:
            drawn[field.name] = st.integers(0, 256**length - 1)
    return st.fixed_dictionaries(drawn)


def _messages_of(capture: Path) -> Iterator[bytes]:
    """Give the ITCH messages of a capture, cut out by scapy alone."""
    with PcapReader(str(capture)) as packets:
        for packet in packets:
            mold = MoldUdp64(bytes(packet[scapy.layers.inet.UDP].payload))
            assert len(mold.messages) == mold.message_count
            for block in mold.messages:
                assert len(bytes(block.message)) == block.length
                yield bytes(block.message)


def test_the_table_holds_exactly_the_types_of_the_protocol() -> None:
    assert {field.kind for field in _table()} - {ANY_TYPE} == {kind[0] for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_as_long_as_its_fields_together(kind: bytes) -> None:
    assert native.library().api_itch_length(kind[0]) == len(bytes(Itch.kinds[kind]()))


def test_a_type_that_does_not_exist_has_length_zero() -> None:
    known = {kind[0] for kind in KINDS}
    assert [native.library().api_itch_length(kind) for kind in range(256) if kind not in known] == [0] * 233


@pytest.mark.parametrize("kind", KINDS)
def test_each_field_stands_where_the_fields_before_it_end(kind: bytes) -> None:
    table = [(field.offset, field.length, field.is_alpha) for field in _fields_of(kind)]
    assert table == list(_layout(kind))


@pytest.mark.parametrize("kind", KINDS)
@given(drawn=st.data())
def test_c_decodes_every_field_that_scapy_encodes(kind: bytes, drawn: st.DataObject) -> None:
    values = {"message_type": kind, **drawn.draw(_values(kind))}
    message = bytes(Itch.kinds[kind](**values))
    decoded = [_decoded(message, field) for field in _fields_of(kind)]
    assert decoded == [values[field.name] for field in Itch.kinds[kind].fields_desc]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [-1, 1])
def test_a_message_of_the_wrong_length_is_not_decoded(kind: bytes, change: int) -> None:
    message = bytes(Itch.kinds[kind]())
    message = message[:change] if change < 0 else message + bytes(change)
    value = native.ffi().new("uint8_t[16]")
    for field in _fields_of(kind):
        assert native.library().api_itch_value(message, len(message), field.row, value) < 0
    assert bytes(value) == bytes(16)


@given(message=st.binary(max_size=80), index=st.integers(0, 2**32 - 1))
def test_bytes_that_are_no_message_are_refused_or_decoded_but_never_overrun(
    message: bytes, index: int
) -> None:
    """The value is at most 8 bytes long, whatever comes in."""
    value = native.ffi().new("uint8_t[16]")
    written = native.library().api_itch_value(message, len(message), index, value)
    assert written < 0 or written <= 8
    assert bytes(value)[8:] == bytes(8)


@pytest.mark.parametrize(
    "capture",
    [
        "AddOrderNoMPID",
        "AddOrderWithMPID",
        "CrossTrade",
        "LULDAuctionCollar",
        "MarketParticipantPosition",
        "NetOrderImbalanceIndicator",
        "NonCrossTrade",
        "OrderCancel",
        "OrderDelete",
        "OrderExecuted",
        "OrderExecutedWithPrice",
        "OrderReplace",
        "RegSHORestriction",
        "StockTradingAction",
        "SystemEvent",
    ],
)
def test_scapy_and_c_agree_on_each_field_of_a_real_capture(capture: str, data: Path) -> None:
    messages = list(_messages_of(data / "pcap" / "totalview_20230822" / f"{capture}.pcap"))
    assert messages
    for message in messages:
        layer = Itch.kinds[message[:1]](message)
        expected = [getattr(layer, field.name) for field in layer.fields_desc]
        assert [_decoded(message, field) for field in _fields_of(message[:1])] == expected


def test_a_captured_add_decodes_to_what_its_hex_dump_says(data: Path) -> None:
    """The first add of the capture, read by eye with the protocol table beside it."""
    message = next(_messages_of(data / "pcap" / "totalview_20230822" / "AddOrderNoMPID.pcap"))
    decoded = [_decoded(message, field) for field in _fields_of(b"A")]
    assert decoded == [b"A", 0x1598, 0, 0x1F1ACED85306, 0x0166B53E, b"B", 1600, b"IVOO    ", 873_900]


def test_a_mold_packet_built_by_hand_reads_back_as_scapy_builds_it() -> None:
    delete = Itch.kinds[b"D"](stock_locate=7, timestamp=1, order_reference_number=9)
    built = bytes(MoldUdp64(session=b"20231225", sequence_number=258, messages=[Framed(message=delete)] * 2))
    block = b"\0\x13" + b"D" + b"\0\x07" + b"\0\0" + b"\0\0\0\0\0\x01" + b"\0\0\0\0\0\0\0\x09"
    assert built == b"20231225  " + b"\0\0\0\0\0\0\x01\x02" + b"\0\x02" + block * 2


@pytest.mark.parametrize(("count", "meaning"), [(0, "heartbeat"), (0xFFFF, "end of session")])
def test_a_mold_packet_without_messages_has_none(count: int, meaning: str) -> None:
    packet = MoldUdp64(b"A" * 10 + (5).to_bytes(8, "big") + count.to_bytes(2, "big"))
    assert packet.messages == [], meaning
