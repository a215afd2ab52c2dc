"""The feed stage: sessions, gaps and odd packets of a capture, and what the books say after them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from model.feed import bid, capture
from model.messages import frame
from model.mold64 import end_of_session, heartbeat, packet
from model.records import BID, STALE

from appliance.book.software import BookLimits
from appliance.replay.feed import FeedFile, FeedFileError

LIMITS = BookLimits(orders=1024, order_pages=64, levels=1024, locates=100)
FIRST, SECOND, OTHER = b"FIRST     ", b"SECOND    ", b"OTHER     "


def bids(feed: FeedFile, locate: int = 1) -> list[tuple[int, ...]]:
    """Return (reference, price, quantity)."""
    queue: list[tuple[int, ...]] = feed.books.queue(locate, BID).tolist()
    return queue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the capture."""
    return tmp_path / "feed.pcap"


def read(path: Path) -> Iterator[FeedFile]:
    """Give the feed, read to its end."""
    with FeedFile(path, LIMITS) as feed:
        assert all(feed.advance())
        yield feed


def test_another_session_starts_with_empty_books_and_sequence_one(path: Path) -> None:
    capture(path, [
        packet(1, [bid(1, 100), bid(2, 101), bid(3, 50, 2, b"WXYZ    ")], FIRST),
        end_of_session(4, FIRST),
        packet(1, [bid(1, 200, 2)], SECOND),
    ])  # fmt: skip
    for feed in read(path):
        assert bids(feed) == []
        assert bids(feed, 2) == [(1, 200, 100)]
        assert feed.books.next_sequence == 2
        assert feed.books.counters["live_orders"] == feed.books.counters["live_levels"] == 1
        assert feed.books.counters["messages"] == 4
        assert feed.books.locate("WXYZ") is None, "the order of the second session says ABCD"
        assert feed.books.locate("ABCD") == 2
        assert not feed.stale
        packets = feed.packets()
        assert packets is not None
        assert (packets["sessions"], packets["lost"]) == (2, 0)


def test_what_a_book_lost_in_one_session_does_not_follow_it_into_the_next(path: Path) -> None:
    """Untrusted and stale both belong to the session that made them."""
    capture(path, [
        packet(1, [bid(level, level) for level in range(1, 6)], FIRST),
        packet(9, [bid(9, 9)], FIRST),
        end_of_session(10, FIRST),
        packet(1, [bid(1, 1)], SECOND),
    ])  # fmt: skip
    with FeedFile(path, BookLimits(orders=1024, order_pages=64, levels=4, locates=100)) as feed:
        assert all(feed.advance())
        assert not feed.stale
        assert int(feed.books.view(1)["flags"]) == 0
        assert feed.books.levels(1, BID).tolist() == [(1, 1, 100)]


def test_a_gap_that_nobody_fills_makes_the_feed_stale(path: Path) -> None:
    capture(path, [packet(1, [bid(1, 100)]), packet(3, [bid(3, 300)])])
    for feed in read(path):
        assert feed.stale
        assert int(feed.books.view(1)["flags"]) == STALE
        assert bids(feed) == [(3, 300, 100), (1, 100, 100)]
        packets = feed.packets()
        assert packets is not None
        assert packets["lost"] == 1


@pytest.mark.parametrize("last", [heartbeat(5), end_of_session(5)], ids=["heartbeat", "end of session"])
def test_a_gap_at_the_very_end_makes_the_feed_stale(path: Path, last: bytes) -> None:
    """The last packet says that three messages came which are not there."""
    capture(path, [packet(1, [bid(1, 100)]), last])
    for feed in read(path):
        assert feed.stale
        assert bids(feed) == [(1, 100, 100)]
        packets = feed.packets()
        assert packets is not None
        assert packets["lost"] == 3


def test_packets_of_a_session_that_nobody_announced_make_the_feed_stale(path: Path) -> None:
    capture(path, [packet(1, [bid(1, 100)], FIRST), packet(1, [bid(1, 999)], OTHER)])
    for feed in read(path):
        assert feed.stale
        assert bids(feed) == [(1, 100, 100)]


def test_a_whole_capture_of_one_session_is_not_stale(path: Path) -> None:
    capture(path, [packet(1, [bid(1, 100)]), packet(2, [bid(2, 90)]), heartbeat(3), end_of_session(3)])
    for feed in read(path):
        assert not feed.stale
        assert int(feed.books.view(1)["flags"]) == 0


def test_an_empty_block_takes_a_sequence_number_and_nobody_knows_whose(path: Path) -> None:
    capture(path, [packet(1, [bid(1, 100), b"", bid(3, 90)]), packet(4, [b""]), packet(5, [bid(5, 80)])])
    for feed in read(path):
        assert feed.stale
        assert feed.books.next_sequence == 6
        assert feed.books.counters["messages"] == 5
        assert bids(feed) == [(1, 100, 100), (3, 90, 100), (5, 80, 100)]


def test_a_message_of_a_wrong_length_makes_the_feed_stale(path: Path) -> None:
    capture(path, [packet(1, [bid(1, 100), bid(2, 90)[:-1]])])
    for feed in read(path):
        assert feed.stale
        assert feed.books.next_sequence == 3


def test_thousands_of_sessions_are_quickly_read(path: Path) -> None:
    """Each leaves orders behind; with pools as large as the default, clearing must not cost their size."""
    payloads = []
    for number in range(3000):
        session = f"{number:010}".encode()
        payloads += [packet(1, [bid(1, 100 + number), bid(5000, 50)], session), end_of_session(3, session)]
    capture(path, payloads)
    start = time.monotonic()
    with FeedFile(path) as feed:
        assert all(feed.advance())
        assert bids(feed) == [(1, 3099, 100), (5000, 50, 100)]
        assert feed.books.counters["messages"] == 6000
        assert not feed.stale
    assert time.monotonic() - start < 20


def test_a_session_can_use_the_pools_anew(path: Path) -> None:
    """Each of them takes all orders, pages and levels there are."""
    payloads = []
    for number in range(20):
        session = f"{number:010}".encode()
        run = [bid(number + 1024 * turn, 10 + turn, 1 + number) for turn in range(4)]
        payloads += [packet(1, run, session), end_of_session(5, session)]
    capture(path, payloads)
    with FeedFile(path, BookLimits(orders=4, order_pages=4, levels=4, locates=100)) as feed:
        assert all(feed.advance())
        counters = feed.books.counters
        assert [counters[name] for name in ("no_order", "no_order_page", "no_level", "untrusted_books")] == [
            0
        ] * 4
        assert [px for _, px, _ in bids(feed, 20)] == [13, 12, 11, 10]
        assert not feed.stale


@pytest.mark.parametrize("depth", [1, 3])
def test_a_trace_goes_on_through_another_session(path: Path, depth: int) -> None:
    capture(path, [
        packet(1, [bid(1, 100), bid(2, 101)], FIRST),
        end_of_session(3, FIRST),
        packet(1, [bid(1, 200)], SECOND),
    ])  # fmt: skip
    with FeedFile(path, LIMITS) as feed:
        rows = b"".join(feed.trace(depth, None)).decode().splitlines()
    best = [row.split(",")[:9] for row in rows]
    assert best == [
        ["1", "0", "1", "ABCD", "A", "0", "0", "100", "100"],
        ["2", "0", "1", "ABCD", "A", "0", "0", "101", "100"],
        ["1", "0", "1", "ABCD", "A", "0", "0", "200", "100"],
    ]


def test_a_file_with_a_message_of_no_bytes_is_an_error_of_the_file(tmp_path: Path) -> None:
    """Only packets may carry one."""
    path = tmp_path / "feed.itch"
    path.write_bytes(frame([bid(1, 100), b"", bid(2, 90)]))
    with FeedFile(path, LIMITS) as feed, pytest.raises(FeedFileError, match=r"feed\.itch"):
        assert all(feed.advance())
