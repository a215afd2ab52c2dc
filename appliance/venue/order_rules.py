"""What an order is refused for whatever the market is like: the reasons of OUCH that its bytes earn."""

from __future__ import annotations

from collections.abc import Callable, Container

from appliance.venue.order_settings import OrderServer
from appliance.venue.ouch import (
    CUSTOMER_TYPE,
    EXPIRE_TIME,
    FIRM,
    MAX_FLOOR,
    MIN_QTY,
    PRICE_TYPE,
    ROUTE,
    Message,
)

_MOST_SHARES = 999_999
_MOST_PX = 1_999_999_900  # 199,999.9900
_DOLLAR_PX = 10_000
_CENT_PX = 100
_DAY_S = 86_400

_Rule = Callable[[Message, OrderServer, Container[str]], bool]


def _wrong_firm(order: Message, settings: OrderServer, _: Container[str]) -> bool:
    firm = order.options.get(FIRM, b"").decode("latin-1").rstrip()
    return bool(firm and settings.firm and firm != settings.firm)


def _wrong_price(order: Message, _: OrderServer, __: Container[str]) -> bool:
    px = order.number("price")
    return not 0 < px <= _MOST_PX or (px >= _DOLLAR_PX and px % _CENT_PX != 0)


def _wrong_min_qty(order: Message, _: OrderServer, __: Container[str]) -> bool:
    least = order.option(MIN_QTY)
    return least > order.number("quantity") or (least > 0 and order.text("time_in_force") != "3")


def _wrong_otherwise(order: Message, _: OrderServer, __: Container[str]) -> bool:
    tif, seconds = order.text("time_in_force"), order.option(EXPIRE_TIME)
    return (
        order.text("capacity") not in ("A", "P", "R", "O")
        or tif not in ("0", "3", "5", "6", "E")
        or (tif == "6" and not 0 < seconds < _DAY_S)
    )


# The first that fits is the reason. Only visible limit orders of this venue are taken: no reserves, no pegs,
# no routes, no crosses.
_RULES: tuple[tuple[int, _Rule], ...] = (
    (0x17, lambda order, _, symbols: order.text("symbol") not in symbols),
    (0x09, lambda order, *_: order.text("side") not in ("B", "S", "T", "E")),
    (0x13, lambda order, *_: not 0 < order.number("quantity") <= _MOST_SHARES),
    (0x1A, lambda order, *_: order.text("cross_type") == "R" or order.options.get(CUSTOMER_TYPE) == b"R"),
    (0x14, lambda order, *_: order.text("cross_type") != "N"),
    (0x1D, _wrong_price),
    (0x03, lambda order, *_: order.text("display") not in ("Y", "A")),
    (0x08, lambda order, *_: order.text("iso") == "Y"),
    (0x0C, _wrong_firm),
    (0x04, lambda order, *_: order.option(MAX_FLOOR) > 0),
    (0x05, lambda order, *_: order.options.get(PRICE_TYPE, b"L") not in (b"L", b"P", b"M", b"R", b"Q", b"m")),
    (0x11, lambda order, *_: order.options.get(PRICE_TYPE, b"L") != b"L"),
    (0x16, lambda order, *_: bool(order.options.get(ROUTE, b"").strip())),
    (0x0D, _wrong_min_qty),
    (0x0F, _wrong_otherwise),
    (0x1E, lambda order, settings, _: order.number("quantity") > settings.most_shares),
    (
        0x1F,
        lambda order, settings, _: (
            order.number("quantity") * order.number("price") > settings.most_notional * _DOLLAR_PX
        ),
    ),
)


def ouch_refusal(order: Message, settings: OrderServer, symbols: Container[str]) -> int:
    """Return the number of the reason not to take an order, or 0."""
    return next((reason for reason, fits in _RULES if fits(order, settings, symbols)), 0)
