"""Scapy layers of OUCH 5.0, both directions, and SoupBinTCP around it, written from the protocol tables.

As with the feed's layers nothing here knows an offset: a field stands where the lengths before it put it. A
letter means one thing on the way to the exchange and another on the way back, so each way has its own layers.
"""

from __future__ import annotations

from typing import Any, ClassVar

from protocol.itch_layers import Alpha
from scapy.fields import (
    ByteField,
    Field,
    FieldLenField,
    IntField,
    LongField,
    PacketListField,
    ShortField,
    StrLenField,
)
from scapy.packet import Packet, Raw


class Option(Packet):
    """An element of an appendage: its length counts the tag and the value."""

    name = "Option"
    fields_desc = (
        FieldLenField("length", None, length_of="value", fmt="B", adjust=lambda _, value: value + 1),
        ByteField("tag", 0),
        StrLenField("value", b"", length_from=lambda option: option.length - 1),
    )

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """Take no payload: what follows is the next element."""
        return b"", s


class Ouch(Packet):
    """A message of either way."""

    appendage: ClassVar[str]
    # The same message with an appendage, where that is optional; else the layer itself.
    appended: ClassVar[type[Ouch]]

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """Take no payload: what follows is padding, of which there should be none."""
        return b"", s


INBOUND: dict[bytes, type[Ouch]] = {}
OUTBOUND: dict[bytes, type[Ouch]] = {}
REQUIRED, OPTIONAL, NONE = "required", "optional", "none"


def _layer(way: dict[bytes, type[Ouch]], kind: bytes, name: str, appendage: str, *body: Field) -> None:
    """Define the layer of one type, and beside it the one with an appendage where that is optional."""
    metaclass: Any = type(Ouch)
    fields = [Alpha("message_type", 1, kind), *body]
    end = [
        FieldLenField("appendage_length", None, length_of="options", fmt=">H"),
        PacketListField("options", [], Option, length_from=lambda message: message.appendage_length),
    ]
    attributes = {"name": name, "appendage": appendage}
    short = metaclass(name, (Ouch,), {**attributes, "fields_desc": fields})
    long = metaclass(name, (Ouch,), {**attributes, "fields_desc": fields + end})
    way[kind] = long if appendage == REQUIRED else short
    way[kind].appended = short if appendage == NONE else long


def _user_ref(name: str = "user_ref_num") -> Field:
    return IntField(name, 0)


def _quantity(name: str = "quantity") -> Field:
    return IntField(name, 0)


def _price(name: str = "price") -> Field:
    """Return 8 bytes with 4 implied decimals."""
    return LongField(name, 0)


def _reference() -> Field:
    return LongField("order_reference_number", 0)


def _match() -> Field:
    return LongField("match_number", 0)


def _order_id() -> Field:
    return Alpha("cl_ord_id", 14)


def _timestamp() -> Field:
    return LongField("timestamp", 0)


_layer(
    INBOUND,
    b"O",
    "EnterOrder",
    REQUIRED,
    _user_ref(),
    Alpha("side"),
    _quantity(),
    Alpha("symbol", 8),
    _price(),
    Alpha("time_in_force"),
    Alpha("display_code"),
    Alpha("capacity"),
    Alpha("iso_eligibility"),
    Alpha("cross_type"),
    _order_id(),
)
_layer(
    INBOUND,
    b"U",
    "ReplaceOrder",
    REQUIRED,
    _user_ref("original_user_ref_num"),
    _user_ref(),
    _quantity(),
    _price(),
    Alpha("time_in_force"),
    Alpha("display_code"),
    Alpha("iso_eligibility"),
    _order_id(),
)
_layer(INBOUND, b"X", "CancelOrder", OPTIONAL, _user_ref(), _quantity())
_layer(INBOUND, b"M", "ModifyOrder", OPTIONAL, _user_ref(), Alpha("side"), _quantity())
_layer(INBOUND, b"C", "MassCancel", REQUIRED, _user_ref(), Alpha("firm", 4), Alpha("symbol", 8))
_layer(INBOUND, b"D", "DisableOrderEntry", REQUIRED, _user_ref(), Alpha("firm", 4))
_layer(INBOUND, b"E", "EnableOrderEntry", REQUIRED, _user_ref(), Alpha("firm", 4))
_layer(INBOUND, b"Q", "AccountQuery", OPTIONAL)

_ACCEPTED = (
    Alpha("side"),
    _quantity(),
    Alpha("symbol", 8),
    _price(),
    Alpha("time_in_force"),
    Alpha("display_code"),
    _reference(),
    Alpha("capacity"),
    Alpha("iso_eligibility"),
    Alpha("cross_type"),
    Alpha("order_state"),
    _order_id(),
)
_layer(OUTBOUND, b"S", "SystemEvent", NONE, _timestamp(), Alpha("event"))
_layer(OUTBOUND, b"A", "OrderAccepted", REQUIRED, _timestamp(), _user_ref(), *_ACCEPTED)
_layer(
    OUTBOUND,
    b"U",
    "OrderReplaced",
    REQUIRED,
    _timestamp(),
    _user_ref("original_user_ref_num"),
    _user_ref(),
    *_ACCEPTED,
)
_layer(OUTBOUND, b"C", "OrderCanceled", OPTIONAL, _timestamp(), _user_ref(), _quantity(), Alpha("reason"))
_layer(
    OUTBOUND,
    b"D",
    "AiqCanceled",
    OPTIONAL,
    _timestamp(),
    _user_ref(),
    _quantity("decrement_shares"),
    Alpha("reason"),
    _quantity("quantity_prevented_from_trading"),
    _price("execution_price"),
    Alpha("liquidity_flag"),
    Alpha("aiq_strategy"),
)
_layer(
    OUTBOUND,
    b"E",
    "OrderExecuted",
    REQUIRED,
    _timestamp(),
    _user_ref(),
    _quantity(),
    _price(),
    Alpha("liquidity_flag"),
    _match(),
)
_layer(
    OUTBOUND,
    b"B",
    "BrokenTrade",
    OPTIONAL,
    _timestamp(),
    _user_ref(),
    _match(),
    Alpha("reason"),
    _order_id(),
)
_layer(
    OUTBOUND,
    b"F",
    "TradeCorrection",
    OPTIONAL,
    _timestamp(),
    _user_ref(),
    _quantity(),
    _price(),
    Alpha("liquidity_flag"),
    _match(),
    Alpha("reason"),
    _order_id(),
)
_layer(OUTBOUND, b"J", "Rejected", OPTIONAL, _timestamp(), _user_ref(), ShortField("reason", 0), _order_id())
_layer(OUTBOUND, b"P", "CancelPending", OPTIONAL, _timestamp(), _user_ref())
_layer(OUTBOUND, b"I", "CancelReject", OPTIONAL, _timestamp(), _user_ref())
_layer(
    OUTBOUND,
    b"T",
    "OrderPriorityUpdate",
    OPTIONAL,
    _timestamp(),
    _user_ref(),
    _price(),
    Alpha("display_code"),
    _reference(),
)
_layer(OUTBOUND, b"M", "OrderModified", OPTIONAL, _timestamp(), _user_ref(), Alpha("side"), _quantity())
_layer(OUTBOUND, b"R", "OrderRestated", REQUIRED, _timestamp(), _user_ref(), Alpha("reason"))
_layer(
    OUTBOUND,
    b"X",
    "MassCancelResponse",
    REQUIRED,
    _timestamp(),
    _user_ref(),
    Alpha("firm", 4),
    Alpha("symbol", 8),
)
_layer(OUTBOUND, b"G", "DisableResponse", REQUIRED, _timestamp(), _user_ref(), Alpha("firm", 4))
_layer(OUTBOUND, b"K", "EnableResponse", REQUIRED, _timestamp(), _user_ref(), Alpha("firm", 4))
_layer(OUTBOUND, b"Q", "AccountQueryResponse", OPTIONAL, _timestamp(), _user_ref("next_user_ref_num"))


class SoupFromClient(Packet):
    """Unsequenced data: what a client sends."""

    name = "SoupFromClient"
    fields_desc = (ShortField("length", 0), Alpha("packet_type", 1, b"U"))

    def guess_payload_class(self, payload: bytes) -> type[Packet]:
        """Choose the layer of an inbound message by its type."""
        return INBOUND.get(payload[:1], Raw)
