"""The software book and the feed file as Python objects: closed ones say so, and long runs go in pieces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model.book import Model
from model.messages import message

from appliance.book.software import BookError, BookMemoryError, SoftwareBook
from appliance.errors import ApplianceError
from appliance.native import NativeError
from appliance.replay.feed import FeedFile, FeedFileError
from appliance.synth import Market, SyntheticMarket

SMALL = {"orders": 1 << 16, "order_pages": 1024, "levels": 1 << 14, "locates": 16}

BOOK_CALLS: dict[str, Callable[[SoftwareBook], Any]] = {
    "feed": lambda books: books.feed(b""),
    "feed from a sequence number": lambda books: books.feed(b"", 1),
    "view": lambda books: books.view(1),
    "levels": lambda books: books.levels(1, 0),
    "queue": lambda books: books.queue(1, 0),
    "locate": lambda books: books.locate("X"),
    "next_sequence": lambda books: books.next_sequence,
    "counters": lambda books: books.counters,
    "by_type": lambda books: books.by_type,
    "digest": lambda books: books.digest,
    "depth_digest": lambda books: books.depth_digest(),
}
FEED_CALLS: dict[str, Callable[[FeedFile], Any]] = {
    "advance": lambda feed: list(feed.advance()),
    "trace": lambda feed: list(feed.trace(1, None)),
    "books": lambda feed: feed.books.digest,
    "progress": lambda feed: feed.progress,
    "stale": lambda feed: feed.stale,
    "packets": lambda feed: feed.packets(),
}


@pytest.fixture(scope="module")
def framed() -> bytes:
    """Return a synthetic day of more bytes than go into the books at once."""
    with SyntheticMarket(Market(60_000, 12, 3)) as market:
        return b"".join(bytes(piece) for piece in market.chunks())


@pytest.fixture
def day(tmp_path: Path, framed: bytes) -> Path:
    """Write that day as a file."""
    path = tmp_path / "day.itch"
    path.write_bytes(framed)
    return path


@pytest.mark.parametrize("call", BOOK_CALLS)
def test_closed_books_say_so(call: str) -> None:
    books = SoftwareBook(**SMALL)
    books.close()
    books.close()
    with pytest.raises(BookError, match="closed"):
        BOOK_CALLS[call](books)


@pytest.mark.parametrize("call", FEED_CALLS)
def test_a_closed_feed_file_says_so(call: str, day: Path) -> None:
    with FeedFile(day) as feed:
        pass
    feed.close()
    with pytest.raises(FeedFileError, match=r"day\.itch.*closed"):
        FEED_CALLS[call](feed)


def test_the_books_of_a_feed_file_go_with_it(day: Path) -> None:
    with FeedFile(day) as feed:
        books = feed.books
        list(feed.advance())
        assert books.counters["messages"] == 60_000
        books.close()
        with pytest.raises(BookError, match="closed"):
            books.view(1)
        assert feed.books.counters["messages"] == 60_000  # closing what was borrowed harms nobody
        kept = feed.books
    with pytest.raises(FeedFileError, match="closed"):
        kept.view(1)


def test_a_trace_ends_with_its_feed_file(day: Path) -> None:
    with FeedFile(day) as feed:
        trace = feed.trace(1, None)
        assert next(trace).count(b"\n") < 50_000  # and more to come
    with pytest.raises(FeedFileError, match="closed"):
        next(trace)


def test_a_lack_of_memory_is_no_missing_library() -> None:
    assert issubclass(BookMemoryError, ApplianceError)
    assert not issubclass(BookMemoryError, NativeError)


class Counting:
    """The C library, and how many bytes of a run were given to it."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.given = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def api_book_feed(self, handle: Any, run: Any, size: int, *others: Any) -> int:
        """Count, and pass on."""
        self.given += size
        return int(self._inner.api_book_feed(handle, run, size, *others))


def test_a_long_run_is_copied_in_pieces() -> None:
    # System events are the shortest messages there are: many steps of the most messages that go at once.
    run = message("S", 0, 0, b"O")
    run = (len(run).to_bytes(2, "big") + run) * 500_000
    with SoftwareBook(**SMALL) as books:
        counting = Counting(books._c)
        books._c = counting
        books.feed(run)
        assert books.counters["messages"] == 500_000
    assert len(run) <= counting.given <= 3 * len(run)


def test_pieces_end_in_mid_message_and_lose_none(framed: bytes) -> None:
    assert len(framed) > 1 << 20
    model = Model()
    expected = model.feed(framed)
    with SoftwareBook(**SMALL) as books:
        events = books.feed(framed)
        assert len(events) == len(expected)
        assert books.digest == model.digest
        assert books.next_sequence == 60_001


def test_the_longest_message_fits_into_a_piece() -> None:
    longest = (65_535).to_bytes(2, "big") + bytes(65_535)
    with SoftwareBook(**SMALL) as books:
        books.feed(longest * 40)
        assert books.next_sequence == 41
