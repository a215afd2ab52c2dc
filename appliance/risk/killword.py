"""The kill word of a data plane that runs, stored with as few imports as can be: within milliseconds.

The few offsets that it needs of the contract stand here, and a test holds them against it. A segment of
another build is not written to.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import time

from appliance.errors import ApplianceError

_SHARED = "/dev/shm"
_CONTRACT = f"{__file__.rpartition('/risk/')[0]}/_native"
OPEN, REDUCE_ONLY, KILLED = "open", "reduce_only", "killed"
WORDS = (OPEN, REDUCE_ONLY, KILLED)

# Of struct shm_header.
MAGIC = 0x314C505041494241
HEADER_BYTES = 768
ABI_HASH_AT = 8
TRADING_OFFSET_AT = 696
# Of struct shm_trading.
COMMAND_AT = 64
COMMAND = "<QIIIIQ32s"  # number, kind, scope, index, off, wall_ns, who
COMMAND_BYTES = 1480
ANSWERED_AT = 67_344
COMMAND_KILL, COMMAND_REDUCE = 1, 2

_ANSWER_S = 1.0


class KillError(ApplianceError):
    """The word could not be said."""


class Memory:
    """A segment with trading, as far as it is needed here."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        header = os.pread(self._file, HEADER_BYTES, 0)
        self.is_segment = len(header) == HEADER_BYTES and _u64(header, 0) == MAGIC
        self.trading = _u64(header, TRADING_OFFSET_AT) if self.is_segment else 0
        self.is_ours = header[ABI_HASH_AT : ABI_HASH_AT + 32] == abi_hash() if self.trading else False
        self._words = mmap.mmap(self._file, 0) if self.is_ours else None

    @classmethod
    def of(cls, name: str) -> Memory | None:
        """Return that of this name; None if there is none."""
        path = f"{_SHARED}/{name}"
        if not name or "/" in name:
            raise KillError(f"'{name}' is no name of an appliance")
        try:
            memory = cls(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KillError(f"{path}: {error.strerror}: who may trade with it?") from None
        if not memory.is_segment or not memory.lives:
            return None
        if not memory.trading:
            raise KillError(f"data plane '{name}' keeps books only: there is nothing to kill")
        if not memory.is_ours:
            raise KillError(
                f"{path}: written by a data plane of another build, whose word is elsewhere: end its "
                "process, or use the commands of its own build"
            )
        return memory

    @property
    def lives(self) -> bool:
        """Whether its data plane holds the lock."""
        try:
            file = os.open(f"/proc/self/fd/{self._file}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    def store(self, word: str) -> None:
        """One aligned word, in one store."""
        assert self._words is not None
        with memoryview(self._words)[self.trading : self.trading + 4].cast("I") as place:
            place[0] = WORDS.index(word)

    def tell(self, kind: int, who: str) -> bool:
        """Say who it was; False: nobody has listened."""
        assert self._words is not None
        at = self.trading + COMMAND_AT
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, self.trading)
        number = _u64(self._words, at) + 1
        command = struct.pack(COMMAND, number, kind, 0, 0, 0, time.time_ns(), who.encode()[:31])
        self._words[at + 8 : at + COMMAND_BYTES] = command[8:].ljust(COMMAND_BYTES - 8, b"\0")
        with memoryview(self._words)[at : at + 8].cast("Q") as place:
            place[0] = number  # last: from now on it is read
        deadline = time.monotonic() + _ANSWER_S
        while time.monotonic() < deadline:
            if _u64(self._words, self.trading + ANSWERED_AT) == number:
                return True
            time.sleep(0.0002)
        return False


def _u64(memory: bytes | mmap.mmap, at: int) -> int:
    return int(struct.unpack_from("<Q", memory, at)[0])


def abi_hash() -> bytes:
    """Work out the hash of the contract, as appliance.native does."""
    text = _bytes_of("abi.h")
    whole = hashlib.sha256(text)
    for line in text.splitlines():
        if line.startswith(b'#include "abi/'):
            whole.update(_bytes_of(line.split(b'"')[1].decode()))
    return whole.digest()


def _bytes_of(name: str) -> bytes:
    file = os.open(f"{_CONTRACT}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, os.fstat(file).st_size)
    finally:
        os.close(file)


def the_only_one() -> str:
    """Return the one appliance that trades here."""
    found = []
    for name in sorted(entry.name for entry in os.scandir(_SHARED)):
        if name.startswith("."):
            continue
        try:
            memory = Memory(f"{_SHARED}/{name}")
        except OSError:
            continue
        if memory.trading and memory.lives:
            found.append(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise KillError(f"several appliances trade here: choose one with --name: {', '.join(found)}")
    raise KillError("no appliance trades on this machine; one that is to start killed: --name NAME")
