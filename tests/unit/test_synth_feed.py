"""The feed file of the synthetic market as a whole: same seed same bytes, exact counts, the published mix."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from appliance.synth import Lines, Market, SynthError, SyntheticMarket, minimum_messages

# Shares of all messages of a NASDAQ day, in percent.
_PUBLISHED_MIX = {"AF": 43.6, "D": 42.6, "U": 8.1, "E": 2.1, "X": 1.0}


def feed(market: Market, chunk_bytes: int = 1 << 16) -> bytes:
    """Return a whole day, made in pieces of the given size."""
    with SyntheticMarket(market) as running:
        return b"".join(bytes(piece) for piece in running.chunks(chunk_bytes))


def types_of(data: bytes) -> bytes:
    """Return the type of each framed message; the framing must end with the data."""
    at, types = 0, bytearray()
    while at < len(data):
        types.append(data[at + 2])
        at += 2 + (data[at] << 8 | data[at + 1])
    assert at == len(data)
    return bytes(types)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first = feed(Market(30_000, 50, 3))
    assert first == feed(Market(30_000, 50, 3))
    assert first != feed(Market(30_000, 50, 4))


@pytest.mark.parametrize(
    ("lines", "digest"),
    [
        (None, "5a06f94d4fb15e3aa8b5c5a8c3a71def591b5e3042ef06d4ae89299ba7c58bde"),
        (
            Lines(loss_a=0.05, loss_b=0.01, loss_burst=3, same_gap=0.001, duplicate=0.02, reorder=0.03),
            "56fdbbaff88babe51b9aed35c2255ee457fd34f7bb85cc57c6a728dc089027af",
        ),
    ],
)
def test_the_bytes_are_those_of_every_other_machine(lines: Lines | None, digest: str) -> None:
    # Digests of what gcc -O0, gcc -O3 -march=native, and clang with sanitizers all made.
    assert hashlib.sha256(feed(Market(50_000, 300, 42, lines=lines))).hexdigest() == digest


def test_the_bytes_do_not_depend_on_the_size_of_the_pieces() -> None:
    whole = feed(Market(20_000, 20, 9), 1 << 20)
    assert whole == feed(Market(20_000, 20, 9), 2048)
    assert whole == feed(Market(20_000, 20, 9), 2111)


@pytest.mark.parametrize("symbols", [1, 2, 7, 8, 100, 65535])
def test_a_feed_has_exactly_as_many_messages_as_asked(symbols: int) -> None:
    least = minimum_messages(symbols)
    for messages in (least, least + 1, least + 2, least + 3, least + 17, least + 400, least + 5001):
        assert len(types_of(feed(Market(messages, symbols)))) == messages


def test_the_shortest_feed_is_directory_trading_actions_and_system_events() -> None:
    assert types_of(feed(Market(12, 3))) == b"SRRRHHHSSSSS"


def test_one_message_less_than_the_shortest_feed_is_refused_and_the_minimum_named() -> None:
    with pytest.raises(SynthError, match=r"11 messages are too few.*at least 12"):
        SyntheticMarket(Market(11, 3))


@pytest.mark.parametrize("symbols", [100, 8000])
def test_the_mix_is_that_of_a_nasdaq_day(symbols: int) -> None:
    data = feed(Market(1_000_000, symbols, 1))
    counts = np.bincount(np.frombuffer(types_of(data), dtype="u1"), minlength=256)
    assert counts.sum() == 1_000_000
    for types, percent in _PUBLISHED_MIX.items():
        share = 100 * sum(counts[ord(code)] for code in types) / counts.sum()
        assert abs(share - percent) < 1, f"{types}: {share:.2f} % instead of {percent} %"


def test_counters_tell_what_the_bytes_hold() -> None:
    with SyntheticMarket(Market(20_000, 20, 9)) as running:
        data = b"".join(bytes(piece) for piece in running.chunks())
        counters = running.counters()
    types = types_of(data)
    assert counters.messages == 20_000
    assert counters.bytes == len(data)
    assert counters.by_type == {chr(code): types.count(code) for code in sorted(set(types))}


@pytest.mark.parametrize(
    ("market", "words"),
    [
        (Market(1000, 0), "0 symbols"),
        (Market(10**6, 65536), "65536 symbols"),
        (Market(10**13, 1), "too many"),
        (Market(1000, 1, live_orders=2**31), "live orders"),
        (Market(1000, 1, seed=-1), "seed -1"),
        (Market(-5, 1), "messages -5"),
    ],
)
def test_a_market_that_cannot_be_is_refused_in_one_line(market: Market, words: str) -> None:
    with pytest.raises(SynthError, match=words) as refusal:
        SyntheticMarket(market)
    assert "\n" not in str(refusal.value)


def test_a_closed_market_and_a_small_buffer_are_refused() -> None:
    market = SyntheticMarket(Market(1000, 1))
    with pytest.raises(SynthError, match="too small"):
        market.fill(bytearray(100))
    market.close()
    market.close()
    with pytest.raises(SynthError, match="closed"):
        market.fill(bytearray(4096))
