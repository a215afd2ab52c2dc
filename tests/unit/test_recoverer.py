"""What the recoverer does with a retransmission server, good or bad."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from model.messages import message
from model.mold64 import packet
from model.recoverer import Record, Recoverer, address
from model.servers import RequestServer

SESSION = b"LIVE-FEED1"
ADD = message("A", 1, 5, 1, b"B", 100, b"REQ     ", 5000)
LONGEST_UDP = 65507


@pytest.fixture
def server() -> Iterator[RequestServer]:
    with RequestServer() as server:
        yield server


@pytest.fixture
def recoverer(server: RequestServer) -> Iterator[Recoverer]:
    with Recoverer(request_port=server.port) as recoverer:
        yield recoverer


def test_a_request_is_session_first_and_count_in_20_bytes(
    recoverer: Recoverer, server: RequestServer
) -> None:
    assert recoverer.ask(SESSION, 2**63 + 5, 300)
    assert server.hear()[:3] == (SESSION, 2**63 + 5, 300)
    recoverer.wait_until(requests=1)
    assert recoverer.counters == {"requests": 1}


def test_each_wish_is_one_request_in_the_order_of_the_wishes(
    recoverer: Recoverer, server: RequestServer
) -> None:
    for first in range(1, 101):
        assert recoverer.ask(SESSION, first, 1)
    assert [server.hear().first for _ in range(100)] == list(range(1, 101))


def test_a_request_never_asks_for_so_many_that_the_count_is_the_mark_of_the_end(
    recoverer: Recoverer, server: RequestServer
) -> None:
    for count in (65533, 65534, 65535, 65536, 2**32 - 1):
        assert recoverer.ask(SESSION, 1, count)
    assert [server.hear().messages for _ in range(5)] == [65533, 65534, 65534, 65534, 65534]


def test_a_reply_is_handed_on_as_it_came(recoverer: Recoverer, server: RequestServer) -> None:
    recoverer.ask(SESSION, 7, 2)
    reply = packet(7, [ADD, ADD], SESSION)
    server.say(server.hear().client, reply)
    assert recoverer.take() == Record("packet", reply, 0, 0)
    assert recoverer.counters == {"requests": 1, "replies": 1}


def test_what_is_wrong_inside_a_reply_is_handed_on_too_for_the_arbitration_to_count(
    recoverer: Recoverer, server: RequestServer
) -> None:
    recoverer.ask(SESSION, 7, 2)
    replies = [
        packet(7, [ADD], SESSION, count=9),
        packet(7, [ADD], SESSION)[:-1],
        packet(1000, [], SESSION),
        packet(7, [ADD], SESSION) + b"behind it",
        (SESSION + bytes(10)).ljust(LONGEST_UDP, b"x"),
    ]
    server.say(server.hear().client, *replies)
    assert [recoverer.take().data for _ in replies] == replies


def test_a_reply_of_another_session_or_without_a_header_is_strange(
    recoverer: Recoverer, server: RequestServer
) -> None:
    recoverer.ask(SESSION, 1, 1)
    client = server.hear().client
    server.say(client, packet(1, [ADD], b"ANOTHER---"), b"", b"garbage", SESSION + bytes(9))
    good = packet(1, [ADD], SESSION)
    server.say(client, good)
    assert recoverer.take().data == good
    assert recoverer.counters == {"requests": 1, "replies": 1, "strange_replies": 4}


def test_a_late_reply_of_the_session_before_is_strange(recoverer: Recoverer, server: RequestServer) -> None:
    recoverer.ask(b"YESTERDAY-", 1, 1)
    server.hear()
    recoverer.ask(SESSION, 1, 1)
    server.say(server.hear().client, packet(1, [ADD], b"YESTERDAY-"))
    recoverer.wait_until(strange_replies=1)
    assert recoverer.look() is None


def test_a_reply_from_another_port_or_address_is_strange(recoverer: Recoverer, server: RequestServer) -> None:
    recoverer.ask(SESSION, 1, 1)
    client = server.hear().client
    good = packet(1, [ADD], SESSION)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_port:
        other_port.sendto(good, client)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_address:
        other_address.bind(("127.0.0.2", server.port))
        other_address.sendto(good, client)
    recoverer.wait_until(strange_replies=2)
    assert recoverer.look() is None


def test_a_flood_of_replies_waits_its_turn_and_keeps_its_order(
    recoverer: Recoverer, server: RequestServer
) -> None:
    """Two replies for each that is taken, of sizes that fall anywhere in the ring."""
    recoverer.ask(SESSION, 1, 1)
    client = server.hear().client
    taken = []
    for first in range(1, 1001, 2):
        body = [ADD] * (first % 30)
        server.say(client, packet(first, body, SESSION), packet(first + 1, body, SESSION))
        taken.append(recoverer.take())
    taken += [recoverer.take() for _ in range(500)]
    assert [int.from_bytes(record.data[10:18], "big") for record in taken] == list(range(1, 1001))


def test_replies_that_nobody_takes_wait_for_room_in_the_kernel(
    recoverer: Recoverer, server: RequestServer
) -> None:
    recoverer.ask(SESSION, 1, 1)
    client = server.hear().client
    large = (SESSION + bytes(10)).ljust(60000, b"x")
    sent = 0
    while "waits_for_room" not in recoverer.counters:
        server.say(client, large)
        sent += 1
        recoverer.wait_until(replies=sent)
        time.sleep(0.005)  # so it looks for room again
    server.say(client, b"another" + large, large)
    assert recoverer.counters == {"requests": 1, "replies": sent, "waits_for_room": 1}
    for _ in range(sent + 1):
        assert recoverer.take().data == large
    assert recoverer.counters["strange_replies"] == 1


def test_a_request_that_cannot_be_sent_is_counted() -> None:
    """The kernel lets nobody send to the broadcast address who has not asked to."""
    with Recoverer(request_port=9, request_ip=address("255.255.255.255")) as recoverer:
        recoverer.ask(SESSION, 1, 1)
        recoverer.wait_until(send_failures=1)
        assert recoverer.counters == {"send_failures": 1}


def test_without_a_server_a_request_is_a_failure_to_send() -> None:
    with Recoverer() as recoverer:
        recoverer.ask(SESSION, 1, 1)
        recoverer.wait_until(send_failures=1)
        assert recoverer.look() is None


def test_a_silent_server_brings_nothing_and_holds_nothing_up(server: RequestServer) -> None:
    recoverer = Recoverer(request_port=server.port)
    recoverer.ask(SESSION, 1, 1)
    server.hear()
    assert recoverer.look() is None
    recoverer.close()


def threads() -> set[int]:
    """List the threads of this process."""
    return {int(task.name) for task in Path("/proc/self/task").iterdir()}


def test_it_runs_on_the_core_it_is_given() -> None:
    core = max(os.sched_getaffinity(0))
    before = threads()
    with Recoverer(core=core):
        (new,) = threads() - before
        assert os.sched_getaffinity(new) == {core}


@pytest.mark.parametrize("core", [1023, 1024, 2**31 - 1])
def test_a_core_that_is_not_there_is_refused_by_its_number(core: int) -> None:
    with pytest.raises(ValueError, match=rf"its thread on core {core}: there is no such core"):
        Recoverer(core=core)
