"""The sessions of a journal: what each life of a data plane was told, and what it took in and sent."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from appliance.dataplane import Segment
from appliance.dataplane.plan import STAGES
from appliance.errors import ApplianceError
from appliance.journal import Journal, Record
from appliance.native import dtype, ffi

FEED, STRATEGY, DECISION, GATEWAY, CONTROL = range(5)
_SLACK = 64  # readable bytes behind the last record
_SYMBOL_BYTES = 8


class ReplayError(ApplianceError):
    """A session that cannot be lived through again."""


def kind(name: str) -> int:
    """Return the number of a kind of record."""
    return int(ffi().typeof("enum journal_kind").relements[f"JOURNAL_{name.upper()}"])


def told(segment: Segment, wall_ns: int) -> bytes:
    """Return what a data plane was told, for the journal: its session, plan, limits and symbols."""
    head = np.zeros(1, dtype("journal_session"))
    head["pid"], head["wall_ns"] = segment.pid, wall_ns
    head["cycles_per_s"], head["cycles"] = segment.cycles_per_s, segment.started_cycles
    head["placement"], head["name"] = segment.plan["trading"]["groups"], segment.name.encode()[:31]
    symbols = np.ascontiguousarray(segment.views["symbol"]).tobytes()
    return b"".join((head.tobytes(), segment.plan.tobytes(), segment.trading["limits"].tobytes(), symbols))


@dataclass(frozen=True)
class Told:
    """What one life of a data plane was told."""

    pid: int
    wall_ns: int
    plan: Any
    limits: Any
    symbols: tuple[str, ...]

    @classmethod
    def of(cls, payload: bytes) -> Told:
        """Read it back."""
        head_bytes, plan_bytes = dtype("journal_session").itemsize, dtype("plan").itemsize
        limits_type = dtype("shm_trading")["limits"]
        start = head_bytes + plan_bytes + limits_type.itemsize
        if len(payload) <= start or (len(payload) - start) % _SYMBOL_BYTES:
            raise ReplayError("the journal's record of what the data plane was told is of another build")
        head = np.frombuffer(payload, dtype("journal_session"), 1)[0]
        symbols = [
            payload[at : at + _SYMBOL_BYTES].rstrip(b" \0").decode()
            for at in range(start, len(payload), _SYMBOL_BYTES)
        ]
        return cls(
            pid=int(head["pid"]),
            wall_ns=int(head["wall_ns"]),
            plan=np.frombuffer(payload, dtype("plan"), 1, head_bytes)[0],
            limits=np.frombuffer(payload, limits_type.base, limits_type.shape[0], head_bytes + plan_bytes),
            symbols=tuple(symbols),
        )

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The threads that its stages ran on."""
        of = [int(number) for number in self.plan["trading"]["group"]]
        return tuple(
            tuple(stage for stage, group in zip(STAGES, of, strict=True) if group == number)
            for number in range(int(self.plan["trading"]["groups"]))
        )


@dataclass
class Session:
    """One life of a data plane as the journal has it: its records by stream, in their order."""

    told: Told
    streams: dict[int, list[Record]]

    @property
    def orders(self) -> list[bytes]:
        """Every order with the bytes that were sent."""
        return [record.payload for record in self.streams[GATEWAY] if record.kind == kind("order")]

    def count(self, name: str, stream: int) -> int:
        """Return how many records of a kind a stream has."""
        wanted = kind(name)
        return sum(record.kind == wanted for record in self.streams[stream])

    @property
    def lost(self) -> Record | None:
        """The first record that says that others are missing, if there is one."""
        return next(
            (one for stream in range(4) for one in self.streams[stream] if one.kind == kind("lost")), None
        )

    def memory(self) -> int:
        """Return an open file with all inputs, as the data plane takes them."""
        parts = [b"".join(_whole(record) for record in self.streams[stream]) for stream in range(3)]
        head = np.array([*(len(part) for part in parts), 0], np.uint64).tobytes()
        file = os.memfd_create("replay", os.MFD_CLOEXEC)
        os.ftruncate(file, len(head) + sum(map(len, parts)) + _SLACK)
        with mmap.mmap(file, 0) as memory:
            at = 0
            for part in (head, *parts):
                memory[at : at + len(part)] = part
                at += len(part)
        return file


def _whole(record: Record) -> bytes:
    """Return a record as it stands in a segment: header, payload, zeros up to a multiple of 8."""
    head = np.zeros(1, dtype("journal_record"))
    head["bytes"], head["kind"], head["stream"] = len(record.payload), record.kind, record.stream
    head["number"], head["cycles"] = record.number, record.cycles
    return head.tobytes() + record.payload + bytes(-len(record.payload) % 8)


def sessions(journal: Journal) -> Iterator[Session]:
    """Give the sessions of a journal, the oldest first."""
    streams: dict[int, list[list[Record]]] = {stream: [] for stream in range(4)}
    tellings: list[Told] = []
    start = kind("session")
    for record in journal.records():
        if record.stream == CONTROL:
            if record.kind == start:
                tellings.append(Told.of(record.payload))
        elif record.stream in streams:
            if record.kind == start:
                streams[record.stream].append([])
            if streams[record.stream]:
                streams[record.stream][-1].append(record)
    for telling in tellings:
        found = {stream: _life(lives, telling) for stream, lives in streams.items()}
        yield Session(telling, {stream: records or [] for stream, records in found.items()})


def _life(lives: Sequence[list[Record]], telling: Told) -> list[Record] | None:
    """Find the life of one process: its number, and of several lives of one number the nearest in time."""
    starts = [(np.frombuffer(life[0].payload, dtype("journal_session"), 1)[0], life) for life in lives]
    ours = [(head, life) for head, life in starts if int(head["pid"]) == telling.pid]
    if not ours:
        return None
    return min(ours, key=lambda one: abs(int(one[0]["wall_ns"]) - telling.wall_ns))[1]
