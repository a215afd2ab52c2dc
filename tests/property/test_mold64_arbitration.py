"""Arbitration of up to three lines that lose, double and reorder, against a model and against counting."""

from __future__ import annotations

from random import Random

from hypothesis import example, given
from hypothesis import strategies as st
from model.mold64 import Live, LiveModel, Model, Run, Stream, heartbeat, packet

Arrival = tuple[int, int, list[bytes]]  # line, first sequence, messages

RANDOM = st.randoms(use_true_random=False)


def stream_of(chance: Random, length: int) -> list[bytes]:
    """Messages that differ in length and content; some are empty."""
    return [chance.randbytes(chance.choice([0, 1, 12, 19, 36])) for _ in range(length)]


def cut(chance: Random, messages: list[bytes], first: int) -> list[tuple[int, list[bytes]]]:
    """Cut a stream into packets."""
    packets = []
    at = 0
    while at < len(messages):
        size = chance.randint(1, 5)
        packets.append((first + at, messages[at : at + size]))
        at += size
    return packets


def displaced(chance: Random, arrivals: list[Arrival], distance: int) -> list[Arrival]:
    """Let packets overtake each other, over a bounded distance."""
    places = {at: at + chance.randint(0, distance) for at in range(len(arrivals))}
    return [arrivals[at] for at in sorted(places, key=lambda at: (places[at], at))]


def arrivals_of(chance: Random, first: int, length: int, same_cut: bool) -> list[Arrival]:
    """Some lines of one stream, each with its own loss, duplication and order, as they arrive together."""
    messages = stream_of(chance, length)
    cuts = cut(chance, messages, first)
    together: list[tuple[int, Arrival]] = []
    for line in range(chance.randint(1, 3)):
        loss, doubling = chance.choice([0, 0.05, 0.3]), chance.choice([0, 0.1])
        packets = cuts if same_cut else cut(chance, messages, first)
        sent = [(line, *each) for each in packets if chance.random() >= loss]
        sent = [each for one in sent for each in [one] * (1 + (chance.random() < doubling))]
        sent = displaced(chance, sent, chance.choice([0, 1, 8]))
        delay = chance.randint(0, 10)
        together += [(at + delay, each) for at, each in enumerate(sent)]
    return [each for _, each in sorted(together, key=lambda timed: timed[0])]


def flat(runs: list[Run]) -> list[tuple[int, bytes]]:
    """Number every message of the runs."""
    return [numbered for run in runs for numbered in enumerate(run.messages, run.first)]


@given(chance=RANDOM, length=st.integers(1, 120), window=st.integers(1, 12), same_cut=st.booleans())
@example(chance=Random(1), length=120, window=1, same_cut=False)
def test_any_pattern_of_loss_and_reordering_gives_what_the_model_gives(
    chance: Random, length: int, window: int, same_cut: bool
) -> None:
    arrivals = arrivals_of(chance, chance.choice([1, 2**40]), length, same_cut)
    model = Model(window)
    runs: list[Run] = []
    with Stream(window) as stream:
        for line, first, messages in arrivals:
            runs += stream.push(packet(first, messages), line)[1]
            model.push(first, messages)
            assert flat(runs) == sorted(model.delivered.items())
        runs += stream.finish()
        model.finish()
        counters = stream.counters
    assert flat(runs) == sorted(model.delivered.items())
    assert counters.messages == len(model.delivered)
    assert counters.lost == sum(run.gap for run in runs) == len(model.lost)
    assert counters.gaps == sum(run.gap > 0 for run in runs)
    assert counters.held_peak <= window + 1
    assert sum(line.packets for line in counters.line) == len(arrivals)
    for line in counters.line:
        assert sum(line.by_verdict) == line.packets


@given(chance=RANDOM, length=st.integers(1, 100), same_cut=st.booleans())
def test_in_any_order_at_all_every_message_comes_exactly_once(
    chance: Random, length: int, same_cut: bool
) -> None:
    messages = stream_of(chance, length)
    cuts = cut(chance, messages, 77)
    arrivals = [
        (line, *each) for line in (0, 1) for each in (cuts if same_cut else cut(chance, messages, 77))
    ]
    arrivals += chance.sample(arrivals, chance.randint(0, len(arrivals)))
    chance.shuffle(arrivals)
    with Stream(window=len(arrivals), settle=len(arrivals)) as stream:
        runs = [
            run for line, first, bodies in arrivals for run in stream.push(packet(first, bodies), line)[1]
        ]
        assert stream.finish() == []
        assert stream.counters.lost == 0
    assert flat(runs) == list(enumerate(messages, 77))


@given(chance=RANDOM, length=st.integers(1, 100), window=st.integers(1, 8))
def test_every_message_between_first_and_last_is_delivered_or_lost(
    chance: Random, length: int, window: int
) -> None:
    arrivals = arrivals_of(chance, 1000, length, same_cut=True)
    with Stream(window) as stream:
        runs = stream.push(heartbeat(1000))[1]
        for line, first, messages in arrivals:
            runs += stream.push(packet(first, messages), line)[1]
        runs += stream.push(heartbeat(1000 + length))[1]
        runs += stream.finish()
    following = 1000
    for run in runs:
        assert run.first == following + run.gap
        following = run.first + len(run.messages)
    assert following == 1000 + length


@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(0, 3)), max_size=20))
def test_arbitrary_payloads_never_harm_the_stream(noise: list[tuple[bytes, int]]) -> None:
    with Stream(window=2, settle=1) as stream:
        for payload, line in noise:
            stream.push(payload, line)
        stream.finish()
        assert sum(line.packets for line in stream.counters.line) == len(noise)


def act(chance: Random, stream: Live, model: LiveModel) -> list[Run]:
    """Let the caller decide something, now and then."""
    match chance.choice(["hold", "join", "release", "give up", "nothing", "nothing"]):
        case "hold":
            stream.hold_all()
            model.holding = True
        case "join":
            # All that was ever known is known after the join: there is nothing to forget.
            stream.push(heartbeat(model.known_end))
            sequence = chance.randint(max(1, model.expected - 3), model.known_end + 2)
            model.delivered = [each for each in model.delivered if each[0] < sequence]
            model.join(sequence)
            return stream.join(sequence) or []
        case "release":
            model.holding = False
            model.release()
            return stream.release()
        case "give up":
            model.give_up()
            return stream.give_up()
    return []


@given(chance=RANDOM, length=st.integers(1, 120), window=st.integers(1, 12), same_cut=st.booleans())
def test_a_live_feed_gives_what_the_model_gives_whatever_its_caller_decides(
    chance: Random, length: int, window: int, same_cut: bool
) -> None:
    arrivals = arrivals_of(chance, chance.choice([1, 4]), length, same_cut)
    model = LiveModel(window)
    delivered: dict[int, bytes] = {}
    with Live(window) as stream:
        for line, first, messages in arrivals:
            if chance.random() < 0.1:
                delivered |= dict(flat(act(chance, stream, model)))
            verdict, runs = stream.push(packet(first, messages), line % 2)
            assert verdict == model.push(first, messages)
            delivered |= dict(flat(runs))
            assert delivered.items() >= dict(model.delivered).items()
            missing = [number for start, count in stream.gaps(500) for number in range(start, start + count)]
            sight = stream.sight
            assert missing == model.missing
            assert (sight.expected, sight.known_end, sight.missing) == (
                model.expected,
                model.known_end,
                len(missing),
            )
        assert (stream.counters.lost, stream.counters.dropped) == (model.lost, model.dropped)
        assert stream.counters.held_peak <= window
