"""The structs of the contract as Python sees them, against formats written by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from appliance import native

# Every member in order, with its struct format: little-endian and unpadded, so calcsize is the offset.
STRUCTS = {
    "book_event": [
        ("sequence", "Q"),
        ("venue_ns", "Q"),
        ("rx_cycles", "Q"),
        ("bid_px", "I"),
        ("ask_px", "I"),
        ("bid_qty", "I"),
        ("ask_qty", "I"),
        ("bid_orders", "I"),
        ("ask_orders", "I"),
        ("trade_px", "I"),
        ("trade_qty", "I"),
        ("locate", "H"),
        ("flags", "H"),
        ("reserved", "I"),
    ],
    "level_view": [("px", "I"), ("orders", "I"), ("qty", "Q")],
    "book_view": [
        ("version", "Q"),
        ("sequence", "Q"),
        ("venue_ns", "Q"),
        ("locate", "H"),
        ("flags", "H"),
        ("bid_levels", "H"),
        ("ask_levels", "H"),
        ("symbol", "8s"),
        ("last_px", "I"),
        ("last_qty", "I"),
        ("traded_qty", "Q"),
        ("trading_state", "c"),
        ("reg_sho", "c"),
        ("reserved", "6s"),
        ("bid", "160s"),
        ("ask", "160s"),
    ],
    "queued_order": [("reference", "Q"), ("px", "I"), ("qty", "I")],
    "book_counters": [
        *(
            (name, "Q")
            for name in (
                "messages",
                "events",
                "trades",
                "crosses",
                "broken_trades",
                "unknown_type",
                "bad_length",
                "bad_side",
                "bad_locate",
                "unknown_reference",
                "duplicate_reference",
                "wrong_locate",
                "zero_quantity",
                "overfill",
                "no_order_page",
                "no_order",
                "no_level",
                "live_orders",
                "live_levels",
                "symbols",
                "untrusted_books",
                "order_pages",
                "order_nodes",
                "digest",
            )
        ),
        ("by_type", "2048s"),
    ],
    "book_limits": [
        ("orders", "I"),
        ("order_pages", "I"),
        ("levels", "I"),
        ("locates", "I"),
        ("prefault", "I"),
    ],
    "shm_live": [
        ("heartbeat_cycles", "Q"),
        ("messages", "Q"),
        ("sequence", "Q"),
        ("digest", "Q"),
        ("depth_digest", "Q"),
        ("stage", "I"),
        ("recovery_state", "I"),
        ("stale_books", "Q"),
        ("loops", "Q"),
    ],
    "shm_header": [
        ("magic", "Q"),
        ("abi_hash", "32s"),
        ("bytes", "Q"),
        ("plan_offset", "Q"),
        ("views_offset", "Q"),
        ("stats_offset", "Q"),
        ("views", "I"),
        ("view_bytes", "I"),
        ("pid", "I"),
        ("state", "I"),
        ("cycles_per_s", "Q"),
        ("started_cycles", "Q"),
        ("ready_cycles", "Q"),
        ("name", "64s"),
        ("message", "512s"),
        ("parent_pid", "Q"),
        ("trading_offset", "Q"),
        ("live", "64s"),
    ],
    "histogram": [
        ("count", "Q"),
        ("cycles", "Q"),
        ("max_cycles", "Q"),
        ("reserved", "40s"),
        ("bucket", "5888s"),
    ],
    "plan_line": [("group", "I"), ("udp_port", "H"), ("port", "H")],
    "plan_port": [
        ("kind", "I"),
        ("pace", "I"),
        ("pace_rate", "Q"),
        ("interface_ip", "I"),
        ("receive_buffer_bytes", "I"),
        ("busy_poll_us", "I"),
        ("rx_queues", "I"),
        ("sends", "I"),
        ("reserved", "I"),
        ("where", "4096s"),
    ],
    "plan_recovery": [
        ("request_ip", "I"),
        ("snapshot_ip", "I"),
        ("request_port", "H"),
        ("snapshot_port", "H"),
        ("user", "6s"),
        ("password", "10s"),
        ("gap_wait_us", "I"),
        ("request_timeout_us", "I"),
        ("request_tries", "I"),
        ("request_messages", "I"),
        ("request_longest", "I"),
        ("snapshot_timeout_ms", "I"),
        ("snapshot_retry_ms", "I"),
        ("silence_ms", "I"),
        ("far_messages", "I"),
    ],
    "frame_counters": [
        ("frames", "Q"),
        ("no_ip_checksum", "Q"),
        ("no_udp_checksum", "Q"),
        ("by_verdict", "128s"),
    ],
    "line_map": [("ip", "8s"), ("port", "4s"), ("found", "I"), ("other", "Q")],
    "mold64_line": [
        ("packets", "Q"),
        ("messages", "Q"),
        ("gaps", "Q"),
        ("gap_messages", "Q"),
        ("by_verdict", "128s"),
    ],
    "mold64_counters": [
        ("messages", "Q"),
        ("gaps", "Q"),
        ("lost", "Q"),
        ("sessions", "Q"),
        ("held_peak", "Q"),
        ("dropped", "Q"),
        ("line", "640s"),
    ],
    "risk_limits": [
        ("notional", "Q"),
        ("gross", "Q"),
        ("duplicate_cycles", "Q"),
        ("message_cycles", "I"),
        ("burst", "I"),
        ("qty", "I"),
        ("long_qty", "I"),
        ("short_qty", "I"),
        ("open_orders", "I"),
        ("collar_bps", "H"),
        ("reserved16", "H"),
        ("reserved", "12s"),
    ],
    "risk_ask": [
        ("number", "Q"),
        ("rx_cycles", "Q"),
        ("px", "I"),
        ("qty", "I"),
        ("replaces_px", "I"),
        ("replaces_qty", "I"),
        ("best_px", "8s"),
        ("last_px", "I"),
        ("instrument", "I"),
        ("flags", "H"),
        ("side", "B"),
        ("action", "B"),
        ("reserved", "12s"),
    ],
    "risk_reject": [
        ("number", "Q"),
        ("rx_cycles", "Q"),
        ("value", "Q"),
        ("limit", "Q"),
        ("px", "I"),
        ("qty", "I"),
        ("instrument", "I"),
        ("reason", "I"),
        ("side", "B"),
        ("action", "B"),
        ("reserved8", "6s"),
        ("reserved", "Q"),
    ],
    "risk_state": [
        ("position", "q"),
        ("held_notional", "Q"),
        ("exposure", "Q"),
        ("open_qty", "16s"),
        ("open_notional", "16s"),
        ("last_cycles", "16s"),
        ("last_px", "8s"),
        ("last_qty", "8s"),
        ("earned_cycles", "Q"),
        ("own_px", "8s"),
        ("open_orders", "I"),
        ("permitted", "I"),
        ("reserved", "16s"),
    ],
    "risk_totals": [
        ("gross", "Q"),
        ("earned_cycles", "Q"),
        ("gate", "I"),
        ("own_gate", "I"),
        ("open_orders", "I"),
        ("instruments", "I"),
        ("cancels", "Q"),
        ("surprises", "Q"),
        ("overflows", "Q"),
        ("reserved", "Q"),
        ("rejected", "192s"),
    ],
    "journal_record": [
        ("bytes", "I"),
        ("kind", "H"),
        ("stream", "H"),
        ("number", "Q"),
        ("cycles", "Q"),
        ("crc32c", "I"),
        ("reserved", "I"),
    ],
    "journal_head": [
        ("magic", "Q"),
        ("abi_hash", "32s"),
        ("segment", "Q"),
        ("bytes", "Q"),
        ("first", "64s"),
        ("wall_ns", "Q"),
        ("reserved", "124s"),
        ("crc32c", "I"),
    ],
    "journal_link": [("sha256", "32s"), ("previous", "Q"), ("reserved", "20s"), ("crc32c", "I")],
    "journal_seal": [("segment", "Q"), ("records", "Q"), ("next", "64s"), ("why", "I"), ("reserved", "I")],
    "journal_packet": [("rx_cycles", "Q"), ("bytes", "I"), ("line", "H"), ("reserved", "H")],
    "journal_execution": [("position", "Q"), ("execution", "128s")],
    "journal_order": [("order", "64s"), ("bytes", "I"), ("reserved", "I")],
    "journal_session": [
        ("abi_hash", "32s"),
        ("plan_hash", "32s"),
        ("cycles_per_s", "Q"),
        ("cycles", "Q"),
        ("wall_ns", "Q"),
        ("pid", "I"),
        ("placement", "I"),
        ("name", "32s"),
    ],
    "synth_config": [("messages", "Q"), ("seed", "Q"), ("symbols", "I"), ("live_orders", "I")],
    "synth_counters": [
        ("messages", "Q"),
        ("bytes", "Q"),
        ("live_orders", "Q"),
        ("packets", "16s"),
        ("lost", "16s"),
        ("lost_on_both", "Q"),
        ("duplicated", "16s"),
        ("reordered", "16s"),
        ("heartbeats", "Q"),
        ("by_type", "2048s"),
    ],
}


@pytest.mark.parametrize("name", STRUCTS)
def test_each_member_of_a_struct_stands_where_the_contract_puts_it(name: str) -> None:
    dtype = native.dtype(name)
    formats = [form for _, form in STRUCTS[name]]
    offsets = [struct.calcsize("<" + "".join(formats[:index])) for index in range(len(formats))]
    assert list(dtype.names) == [member for member, _ in STRUCTS[name]]
    assert [dtype.fields[member][1] for member in dtype.names] == offsets
    assert [dtype.fields[member][0].itemsize for member in dtype.names] == [
        struct.calcsize("<" + form) for form in formats
    ]
    assert dtype.itemsize == struct.calcsize("<" + "".join(formats))


def test_a_book_event_is_one_cache_line() -> None:
    assert native.dtype("book_event").itemsize == 64


def test_an_event_packed_by_hand_reads_back_member_by_member() -> None:
    values = (1 << 63, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xFFFFFFFF, 12, 0x8001, 0)
    packed = struct.pack("<" + "".join(form for _, form in STRUCTS["book_event"]), *values)
    assert np.frombuffer(packed, native.dtype("book_event"))[0].tolist() == values


def test_the_view_holds_ten_levels_a_side() -> None:
    view = native.dtype("book_view")
    for side in ("bid", "ask"):
        assert view[side].shape == (10,)
        assert view[side].base == native.dtype("level_view")


def test_the_constants_of_the_contract_are_read_as_numbers() -> None:
    constants = native.constants()
    assert constants["ABI_MAGIC"] == int.from_bytes(b"ABIAPPL1", "little")
    assert constants["ABI_MAX_LOCATES"] == 1 << 16
    assert constants["ABI_VIEW_LEVELS"] == 10
