"""Sequenced messages of a session: kept from the first on, and in a file if they are to outlive the venue."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from appliance.errors import printable
from appliance.venue.errors import VenueError

_HEAD = b"+appliance order log 1 "
_LONGEST_HEAD = 64  # with the name of a session: what a venue may have died in


class Stream:
    """Messages by their number, the first is 1. ``listeners`` are called after each one, and at the end."""

    def __init__(self) -> None:
        """Begin without messages."""
        self.messages: list[bytes] = []
        self.ended = False
        self.listeners: list[Callable[[], None]] = []

    def append(self, message: bytes) -> None:
        """Add a message, and let all know."""
        self.messages.append(message)
        for listener in self.listeners:
            listener()

    def end(self) -> None:
        """Say that nothing will follow."""
        self.ended = True
        for listener in self.listeners:
            listener()


class OrderLog:
    """A file of SoupBinTCP packets: one that names the session, then all sequenced messages of it.

    Each message is in the file before anybody hears of it, so whatever ends the venue, the next one on the
    same file knows all that was said. What a dying venue wrote in half is cut off.
    """

    def __init__(self, path: Path, session: str) -> None:
        """Open it, and read what is there; ``session`` names a new one."""
        self.session = session
        self.messages: list[bytes] = []
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = path.read_bytes()
            packets, whole = self._packets(data)
            if packets:
                self._read(path, packets)
                os.ftruncate(self._file, whole)
            elif len(data) > _LONGEST_HEAD:
                raise VenueError(f"{printable(path)}: no order log: name another file")
            else:
                os.ftruncate(self._file, 0)
                self._write(_HEAD + session.encode())
        except BlockingIOError:
            raise VenueError(f"order log {printable(path)}: another venue writes it") from None
        except OSError as error:
            raise VenueError(f"order log {printable(path)}: {error.strerror}") from None

    @staticmethod
    def _packets(data: bytes) -> tuple[list[bytes], int]:
        packets, at = [], 0
        while at + 2 <= len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            if end > len(data):
                break
            packets.append(data[at + 2 : end])
            at = end
        return packets, at

    def _read(self, path: Path, packets: list[bytes]) -> None:
        if not packets[0].startswith(_HEAD) or any(packet[:1] != b"S" for packet in packets[1:]):
            raise VenueError(f"{printable(path)}: no order log: name another file")
        self.session = packets[0][len(_HEAD) :].decode()
        self.messages = [packet[1:] for packet in packets[1:]]

    def _write(self, packet: bytes) -> None:
        data = _packet(packet)
        if os.write(self._file, data) != len(data):
            raise VenueError("the order log took only a part of a message: is there room?")

    def append(self, message: bytes) -> None:
        """Keep a message."""
        try:
            self._write(b"S" + message)
        except OSError as error:
            raise VenueError(f"the order log cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _packet(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content
