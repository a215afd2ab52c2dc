"""The directory in which that is kept which outlives a restart, and how a command finds it.

    kill.json            there while the gate is to be killed, or to let reducing orders through only
    limits.json          what the configuration says, changes that stand, changes that wait
    settings.json        who has which role, and where the journal is, as `appliance run` last read it
    record.json          positions and open orders, as they were last seen
    reconciliation.json  what became of the comparison with the venue, and for which data plane
    audit.jsonl          who has changed what, and when; lines are only ever added

Each file is replaced as a whole; what people have decided is on the disk before it is answered. The kill
switch uses this module: it imports nothing that takes time.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.errors import ApplianceError

AUDIT = "audit.jsonl"
_SHARED = Path("/dev/shm")
_LOCK_S = 1.0

Json = dict[str, Any]


class StateError(ApplianceError):
    """What outlives a restart cannot be read or written."""


def link_of(name: str) -> Path:
    """Return where a link says which directory belongs to the appliance of this name."""
    return _SHARED / f".{name}.state"


class State:
    """One such directory."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        """Name it; nothing is opened."""
        self.directory = Path(directory)

    @classmethod
    def of(cls, name: str, directory: str | None = None) -> State:
        """Find that of an appliance: the one named, or that of the last `appliance run` of this name."""
        if directory:
            return cls(directory)
        link = link_of(name)
        try:
            owner = link.lstat().st_uid
            found = link.readlink()
        except OSError:
            raise StateError(
                f"no appliance '{name}' has traded since the machine started: name its directory with --state"
            ) from None
        if owner not in (0, os.getuid(), _owner_of_segment(name)):
            raise StateError(f"{link}: it was made by another user than the one who runs '{name}'")
        return cls(found)

    def make(self, name: str) -> None:
        """Make the directory, and let commands find it."""
        try:
            self.directory.mkdir(mode=0o770, parents=True, exist_ok=True)
            link = link_of(name)
            fresh = link.with_name(f"{link.name}.{os.getpid()}")
            fresh.symlink_to(self.directory)
            fresh.replace(link)
        except OSError as error:
            raise StateError(f"{self.directory}: {error.strerror}: choose another state.directory") from None

    def path(self, name: str) -> Path:
        """Return where one of its files is."""
        return self.directory / name

    def read(self, name: str) -> Json | None:
        """Return what a file holds; None if it is not there."""
        try:
            with self.path(name).open(encoding="utf-8") as file:
                found = json.load(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StateError(
                f"{self.path(name)}: {error}: it has to be readable before anything is traded"
            ) from None
        if not isinstance(found, dict):
            raise StateError(f"{self.path(name)}: it is not what was written there")
        return found

    def write(self, name: str, content: Mapping[str, Any], durable: bool = True) -> None:
        """Replace a file; with ``durable`` it is on the disk before this returns."""
        fresh = self.path(f".{name}.{os.getpid()}")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(content, file)
                file.write("\n")
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            fresh.replace(self.path(name))
            if durable:
                self._sync()
        except OSError as error:
            raise StateError(f"{self.path(name)}: {error.strerror}") from None

    def remove(self, name: str) -> None:
        """Take a file away, for good."""
        try:
            self.path(name).unlink()
            self._sync()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StateError(f"{self.path(name)}: {error.strerror}") from None

    def _sync(self) -> None:
        directory = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def audit(self, who: str, what: str, old: Any = None, new: Any = None, **more: Any) -> None:
        """Add a line: who, when, what, old, new."""
        now = time.time()
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06}Z",
            "who": who,
            "what": what,
            "old": old,
            "new": new,
            **more,
        }
        try:
            file = os.open(self.path(AUDIT), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o660)
            try:
                os.write(file, json.dumps(line).encode() + b"\n")
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise StateError(
                f"{self.path('audit.jsonl')}: {error.strerror}: nothing is done unseen"
            ) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One change at a time. A lock that hangs is waited for a second, and then the change goes ahead."""
        try:
            file = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except OSError as error:
            raise StateError(f"{self.directory}: {error.strerror}: who may change it?") from None
        deadline = time.monotonic() + _LOCK_S
        try:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.001)
            yield
        finally:
            os.close(file)


def _owner_of_segment(name: str) -> int:
    try:
        return (_SHARED / name).stat().st_uid
    except OSError:
        return -1
