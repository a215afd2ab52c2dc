"""The shared segment: made here, written by the data plane, read by all. ``abi.h`` says what is in it."""

from __future__ import annotations

import fcntl
import grp
import mmap
import os
import pwd
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from appliance.dataplane.plan import PlanLike, longest_path, most_symbols
from appliance.errors import ApplianceError
from appliance.native import abi_hash, constants, dtype, ffi

_DIRECTORY = Path("/dev/shm")
_PATIENCE_S = 1.0
_DOUBT_S = 0.005  # then it is asked whether the writer lives at all
_LINE = 64


class SegmentError(ApplianceError):
    """The segment is missing, or another build wrote it."""


def create_segment(name: str, plan: PlanLike) -> int:
    """Make and lock a segment with this plan in it; returns the open file, which holds the lock.

    One that a dead data plane left behind is replaced; one that is still locked is not touched.
    """
    if not name or "/" in name or len(name) >= 64 or name.startswith("."):
        raise SegmentError(f"segment '{name}': a name has 1 to 63 characters, no '/', and no '.' in front")
    if not 1 <= len(plan.symbols) <= most_symbols():
        raise SegmentError(f"{len(plan.symbols)} symbols: a data plane publishes 1 to {most_symbols()}")
    for port in plan.ports:
        if len(os.fsencode(port.where)) > longest_path():
            raise SegmentError(f"{port.where[:60]}...: a name of at most {longest_path()} bytes, please")
    file = _take_name(_DIRECTORY / name)
    try:
        memory = _laid_out(name, plan)
        os.posix_fallocate(file, 0, len(memory))  # a full file system says so now, not when a page is touched
        # All but the magic, then the magic: who finds it finds the rest.
        os.pwrite(file, memory[8:], 8)
        os.pwrite(file, memory[:8], 0)
    except OSError as error:
        (_DIRECTORY / name).unlink(missing_ok=True)
        os.close(file)
        raise SegmentError(f"{_DIRECTORY / name}: {error.strerror}: is there room in /dev/shm?") from None
    return file


def _take_name(path: Path) -> int:
    """Return a new file of this name, locked. The kernel gives up the lock when its last holder dies."""
    deadline = time.monotonic() + 0.05
    for _ in range(1000):
        try:
            fresh = True
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except FileExistsError:
            fresh = False
            try:
                file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise SegmentError(f"{path}: {error.strerror}") from None
        except OSError as error:
            raise SegmentError(f"{path}: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            locked = False
        if locked and _leads_to(path, file):
            if fresh:
                return file
            path.unlink(missing_ok=True)
        os.close(file)
        if not locked and not fresh and time.monotonic() < deadline:
            time.sleep(0.002)  # a reader who looks whether it lives holds it for a moment
        elif not locked and not fresh:
            raise SegmentError(
                f"{path}: a data plane of this name is running: stop it, or choose another name"
            )
    raise SegmentError(f"{path}: others keep taking this name: choose another")


def _leads_to(path: Path, file: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False


def _round_up(size: int) -> int:
    return -(-size // _LINE) * _LINE


def _laid_out(name: str, plan: PlanLike) -> bytes:
    header = np.zeros(1, dtype("shm_header"))[0]
    record = plan.record()
    views = np.zeros(len(plan.symbols), dtype("book_view"))
    views["symbol"] = [symbol.ljust(8).encode() for symbol in plan.symbols]
    # Until the data plane knows better, nothing may be traded on; it may take long to start.
    views["flags"] = ffi().typeof("enum book_flag").relements["BOOK_STALE"]
    header["live"]["stale_books"] = len(views)
    header["magic"] = constants()["ABI_MAGIC"]
    header["abi_hash"] = np.frombuffer(abi_hash(), np.uint8)
    header["plan_offset"] = _round_up(header.nbytes)
    header["views_offset"] = _round_up(int(header["plan_offset"]) + record.nbytes)
    header["stats_offset"] = _round_up(int(header["views_offset"]) + views.nbytes)
    header["bytes"] = int(header["stats_offset"]) + dtype("shm_stats").itemsize
    parts = [(0, header), (header["plan_offset"], record), (header["views_offset"], views)]
    if plan.trading:
        trading = np.zeros(1, dtype("shm_trading"))[0]
        plan.trading.limits.fill(trading["limits"], plan.symbols)
        trading["control"]["kill"] = plan.trading.kill
        header["trading_offset"] = _round_up(int(header["bytes"]))
        header["bytes"] = int(header["trading_offset"]) + trading.nbytes
        parts.append((header["trading_offset"], trading))
    header["views"], header["view_bytes"] = len(views), views.itemsize
    header["name"] = name.encode()
    header["parent_pid"] = os.getpid()
    memory = bytearray(int(header["bytes"]))
    for offset, part in parts:
        memory[int(offset) : int(offset) + part.nbytes] = part.tobytes()
    return bytes(memory)


def not_allowed(path: Path) -> str:
    """Say who may look at a segment that this user may not read."""
    about = path.stat()
    with suppress(KeyError):
        owner = pwd.getpwuid(about.st_uid).pw_name
        group = grp.getgrgid(about.st_gid).gr_name
        members = f", or as a member of group {group}" if about.st_mode & stat.S_IRGRP else ""
        return f"this user may not look at it: ask as {owner} (sudo -u {owner}){members}"
    return f"this user may not look at it: ask as user number {about.st_uid}, or as root"


class Segment:
    """A mapped segment. ``views`` and ``stats`` are the writer's memory itself: copy what must hold still."""

    @staticmethod
    def path_of(name: str) -> Path:
        """Return where the segment of this name is, if there is one."""
        return _DIRECTORY / name

    def __init__(self, name: str) -> None:
        """Map a running data plane's segment, read-only."""
        self.path = self.path_of(name)
        header = dtype("shm_header")
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
                self._inode, size = about.st_ino, about.st_size
                if size < header.itemsize:
                    raise SegmentError(
                        f"{self.path}: {size} bytes are no segment: is its data plane starting?"
                    )
                self._memory = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
        except FileNotFoundError:
            raise SegmentError(f"{self.path}: no data plane of this name is running") from None
        except PermissionError:
            raise SegmentError(f"{self.path}: permission denied: {not_allowed(self.path)}") from None
        except OSError as error:
            raise SegmentError(f"{self.path}: {error.strerror}") from None
        self._header = np.frombuffer(self._memory, header, count=1)[0]
        self._check(size)
        self.views: npt.NDArray[Any] = self._part("book_view", "views_offset", int(self._header["views"]))
        self.stats: Any = self._part("shm_stats", "stats_offset", 1)[0]
        self.plan: Any = self._part("plan", "plan_offset", 1)[0]
        has_trading = int(self._header["trading_offset"]) != 0
        self.trading: Any = self._part("shm_trading", "trading_offset", 1)[0] if has_trading else None

    def _part(self, struct: str, offset: str, count: int) -> npt.NDArray[Any]:
        return np.frombuffer(self._memory, dtype(struct), count=count, offset=int(self._header[offset]))

    def _check(self, size: int) -> None:
        header = self._header
        if int(header["magic"]) != constants()["ABI_MAGIC"]:
            raise SegmentError(f"{self.path}: not a segment of a data plane")
        if bytes(header["abi_hash"]) != abi_hash():
            raise SegmentError(
                f"{self.path}: written by a data plane of another build (its abi.h differs): "
                "restart it with this installation's dataplane"
            )
        if int(header["bytes"]) != size:
            raise SegmentError(f"{self.path}: {size} bytes, but its header says {int(header['bytes'])}")

    def __enter__(self) -> Self:
        """Unmap at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        self.close()

    def close(self) -> None:
        """Unmap, or leave that to the last array that was taken from here."""
        del self._header, self.views, self.stats, self.plan, self.trading
        with suppress(BufferError):
            self._memory.close()

    def view(self, index: int) -> Any:
        """Return a consistent copy of one view: 384 bytes, never half of two updates."""
        deadline = time.monotonic() + _PATIENCE_S
        live = self.views[index : index + 1]
        while True:
            before = int(live["version"][0])
            copy = live.copy()
            if not before & 1 and int(live["version"][0]) == before:
                return copy[0]
            if time.monotonic() > deadline:
                raise SegmentError(f"view {index}: its writer stopped in the middle of an update")

    def index(self, symbol: str) -> int:
        """Return which view is this symbol's."""
        found = np.flatnonzero(self.views["symbol"] == symbol.ljust(8).encode())
        if not len(found):
            raise SegmentError(f"{symbol}: this data plane publishes no view of it")
        return int(found[0])

    @property
    def symbols(self) -> list[str]:
        """The symbols that have a view, in the order of the views."""
        return [bytes(symbol).decode().rstrip() for symbol in self.views["symbol"]]

    @property
    def state(self) -> str:
        """One of planned, starting, running, ended, stopped, failed; or dead: gone without a word."""
        said = _enum_name("enum shm_state", int(self._header["state"]))
        return "dead" if said in ("planned", "starting", "running") and not self.is_alive else said

    @property
    def is_alive(self) -> bool:
        """Whether the process of this very segment lives: it holds the lock on the file."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.fstat(file).st_ino == self._inode  # else another has taken the name
        finally:
            os.close(file)
        return False

    @property
    def trading_offset(self) -> int:
        """Where trading stands in it; 0 = the plan has none."""
        return int(self._header["trading_offset"])

    def decisions(self) -> Any:
        """Return a consistent copy of what the decision stage shows."""
        if self.trading is None:
            raise SegmentError(f"{self.path}: this data plane keeps books only")
        deadline = time.monotonic() + _PATIENCE_S
        shown = self.trading["decisions"]
        while True:
            before = int(shown["version"])
            copy = shown.copy()
            if not before & 1 and int(shown["version"]) == before:
                return copy
            now = time.monotonic()
            if now > deadline or (now > deadline - _PATIENCE_S + _DOUBT_S and not self.is_alive):
                raise SegmentError(f"{self.path}: its decision stage stopped in the middle of an update")

    @property
    def name(self) -> str:
        """The name it was made under."""
        return bytes(self._header["name"]).decode()

    @property
    def pid(self) -> int:
        """The data plane's process; 0 before it has started."""
        return int(self._header["pid"])

    @property
    def message(self) -> str:
        """Why it failed, or that it was stopped before it was ready; else empty."""
        return bytes(self._header["message"]).decode(errors="replace")

    @property
    def cycles_per_s(self) -> int:
        """How fast its clock runs; 0 before it has started."""
        return int(self._header["cycles_per_s"])

    @property
    def started_cycles(self) -> int:
        """When it started, by its clock."""
        return int(self._header["started_cycles"])

    @property
    def ready_cycles(self) -> int:
        """When it was ready, by its clock; 0 before that."""
        return int(self._header["ready_cycles"])

    @property
    def live(self) -> dict[str, int]:
        """What the data plane says of itself while it runs."""
        live = self._header["live"]
        return {name: int(live[name]) for name in live.dtype.names}

    @property
    def stage(self) -> str:
        """Where the feed's thread is, or was last."""
        return _enum_name("enum stage", self.live["stage"])

    @property
    def recovery_state(self) -> str:
        """What is being done about missing messages."""
        return _enum_name("enum recovery_state", self.live["recovery_state"])


def _enum_name(enum: str, value: int) -> str:
    """Turn SHM_RUNNING into running: what all names of one enum begin with says nothing."""
    names = ffi().typeof(enum).elements
    name = str(names.get(value, f"X_{value}"))
    return name.split("_", 1)[1].lower()
