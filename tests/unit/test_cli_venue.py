"""What ``appliance venue`` refuses, and what it says about itself."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from model.command import appliance, refusal
from model.exchange import Lines
from model.messages import frame, message

from appliance.cli.venue import command
from appliance.errors import ApplianceError
from appliance.synth import Market, write_feed

ANY_PORTS = ("--requests", "127.0.0.1:0", "--snapshots", "127.0.0.1:0")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "what to send?"),
        (["--messages", "100000", "--file", "x"], "only a synthetic market has it"),
        (["--file", "/nonexistent/day"], "no such file"),
        (["--messages", "1"], "messages"),
        (["--messages", "5000", "--loss", "A:2"], "loss 2: needs 0 to 1"),
        (["--messages", "5000", "--loss", "C:0.1"], "write it as"),
        (["--messages", "5000", "--loss", "nan"], "loss nan"),
        (["--messages", "5000", "--reorder-depth", "1001"], "needs 1 to 1000"),
        (["--messages", "5000", "--blackout", "A:1"], "LINE:START:SECONDS"),
        (["--messages", "5000", "--blackout", "A:-1:2"], "blackout start"),
        (["--messages", "5000", *["--blackout", "A:1:2"] * 17], "at most 16"),
        (["--messages", "5000", "--days", "2", "--session", "MONDAY"], "do not count to 2"),
        (["--messages", "5000", "--session", "A" * 11], "1 to 10 printable"),
        (["--messages", "5000", "--group-a", "10.0.0.1:26400"], "multicast group"),
        (["--messages", "5000", "--group-a", "239.192.1.2:26401"], "different ones"),
        (["--messages", "5000", "--requests", "here"], "ADDRESS:PORT"),
        (["--messages", "5000", "--speed", "2"], "add --pace recorded"),
        (["--messages", "5000", "--rate", "5", "--pace", "recorded"], "use --speed"),
        (["--messages", "5000", "--user", "toolong", "--password", "x"], "up to 6"),
        (["--messages", "5000", "--password", "x"], "name the user too"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_reason(words: list[str], why: str) -> None:
    with pytest.raises(ApplianceError) as refused:
        command.main(words, standalone_mode=False)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_the_machine_does_not_have_is_refused_in_one_line() -> None:
    assert "retransmission at 192.0.2.1:5" in refusal(
        "venue", "--messages", 5000, "--requests", "192.0.2.1:5"
    )
    assert "core 1023" in refusal("venue", "--messages", 5000, "--core", 1023, *ANY_PORTS)
    assert "interface" in refusal("venue", "--messages", 5000, "--interface", "192.0.2.1", *ANY_PORTS)


def test_a_capture_is_no_day_and_a_message_longer_than_a_packet_is_named(tmp_path: Path) -> None:
    capture = tmp_path / "day.pcap"
    write_feed(Market(5_000, 10, 1), str(tmp_path / "day.itch"))
    capture.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000") + bytes(16))
    assert refusal("venue", "--file", capture).startswith("appliance: ")
    long = tmp_path / "long.itch"
    long.write_bytes(frame([message("S", 0, 1, b"O"), bytes([ord("S")]) * 1379]))
    assert "message 2 at byte 14 has 1379 bytes" in refusal("venue", "--file", long)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    day = tmp_path / "day.itch"
    write_feed(Market(1_000, 10, 1), str(day))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"retransmission at {where}" in refusal("venue", "--file", day, "--requests", where)


def test_it_says_in_words_where_it_is_and_what_it_did() -> None:
    with Lines() as lines:
        done = appliance(
            "venue", "--messages", 2000, "--symbols", 10, *ANY_PORTS, "--lead-in", "0.1", "--linger", 0,
            *lines.options,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ready, *report = done.stdout.splitlines()
    assert ready.startswith(f"venue ready: groups {lines.groups[0]}:{lines.ports[0]} and {lines.groups[1]}:")
    assert "retransmission at 127.0.0.1:" in ready
    assert "snapshots at 127.0.0.1:" in ready
    assert [line.split()[0] for line in report] == [
        "messages", "sessions", "line", "line", "requests", "snapshots", "digest",
    ]  # fmt: skip
    assert "2,000" in report[0]
