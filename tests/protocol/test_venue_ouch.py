"""The venue's OUCH 5.0 against bytes written from the protocol's tables by hand."""

from __future__ import annotations

import pytest

from appliance.venue.ouch import INBOUND, OUTBOUND, OuchError, decode, encode

# Section 6.1: type, user reference, ... each field in hexadecimal, as it stands in the table.
ENTER = bytes.fromhex(
    "4f 0000002a 42 00000064"  # O, user reference 42, B, 100 shares
    "41434d4520202020 00000000000186a0"  # "ACME    ", 10.0000
    "30 59 50 4e 4e"  # day, visible, principal, no ISO, continuous
    "4142432020202020202020202020"  # "ABC" in 14 bytes
    "0006 05 0f 00000e10"  # appendage of 6 bytes: tag 15, ExpireTime of 3,600 s
)
INBOUND_BYTES = {
    "enter": ENTER,
    "replace": bytes.fromhex(
        "55 0000002a 0000002b 000000c8 0000000000018704 33 59 4e 2020202020202020202020202020 0000"
    ),
    "cancel": bytes.fromhex("58 00752e71 00000000"),  # section 6.6
    "modify": bytes.fromhex("4d 0000002a 54 00000032"),
    "mass_cancel": bytes.fromhex("43 0000002c 4d4c524f 41434d4520202020 0000"),
    "disable": bytes.fromhex("44 0000002d 4d4c524f 0000"),
    "enable": bytes.fromhex("45 0000002e 4d4c524f 0000"),
    "account_query": bytes.fromhex("51"),
}
INBOUND_VALUES = {
    "enter": {
        "user_ref": 42, "side": "B", "quantity": 100, "symbol": "ACME", "price": 100_000,
        "time_in_force": "0", "display": "Y", "capacity": "P", "iso": "N", "cross_type": "N",
        "cl_ord_id": "ABC",
    },
    "replace": {
        "original": 42, "user_ref": 43, "quantity": 200, "price": 100_100, "time_in_force": "3",
        "display": "Y", "iso": "N", "cl_ord_id": "",
    },
    "cancel": {"user_ref": 7_679_601, "quantity": 0},
    "modify": {"user_ref": 42, "side": "T", "quantity": 50},
    "mass_cancel": {"user_ref": 44, "firm": "MLRO", "symbol": "ACME"},
    "disable": {"user_ref": 45, "firm": "MLRO"},
    "enable": {"user_ref": 46, "firm": "MLRO"},
    "account_query": {},
}  # fmt: skip

# Section 6.2, with the lengths it gives.
OUTBOUND_BYTES = {
    "system_event": (10, "53 0000000000000001 53"),
    "accepted": (
        64,
        "41 0000000000000001 0000002a 42 00000064 41434d4520202020 00000000000186a0 30 59"
        " 0000000100000000 50 4e 4e 4c 4142432020202020202020202020 0000",
    ),
    "replaced": (
        68,
        "55 0000000000000001 0000002a 0000002b 42 00000064 41434d4520202020 00000000000186a0 30 59"
        " 0000000100000000 50 4e 4e 4c 4142432020202020202020202020 0000",
    ),
    "canceled": (18, "43 0000289b4d681317 00753a8d 00000028 55"),  # section 6.6
    "aiq_canceled": (32, "44 0000000000000001 0000002a 00000064 51 00000064 00000000000186a0 52 44"),
    "executed": (36, "45 0000000000000001 0000002a 00000064 00000000000186a0 41 0000000100000000 0000"),
    "broken": (36, "42 0000000000000001 0000002a 0000000100000000 45 4142432020202020202020202020"),
    "rejected": (29, "4a 0000000000000001 0000002a 0017 4142432020202020202020202020"),
    "cancel_pending": (13, "50 0000000000000001 0000002a"),
    "cancel_reject": (13, "49 0000000000000001 0000002a"),
    "priority": (30, "54 0000000000000001 0000002a 00000000000186a0 59 0000000100000000"),
    "modified": (18, "4d 0000000000000001 0000002a 54 00000064"),
    "restated": (16, "52 0000000000000001 0000002a 52 0000"),
    "mass_canceled": (27, "58 0000000000000001 0000002a 4d4c524f 41434d4520202020 0000"),
    "disabled": (19, "47 0000000000000001 0000002a 4d4c524f 0000"),
    "enabled": (19, "4b 0000000000000001 0000002a 4d4c524f 0000"),
    "account": (13, "51 0000000000000001 0000002b"),
}
OUTBOUND_VALUES: dict[str, int | str] = {
    "timestamp": 1, "user_ref": 42, "original": 42, "next_user_ref": 43, "side": "B", "quantity": 100,
    "symbol": "ACME", "price": 100_000, "time_in_force": "0", "display": "Y", "reference": 1 << 32,
    "capacity": "P", "iso": "N", "cross_type": "N", "state": "L", "cl_ord_id": "ABC", "event": "S",
    "firm": "MLRO", "match": 1 << 32, "liquidity": "A", "prevented": 100, "strategy": "D",
}  # fmt: skip
SPECIAL: dict[str, dict[str, int | str]] = {
    "replaced": {"user_ref": 43},
    "canceled": {"timestamp": 0x289B4D681317, "user_ref": 7_682_701, "quantity": 40, "reason": "U"},
    "aiq_canceled": {"reason": "Q", "liquidity": "R"},
    "broken": {"reason": "E"},
    "rejected": {"reason": 0x17},
    "modified": {"side": "T"},
    "restated": {"reason": "R"},
}


def test_every_type_of_the_page_is_here() -> None:
    assert "".join(INBOUND) == "OUXMCDEQ"
    assert sorted(OUTBOUND) == sorted("SAUCDEBJPITMRXGKQ")


@pytest.mark.parametrize("name", INBOUND_BYTES)
def test_what_clients_send_is_read_field_by_field(name: str) -> None:
    message = decode(INBOUND_BYTES[name], INBOUND)
    assert message.name == name
    assert message.values == INBOUND_VALUES[name]
    assert message.options == ({15: (3600).to_bytes(4, "big")} if name == "enter" else {})
    assert encode(INBOUND, name, message.options, **message.values) == INBOUND_BYTES[name]


@pytest.mark.parametrize("name", OUTBOUND_BYTES)
def test_what_clients_are_told_is_written_field_by_field(name: str) -> None:
    length, text = OUTBOUND_BYTES[name]
    wanted = bytes.fromhex(text)
    assert len(wanted) == length
    values = {**OUTBOUND_VALUES, **SPECIAL.get(name, {})}
    assert encode(OUTBOUND, name, None, **values) == wanted
    read = decode(wanted, OUTBOUND)
    assert read.values == {field: values[field] for field in read.values}


def test_an_accepted_message_of_a_capture_is_read() -> None:
    appendage = bytes.fromhex("0009 05 02") + b"MLRO" + bytes.fromhex("02 12") + b"0"
    body = bytes.fromhex(OUTBOUND_BYTES["accepted"][1])[:-2] + appendage
    assert len(body) == 73
    message = decode(body, OUTBOUND)
    assert message.options == {2: b"MLRO", 18: b"0"}
    assert encode(OUTBOUND, "accepted", message.options, **message.values) == body


def test_a_channel_is_told_in_an_appendage_where_there_is_none_else() -> None:
    plain = bytes.fromhex(OUTBOUND_BYTES["modified"][1])
    values = decode(plain, OUTBOUND).values
    assert encode(OUTBOUND, "modified", {28: b"\x03"}, **values) == plain + bytes.fromhex("0003 02 1c 03")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"?",
        ENTER[:44],
        ENTER[:-1],
        ENTER + b"\0",
        ENTER[:46],
        ENTER[:45] + bytes.fromhex("0002 01 08"),  # a tag that does not exist
        ENTER[:45] + bytes.fromhex("0003 02 0f 01"),  # a tag with too short a value
        ENTER[:45] + bytes.fromhex("0001 00"),
        ENTER[:45] + bytes.fromhex("0002 09 0f"),
        b"X" * 8,
    ],
)
def test_what_no_layout_fits_is_refused(body: bytes) -> None:
    with pytest.raises(OuchError):
        decode(body, INBOUND)


def test_an_order_without_the_length_of_its_appendage_is_read_all_the_same() -> None:
    assert decode(ENTER[:45], INBOUND).options == {}
