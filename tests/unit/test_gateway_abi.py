"""The structs of the gateway and of what passes through it, against formats written by hand."""

from __future__ import annotations

import struct

import pytest

from appliance import native

# Names with one format each, in order: little-endian and unpadded, so calcsize is the offset.
STRUCTS = {
    "order": "action:H connection:H user_ref:I replaces:I qty:I px:I instrument:H side:B tif:B symbol:8s "
    "number:Q intent:Q rx_cycles:Q decided_cycles:Q",
    "execution": "kind:I user_ref:I replaces:I qty:I px:Q match:Q order_ref:Q venue_ns:Q sequence:Q "
    "rx_cycles:Q reason:I side:B tif:B state:B liquidity:B symbol:8s prevented_qty:I "
    "connection:I number:Q reserved:32s",
    "ouch_options": "firm:4s display:c capacity:c iso:c cross:c",
    "order_view": "user_ref:I state:I replaces:I replaced_by:I entered_qty:I filled_qty:I cancelled_qty:I "
    "leaves_qty:I broken_qty:I px:I resting_px:I reason:I instrument:H side:B tif:B tag:B heard:B accepted:B "
    "asked_to_go:B number:Q intent:Q order_ref:Q rx_cycles:Q heard_cycles:Q symbol:8s",
    "order_effect": "instrument:H side:B closes:B order_px:I filled_qty:I fill_px:I released_qty:I "
    "adopted_qty:I broken_qty:I broken_px:I user_ref:I opens:B tag:B reserved:H",
    "order_pool_limits": "orders:I fills:I instruments:I first_user_ref:I",
    "gateway_settings": "ip:I port:H busy_poll_us:H user:6s password:10s session:10s asks_account:B "
    "reserved:B queries_unanswered:I next_sequence:Q second_cycles:Q silence_cycles:Q retry_cycles:Q "
    "retry_limit_cycles:Q reserved2:40s",
}


@pytest.mark.parametrize("name", STRUCTS)
def test_each_member_stands_where_the_contract_puts_it(name: str) -> None:
    members = [member.split(":") for member in STRUCTS[name].split()]
    dtype = native.dtype(name)
    assert list(dtype.names) == [member for member, _ in members]
    at = 0
    for member, form in members:
        kind, offset = dtype.fields[member][:2]
        assert (member, offset, kind.itemsize) == (member, at, struct.calcsize("<" + form))
        at += kind.itemsize
    assert dtype.itemsize == at
