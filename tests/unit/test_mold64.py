"""MoldUDP64: what every single packet is, and the states of a session, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model import port
from model.mold64 import SESSION, Run, Stream, end_of_session, heartbeat, packet
from protocol.itch_layers import END_OF_SESSION, Framed, MoldUdp64
from scapy.layers.inet import UDP
from scapy.packet import Raw
from scapy.utils import rdpcap

from appliance import native

NEXT_SESSION = b"0000000043"


def messages(first: int, last: int) -> list[bytes]:
    """The messages of a stream, each another length."""
    return [f"<{number}>".encode() for number in range(first, last + 1)]


def span(first: int, last: int, session: bytes = SESSION) -> bytes:
    """A packet with these messages."""
    return packet(first, messages(first, last), session)


def run(first: int, last: int, gap: int = 0, new_session: bool = False) -> Run:
    """A run with these messages."""
    return Run(first, messages(first, last), gap, new_session)


def verdicts(stream: Stream, line: int = 0) -> dict[str, int]:
    """Counted packets of a line by what they were."""
    ffi, library = native.ffi(), native.library()
    names = [library.api_mold64_verdict_name(number) for number in range(16)]
    counted = stream.counters.line[line].by_verdict
    return {ffi.string(name).decode(): count for name, count in zip(names, counted, strict=False) if count}


def test_packets_in_order_pass_through() -> None:
    with Stream() as stream:
        assert stream.push(span(1, 3)) == ("delivered", [run(1, 3)])
        assert stream.push(span(4, 4)) == ("delivered", [run(4, 4)])
        assert stream.finish() == []
        counters = stream.counters
        assert (counters.messages, counters.gaps, counters.lost, counters.sessions) == (4, 0, 0, 1)


def test_a_scapy_built_packet_gives_its_blocks() -> None:
    bodies = [b"S" + bytes(11), b"", b"D" + bytes(18)]
    built = MoldUdp64(
        session=SESSION,
        sequence_number=7,
        messages=[Framed(length=len(body), message=Raw(body)) for body in bodies],
    )
    with Stream() as stream:
        assert stream.push(bytes(built)) == ("delivered", [Run(7, bodies)])
        ending = MoldUdp64(session=SESSION, sequence_number=10, message_count=END_OF_SESSION)
        assert stream.push(bytes(ending)) == ("end_of_session", [])


def test_a_message_of_length_zero_takes_a_sequence_number() -> None:
    with Stream() as stream:
        assert stream.push(packet(5, [b"", b"", b"x"])) == ("delivered", [Run(5, [b"", b"", b"x"])])
        assert stream.push(packet(8, [b""])) == ("delivered", [Run(8, [b""])])


def test_the_first_packet_says_where_the_stream_starts() -> None:
    with Stream() as stream:
        assert stream.push(span(1_000_000, 1_000_002)) == ("delivered", [run(1_000_000, 1_000_002)])
        assert stream.push(span(999_999, 999_999)) == ("late", [])
        assert stream.counters.lost == 0


def test_the_first_copy_wins_and_the_other_line_is_late() -> None:
    with Stream() as stream:
        assert stream.push(span(1, 2), line=0) == ("delivered", [run(1, 2)])
        assert stream.push(span(1, 2), line=1) == ("late", [])
        assert stream.push(span(3, 4), line=1) == ("delivered", [run(3, 4)])
        assert stream.push(span(3, 4), line=0) == ("late", [])
        assert verdicts(stream, 0) == verdicts(stream, 1) == {"delivered": 1, "late": 1}
        assert [line.messages for line in stream.counters.line] == [4, 4, 0, 0]


def test_a_packet_ahead_waits_until_either_line_fills_the_gap() -> None:
    with Stream() as stream:
        stream.push(span(1, 1), line=0)
        assert stream.push(span(4, 5), line=0) == ("held", [])
        assert stream.push(span(6, 6), line=0) == ("held", [])
        assert stream.push(span(4, 5), line=1) == ("duplicate", [])
        assert stream.push(span(2, 3), line=1) == ("delivered", [run(2, 3), run(4, 5), run(6, 6)])
        assert stream.push(span(2, 3), line=0) == ("late", [])
        counters = stream.counters
        assert (counters.messages, counters.gaps, counters.lost, counters.held_peak) == (6, 0, 0, 2)
        assert (counters.line[0].gaps, counters.line[0].gap_messages) == (1, 2)
        assert (counters.line[1].gaps, counters.line[1].gap_messages) == (0, 0)


def test_a_packet_that_overlaps_is_taken_from_its_first_new_message_on() -> None:
    with Stream() as stream:
        stream.push(span(1, 4))
        assert stream.push(span(3, 6)) == ("partial", [run(5, 6)])
        assert stream.push(span(9, 12)) == ("held", [])
        assert stream.push(span(5, 10)) == ("partial", [run(7, 10), run(11, 12)])


def test_a_longer_packet_takes_the_place_of_the_ones_it_covers() -> None:
    with Stream() as stream:
        stream.push(span(1, 1))
        for first, last in [(5, 5), (7, 7), (9, 12)]:
            assert stream.push(span(first, last)) == ("held", [])
        assert stream.push(span(5, 10)) == ("held", [])
        assert stream.push(span(6, 8)) == ("duplicate", [])
        assert stream.push(span(2, 4)) == ("delivered", [run(2, 4), run(5, 10), run(11, 12)])


def test_a_packet_that_overtakes_all_that_waits_leaves_nothing_behind() -> None:
    with Stream() as stream:
        stream.push(span(1, 1))
        stream.push(span(3, 4))
        assert stream.push(span(2, 9)) == ("delivered", [run(2, 9)])
        assert stream.push(span(10, 10)) == ("delivered", [run(10, 10)])
        assert stream.finish() == []


def test_a_full_window_gives_up_the_oldest_gap_and_goes_on() -> None:
    with Stream(window=2) as stream:
        stream.push(span(1, 1))
        assert stream.push(span(5, 5)) == ("held", [])
        assert stream.push(span(10, 10)) == ("held", [])
        assert stream.push(span(11, 12)) == ("held", [run(5, 5, gap=3)])
        assert stream.push(span(2, 4)) == ("late", [])
        assert stream.push(span(14, 14)) == ("held", [run(10, 10, gap=4), run(11, 12)])
        assert stream.finish() == [run(14, 14, gap=1)]
        assert (stream.counters.gaps, stream.counters.lost, stream.counters.messages) == (3, 8, 6)


def test_the_end_of_the_input_gives_up_every_gap() -> None:
    with Stream() as stream:
        stream.push(span(1, 1))
        stream.push(span(3, 3))
        stream.push(span(6, 6))
        assert stream.finish() == [run(3, 3, gap=1), run(6, 6, gap=2)]
        assert stream.finish() == []
        assert stream.push(span(7, 7)) == ("delivered", [run(7, 7)])


def test_a_heartbeat_proves_messages_that_never_came() -> None:
    with Stream() as stream:
        stream.push(span(1, 2))
        assert stream.push(heartbeat(3)) == ("heartbeat", [])
        assert stream.finish() == []
        assert stream.push(heartbeat(6)) == ("heartbeat", [])
        assert stream.push(span(3, 3)) == ("delivered", [run(3, 3)])
        assert stream.finish() == [Run(6, [], gap=2)]
        assert (stream.counters.lost, stream.counters.line[0].gap_messages) == (2, 3)


def test_a_heartbeat_can_be_the_first_packet() -> None:
    with Stream(settle=4) as stream:
        assert stream.push(heartbeat(50)) == ("heartbeat", [])
        assert stream.push(span(49, 49)) == ("late", [])
        assert stream.push(span(50, 51)) == ("delivered", [run(50, 51)])


def test_a_start_out_of_order_settles_before_the_first_message() -> None:
    with Stream(settle=3) as stream:
        assert stream.push(span(13, 14)) == ("held", [])
        assert stream.push(span(11, 12)) == ("held", [])
        assert stream.push(span(17, 17)) == ("held", [run(11, 12), run(13, 14)])
        assert stream.push(span(15, 16)) == ("delivered", [run(15, 16), run(17, 17)])
        assert stream.counters.lost == 0


@pytest.mark.parametrize("last", ["finish", "heartbeat", "end of session"])
def test_settling_ends_with_whatever_ends_the_waiting(last: str) -> None:
    with Stream(settle=8) as stream:
        assert stream.push(span(13, 14)) == ("held", [])
        assert stream.push(span(11, 12)) == ("held", [])
        ends: dict[str, Callable[[], list[Run]]] = {
            "finish": stream.finish,
            "heartbeat": lambda: stream.push(heartbeat(15))[1],
            "end of session": lambda: stream.push(end_of_session(15))[1],
        }
        assert ends[last]() == [run(11, 12), run(13, 14)]


def test_another_session_is_dropped_until_ours_has_ended() -> None:
    with Stream() as stream:
        stream.push(span(1, 2))
        assert stream.push(span(1, 9, NEXT_SESSION)) == ("other_session", [])
        assert stream.push(heartbeat(1, NEXT_SESSION)) == ("other_session", [])
        assert stream.push(end_of_session(1, NEXT_SESSION)) == ("other_session", [])
        assert stream.push(end_of_session(3)) == ("end_of_session", [])
        assert stream.push(span(1, 2, NEXT_SESSION)) == ("delivered", [run(1, 2, new_session=True)])
        assert stream.push(span(3, 3, NEXT_SESSION)) == ("delivered", [run(3, 3)])
        assert stream.push(span(3, 3)) == ("other_session", [])
        assert stream.counters.sessions == 2


def test_after_the_end_of_a_session_the_other_line_may_still_fill_its_gaps() -> None:
    with Stream() as stream:
        stream.push(span(1, 2))
        assert stream.push(end_of_session(6)) == ("end_of_session", [])
        assert stream.push(span(5, 5), line=1) == ("held", [])
        assert stream.push(span(3, 4), line=1) == ("delivered", [run(3, 4), run(5, 5)])
        assert stream.push(end_of_session(6), line=1) == ("end_of_session", [])
        assert stream.finish() == []


def test_a_new_session_starts_at_one_after_the_old_one_is_given_up() -> None:
    with Stream(window=1) as stream:
        stream.push(span(1, 2))
        stream.push(span(5, 5))
        stream.push(end_of_session(9))
        old = [run(5, 5, gap=2), Run(9, [], gap=3)]
        assert stream.push(span(4, 4, NEXT_SESSION)) == ("held", old)
        assert stream.push(span(1, 3, NEXT_SESSION), line=1) == (
            "delivered",
            [run(1, 3, new_session=True), run(4, 4)],
        )
        counters = stream.counters
        assert counters.lost == 5
        assert [line.gap_messages for line in counters.line] == [2 + 3 + 3, 0, 0, 0]


def test_a_session_without_any_run_passes_the_news_on() -> None:
    with Stream() as stream:
        stream.push(span(1, 1))
        stream.push(end_of_session(2))
        stream.push(heartbeat(1, NEXT_SESSION))
        stream.push(end_of_session(1, NEXT_SESSION))
        assert stream.push(span(1, 1, b"0000000044")) == ("delivered", [run(1, 1, new_session=True)])


def test_a_capture_without_sequence_numbers_is_numbered_as_it_comes() -> None:
    blank = bytes(10)
    with Stream(settle=4) as stream:
        assert stream.push(packet(0, [b"a", b"b"], blank)) == ("delivered", [Run(1, [b"a", b"b"])])
        assert stream.push(heartbeat(0, blank)) == ("heartbeat", [])
        assert stream.push(packet(0, [b"a"], blank), line=1) == ("bad_sequence", [])
        assert stream.push(packet(0, [b"c"], blank)) == ("delivered", [Run(3, [b"c"])])
        assert stream.push(packet(9, [b"d"], blank)) == ("bad_sequence", [])
        assert stream.finish() == []
        assert stream.counters.lost == 0


def test_a_sequence_of_zero_in_a_numbered_stream_is_malformed() -> None:
    with Stream() as stream:
        stream.push(span(1, 1))
        assert stream.push(span(0, 0)) == ("bad_sequence", [])
        assert stream.push(heartbeat(0)) == ("heartbeat", [])
        assert stream.push(span(2, 2)) == ("delivered", [run(2, 2)])


GOOD = span(1, 3)

MALFORMED = [
    ("short", b""),
    ("short", GOOD[:19]),
    ("truncated", GOOD[:21]),
    ("truncated", GOOD[:-1]),
    ("truncated", packet(1, [b"abc"])[:-4] + b"\xff\xff\x00"),
    ("fewer_blocks", packet(1, [b"abc"], count=2)),
    ("fewer_blocks", packet(1, [], count=1)),
    ("fewer_blocks", packet(1, [b"abc"], count=0xFFFE)),
    ("trailing", GOOD + b"\0"),
    ("trailing", packet(1, [b"abc", b"d"], count=1)),
    ("trailing", heartbeat(1) + b"\0\0"),
    ("trailing", packet(1, [b"abc"], count=0xFFFF)),
    ("oversized", packet(1, [bytes(65508 - 22)])),
    ("bad_sequence", packet(2**64 - 1, [b"a"])),
    ("bad_sequence", packet(2**64 - 3, [b"a", b"b", b"c"])),
]


@pytest.mark.parametrize(("verdict", "payload"), MALFORMED)
def test_a_malformed_packet_is_counted_and_changes_nothing(verdict: str, payload: bytes) -> None:
    with Stream() as stream:
        assert stream.push(payload, line=1) == (verdict, [])
        assert stream.push(span(5, 6)) == ("delivered", [run(5, 6)])
        assert stream.push(payload, line=1) == (verdict, [])
        assert stream.push(span(7, 7)) == ("delivered", [run(7, 7)])
        assert stream.finish() == []
        assert verdicts(stream, 1) == {verdict: 2}
        assert (stream.counters.line[1].packets, stream.counters.lost) == (2, 0)


def test_the_largest_packet_and_the_last_sequence_number_pass() -> None:
    longest = [bytes([number]) * (65507 - 22 - 300) for number in (1,)] + [b"z" * 298]
    with Stream(window=2) as stream:
        stream.push(span(1, 1))
        assert len(packet(3, longest)) == 65507
        assert stream.push(packet(3, longest)) == ("held", [])
        assert stream.push(span(2, 2)) == ("delivered", [run(2, 2), Run(3, longest)])
        assert stream.push(packet(2**64 - 2, [b"a"])) == ("held", [])
        assert stream.finish() == [Run(2**64 - 2, [b"a"], gap=2**64 - 7)]


def test_an_impossible_window_or_line_is_refused() -> None:
    ffi, library = native.ffi(), native.library()
    for window, settle in [(0, 0), (1 << 20, 0), (4, 5)]:
        assert library.api_mold64_open(window, settle) == ffi.NULL
    with Stream() as stream, pytest.raises(AssertionError, match="line 4 is refused"):
        stream.push(span(1, 1), line=4)


def find_line(found: Any, ip: int, udp_port: int, payload: bytes) -> int:
    """Ask which line a datagram is of."""
    ffi = native.ffi()
    kept = ffi.new("uint8_t[]", payload)
    udp = ffi.new("struct frame_udp *", {"payload": kept, "length": len(payload), "ip": ip, "port": udp_port})
    return int(native.library().api_line_find(found, udp))


def test_the_first_two_destinations_of_feed_packets_are_the_lines() -> None:
    found = native.ffi().new("struct line_map *")
    assert find_line(found, 1, 53, b"something else that goes by") == -1
    assert find_line(found, 1, 100, heartbeat(1)) == 0
    assert find_line(found, 1, 101, span(1, 2)) == 1
    assert find_line(found, 1, 100, span(1, 2)) == 0
    assert find_line(found, 2, 100, span(1, 2)) == -1
    assert find_line(found, 1, 101, b"malformed, but to line B") == 1
    assert (found.found, found.other) == (2, 2)
    assert (list(found.ip), list(found.port)) == ([1, 1], [100, 101])


def test_the_real_captures_give_every_message_that_scapy_sees(data: Path) -> None:
    ffi, library = native.ffi(), native.library()
    for capture in sorted((data / "pcap" / "totalview_20230822").glob("*.pcap")):
        expected = []
        for seen in rdpcap(str(capture)):
            expected += [bytes(block.message) for block in MoldUdp64(bytes(seen[UDP].payload)).messages]
        found, udp = ffi.new("struct line_map *"), ffi.new("struct frame_udp *")
        counters = ffi.new("struct frame_counters *")
        delivered = []
        with Stream(settle=8) as stream:
            for frame in port.read(capture).frames:
                kept = ffi.new("uint8_t[]", frame.data)
                assert library.api_frame_parse(kept, len(frame.data), udp, counters) == 0
                line = library.api_line_find(found, udp)
                delivered += stream.push(bytes(ffi.buffer(udp.payload, udp.length)), line)[1]
            delivered += stream.finish()
        assert [body for each in delivered for body in each.messages] == expected
        assert [each.first for each in delivered] == list(range(1, len(expected) + 1))
