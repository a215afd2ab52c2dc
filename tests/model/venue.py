"""A small world in whole ticks: a venue with two lines and two servers, a receiver, and its one book.

The book is the list of the messages that were applied to it. It is right when that is every message from the
first to the last of which a packet has told; the recovery must never call it whole when it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from model.mold64 import SESSION, Live, Run, end_of_session, heartbeat, packet
from model.recovery import Machine, Wish

Timed = tuple[int, bytes]
OTHER = b"SOMEBODY  "
REQUEST_SERVERS = ["none", "good", "slow", "partial", "wrong", "silent", "moody"]
SNAPSHOT_SERVERS = ["none", "good", "slow", "refuses", "breaks off", "silent", "moody", "behind"]


def body(number: int) -> bytes:
    """Message `number` of the day."""
    return b"%d" % number * (number % 3)


def data(first: int, count: int) -> bytes:
    """A packet of the day."""
    return packet(first, [body(number) for number in range(first, first + count)])


@dataclass
class Snapshot:
    """One that is under way: when it begins, when it is over, and what then."""

    begins: int
    ends: int
    sequence: int
    is_whole: bool


@dataclass
class Venue:
    """Sends a day on two lines, and answers requests, as it was drawn."""

    chance: Random
    messages: int
    loss: tuple[float, float]
    requests: str
    snapshots: str
    blackouts: list[tuple[int, int]] = field(default_factory=list)
    sent: int = 0

    def lines(self, now: int) -> list[tuple[int, bytes]]:
        """Return what arrives in this tick: line, payload."""
        count = min(self.chance.randint(0, 4), self.messages - self.sent)
        if count:
            payload = data(self.sent + 1, count)
        elif self.sent < self.messages:
            payload = heartbeat(self.sent + 1)
        else:
            payload = end_of_session(self.sent + 1)
        self.sent += count
        dark = any(start <= now < end for start, end in self.blackouts)
        ends = self.sent == self.messages and not count
        return [
            (line, payload)
            for line in (0, 1)
            if not dark and (ends or self.chance.random() >= self.loss[line])
        ]

    def reply(self, now: int, first: int, count: int) -> list[Timed]:
        """Answer a request: packets, and when they arrive."""
        served = min(count, self.sent + 1 - first)
        kind = self.requests
        if kind == "moody":
            kind = self.chance.choice(["good", "slow", "partial", "wrong", "silent"])
        if kind == "silent" or served <= 0:
            return []
        if kind == "wrong":
            lie = self.chance.choice(
                [heartbeat(first), data(self.sent + 9, 2), packet(first, [b"?"], OTHER), b"no"]
            )
            return [(now + 2, lie)]
        if kind == "partial":
            served = self.chance.randint(1, served)
        return [(now + (40 if kind == "slow" else 2), data(first, served))]

    def snapshot(self, now: int) -> Snapshot | None:
        """Answer a login."""
        kind = self.snapshots
        if kind == "moody":
            kind = self.chance.choice(["good", "slow", "refuses", "breaks off", "silent", "behind"])
        behind = self.chance.randint(0, 6) if kind == "behind" else 0
        sequence = max(self.sent + 1 - behind, 1)
        never = 1 << 40
        return {
            "good": Snapshot(now + 2, now + 6, sequence, True),
            "behind": Snapshot(now + 2, now + 6, sequence, True),
            "slow": Snapshot(now + 10, now + 60, sequence, True),
            "refuses": Snapshot(never, now + 2, 0, False),
            "breaks off": Snapshot(now + 2, now + 6, 0, False),
            "silent": None,
        }[kind]


@dataclass
class Receiver:
    """What the feed's thread does, with a list for a book."""

    venue: Venue
    stream: Live
    machine: Machine
    now: int = 0
    applied: list[int] = field(default_factory=list)
    known: int = 0  # the last message of which a packet has told
    is_in_doubt: bool = False
    replies: list[Timed] = field(default_factory=list)
    snapshot: Snapshot | None = None
    asked: list[Wish] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)

    def take(self, runs: list[Run]) -> None:
        """Apply messages."""
        for run in runs:
            assert run.messages == [
                body(number) for number in range(run.first, run.first + len(run.messages))
            ]
            self.applied += range(run.first, run.first + len(run.messages))
            self.is_in_doubt |= run.gap > 0

    def tick(self) -> None:
        """One round."""
        self.now += 1
        for line, payload in self.venue.lines(self.now):
            verdict, runs = self.stream.push(payload, line)
            if verdict != "far_ahead":
                self.known = self.venue.sent
            self.take(runs)
        for _, payload in [each for each in self.replies if each[0] <= self.now]:
            self.take(self.stream.push(payload, 2)[1])
        self.replies = [each for each in self.replies if each[0] > self.now]
        self._follow_snapshot()
        self._look("")

    def _follow_snapshot(self) -> None:
        snapshot = self.snapshot
        if snapshot is None or self.machine.state != "JOINING":
            self.snapshot = None
            return
        if snapshot.begins == self.now:
            self.applied = []
            self.is_in_doubt = True
            self._look("begun")
        if snapshot.ends != self.now:
            return
        self.snapshot = None
        if not snapshot.is_whole:
            self._look("failed")
            return
        runs = self.stream.join(snapshot.sequence, SESSION)
        if runs is None:  # further ahead than is believed: the lines are dark
            self._look("failed")
            return
        self.applied = list(range(1, snapshot.sequence))
        self.known = max(self.known, snapshot.sequence - 1)
        self.is_in_doubt = False
        self.take(runs)
        self._look("joined")

    def _look(self, news: str) -> None:
        acts: dict[str, Callable[[Wish], None]] = {
            "ASK": self._ask,
            "FETCH": self._fetch,
            "GIVE_UP": lambda _: self.take(self.stream.give_up()),
            "GO_ON": lambda _: self.take(self.stream.release()),
            "LEAVE": lambda _: self.stream.leave(),
        }
        for wish in self.machine.look_at(self.now, self.stream, news, self.is_in_doubt):
            acts[wish.action](wish)

    def _ask(self, wish: Wish) -> None:
        self.asked.append(wish)
        self.replies += self.venue.reply(self.now, wish.first, wish.messages)

    def _fetch(self, _: Wish) -> None:
        self.fetched.append(self.now)
        self.stream.hold_all()
        self.snapshot = self.venue.snapshot(self.now)

    @property
    def is_right(self) -> bool:
        """The book holds all that is known to exist, each once and in order."""
        return self.applied == list(range(1, self.known + 1))
