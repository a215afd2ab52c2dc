"""Packets of a live feed by the numbers of their messages, and the runs that come of them."""

from __future__ import annotations

from model.mold64 import SESSION, Run, packet


def messages(first: int, last: int) -> list[bytes]:
    """The messages of a stream, each another length."""
    return [f"<{number}>".encode() for number in range(first, last + 1)]


def span(first: int, last: int, session: bytes = SESSION) -> bytes:
    """A packet with these messages."""
    return packet(first, messages(first, last), session)


def run(first: int, last: int, gap: int = 0, new_session: bool = False) -> Run:
    """A run with these messages."""
    return Run(first, messages(first, last), gap, new_session)
