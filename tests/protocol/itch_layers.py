"""Scapy layers of TotalView-ITCH 5.0, its file framing and MoldUDP64, written from the protocol tables.

Nothing here knows an offset: a field stands where the lengths before it put it, so a layer that agrees with
the table's offsets confirms both.
"""

from __future__ import annotations

from typing import Any, ClassVar

from scapy.fields import (
    BitField,
    Field,
    FieldLenField,
    IntField,
    LongField,
    PacketLenField,
    PacketListField,
    ShortField,
    StrFixedLenField,
)
from scapy.packet import Packet, Raw

END_OF_SESSION = 0xFFFF


class Alpha(StrFixedLenField):
    """ASCII, left-justified, padded with spaces."""

    def __init__(self, name: str, length: int = 1, default: bytes = b"") -> None:
        """Take the length in bytes; one by default."""
        super().__init__(name, default.ljust(length), length=length)

    def i2m(self, pkt: Packet | None, x: Any) -> bytes:
        """Pad with spaces where scapy would pad with zeros."""
        return bytes(x).ljust(self.length_from(pkt))


class Itch(Packet):
    """Any message: the type in the first byte says which."""

    kinds: ClassVar[dict[bytes, type[Itch]]] = {}

    @classmethod
    def dispatch_hook(cls, _pkt: bytes = b"", *_: Any, **__: Any) -> type[Packet]:
        """Choose the layer of a message by its type."""
        return cls.kinds.get(bytes(_pkt[:1]), Raw)

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """Take no payload: what follows belongs to the next message."""
        return b"", s


def _layer(kind: bytes, name: str, *body: Field) -> None:
    """Define the layer of one message type: the common header, then its body."""
    header = [
        Alpha("message_type", 1, kind),
        ShortField("stock_locate", 0),
        ShortField("tracking_number", 0),
        BitField("timestamp", 0, 48),
    ]
    metaclass: Any = type(Itch)
    Itch.kinds[kind] = metaclass(name, (Itch,), {"name": name, "fields_desc": [*header, *body]})


def _integer(name: str) -> Field:
    """Return a 4-byte integer; prices have 4 implied decimals."""
    return IntField(name, 0)


def _long(name: str) -> Field:
    """Return an 8-byte integer."""
    return LongField(name, 0)


def _stock() -> Field:
    return Alpha("stock", 8)


_layer(b"S", "SystemEvent", Alpha("event_code"))
_layer(
    b"R",
    "StockDirectory",
    _stock(),
    Alpha("market_category"),
    Alpha("financial_status_indicator"),
    _integer("round_lot_size"),
    Alpha("round_lots_only"),
    Alpha("issue_classification"),
    Alpha("issue_sub_type", 2),
    Alpha("authenticity"),
    Alpha("short_sale_threshold_indicator"),
    Alpha("ipo_flag"),
    Alpha("luld_reference_price_tier"),
    Alpha("etp_flag"),
    _integer("etp_leverage_factor"),
    Alpha("inverse_indicator"),
)
_layer(
    b"H",
    "StockTradingAction",
    _stock(),
    Alpha("trading_state"),
    Alpha("reserved"),
    Alpha("reason", 4),
)
_layer(b"Y", "RegShoRestriction", _stock(), Alpha("reg_sho_action"))
_layer(
    b"L",
    "MarketParticipantPosition",
    Alpha("mpid", 4),
    _stock(),
    Alpha("primary_market_maker"),
    Alpha("market_maker_mode"),
    Alpha("market_participant_state"),
)
_layer(b"V", "MwcbDeclineLevel", _long("level_1"), _long("level_2"), _long("level_3"))
_layer(b"W", "MwcbStatus", Alpha("breached_level"))
_layer(
    b"K",
    "IpoQuotingPeriodUpdate",
    _stock(),
    _integer("ipo_quotation_release_time"),
    Alpha("ipo_quotation_release_qualifier"),
    _integer("ipo_price"),
)
_layer(
    b"J",
    "LuldAuctionCollar",
    _stock(),
    _integer("auction_collar_reference_price"),
    _integer("upper_auction_collar_price"),
    _integer("lower_auction_collar_price"),
    _integer("auction_collar_extension"),
)
_layer(b"h", "OperationalHalt", _stock(), Alpha("market_code"), Alpha("operational_halt_action"))

_ADD = (
    _long("order_reference_number"),
    Alpha("buy_sell_indicator"),
    _integer("shares"),
    _stock(),
    _integer("price"),
)
_layer(b"A", "AddOrder", *_ADD)
_layer(b"F", "AddOrderMpid", *_ADD, Alpha("attribution", 4))

_EXECUTED = (_long("order_reference_number"), _integer("executed_shares"), _long("match_number"))
_layer(b"E", "OrderExecuted", *_EXECUTED)
_layer(b"C", "OrderExecutedWithPrice", *_EXECUTED, Alpha("printable"), _integer("execution_price"))
_layer(b"X", "OrderCancel", _long("order_reference_number"), _integer("canceled_shares"))
_layer(b"D", "OrderDelete", _long("order_reference_number"))
_layer(
    b"U",
    "OrderReplace",
    _long("original_order_reference_number"),
    _long("new_order_reference_number"),
    _integer("shares"),
    _integer("price"),
)
_layer(b"P", "Trade", *_ADD, _long("match_number"))
_layer(
    b"Q",
    "CrossTrade",
    _long("cross_shares"),
    _stock(),
    _integer("cross_price"),
    _long("match_number"),
    Alpha("cross_type"),
)
_layer(b"B", "BrokenTrade", _long("match_number"))
_layer(
    b"I",
    "NetOrderImbalance",
    _long("paired_shares"),
    _long("imbalance_shares"),
    Alpha("imbalance_direction"),
    _stock(),
    _integer("far_price"),
    _integer("near_price"),
    _integer("current_reference_price"),
    Alpha("cross_type"),
    Alpha("price_variation_indicator"),
)
_layer(b"N", "RetailPriceImprovement", _stock(), Alpha("interest_flag"))
_layer(
    b"O",
    "DirectListingWithCapitalRaise",
    _stock(),
    Alpha("open_eligibility_status"),
    _integer("minimum_allowable_price"),
    _integer("maximum_allowable_price"),
    _integer("near_execution_price"),
    _long("near_execution_time"),
    _integer("lower_price_range_collar"),
    _integer("upper_price_range_collar"),
)


class Framed(Packet):
    """A message with its 2-byte length, as in files and in MoldUDP64 packets."""

    fields_desc = (
        FieldLenField("length", None, length_of="message", fmt="!H"),
        PacketLenField("message", None, Itch, length_from=lambda framed: framed.length),
    )

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """Take no payload: what follows is the next message."""
        return b"", s


def _message_count(packet: Packet) -> int:
    return 0 if packet.message_count == END_OF_SESSION else packet.message_count


class MoldUdp64(Packet):
    """A downstream packet; without messages also a heartbeat, an end of session, or a request."""

    fields_desc = (
        Alpha("session", 10),
        LongField("sequence_number", 1),
        FieldLenField("message_count", None, count_of="messages", fmt="!H"),
        PacketListField("messages", [], Framed, count_from=_message_count),
    )
