"""The venue's drop copy: a SoupBinTCP session of its own, read from its first message up to now."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from appliance.errors import ApplianceError
from appliance.reconcile.executions import BROKEN, EXECUTED, Execution
from appliance.venue.ouch import OUTBOUND, USER_REF_IDX, OuchError, decode
from appliance.venue.soup_server import packet

_PATIENCE_S = 10.0
_QUIET_S = 0.1
_LENGTH = struct.Struct(">H")
_REFUSED = {"A": "the venue refused the login: check --user and --password-file", "S": "no such session"}


class DropCopyError(ApplianceError):
    """The drop copy cannot be read."""


@dataclass
class Copy:
    """A session, and all that it has told."""

    session: str = ""
    messages: list[bytes] = field(default_factory=list)

    def executions(self) -> list[Execution]:
        """Return its executions."""
        return list(_executions(self))


def fetch(address: tuple[str, int], user: str = "", password: str = "") -> Copy:
    """Read all that there is now. Whoever else reads the drop copy as this user loses the connection."""
    where = f"drop copy at {address[0]}:{address[1]}"
    try:
        # A login at number 0 says which message is next: then it is known how many there are to wait for.
        with _Connection(address, user, password, 0) as connection:
            following, session = connection.first, connection.session
        with _Connection(address, user, password, 1) as connection:
            if connection.first != 1 or connection.session != session:
                raise DropCopyError(
                    f"{where}: it begins at message {connection.first} of session {connection.session}, and "
                    f"message 1 of {session} was asked for"
                )
            return Copy(session, list(connection.messages(following - 1)))
    except TimeoutError:
        raise DropCopyError(f"{where}: it says nothing for {_PATIENCE_S:.0f} s") from None
    except OSError as error:
        raise DropCopyError(f"{where}: {error.strerror or error}") from None
    except DropCopyError as error:
        raise DropCopyError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None


class _Connection:
    """One login."""

    def __init__(self, address: tuple[str, int], user: str, password: str, wanted: int) -> None:
        self._socket = socket.create_connection(address, _PATIENCE_S)
        self._received = b""
        login = user.ljust(6) + password.ljust(10) + " " * 10 + str(wanted).rjust(20)
        try:
            self._socket.sendall(packet(b"L", login.encode("ascii", "replace")))
            kind, payload = self._packet()
            if kind == b"J":
                raise DropCopyError(_REFUSED.get(payload.decode(errors="replace"), "the venue refused us"))
            if kind != b"A" or len(payload) != 30 or not payload[10:].strip().isdigit():
                raise DropCopyError("what answers there is no SoupBinTCP server")
        except BaseException:
            self._socket.close()
            raise
        self.session, self.first = payload[:10].decode(errors="replace").strip(), int(payload[10:])

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.sendall(packet(b"O"))
        self._socket.close()

    def _packet(self) -> tuple[bytes, bytes]:
        """Return the next packet that is no heartbeat and no comment."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            size = 2 + _LENGTH.unpack_from(self._received)[0] if len(self._received) >= 2 else 2
            if 2 < size <= len(self._received):
                kind, payload = self._received[2:3], self._received[3:size]
                self._received = self._received[size:]
                if kind not in (b"H", b"+"):
                    return kind, payload
                if time.monotonic() > deadline:
                    raise TimeoutError
                continue
            if len(self._received) >= 2 and size == 2:
                raise DropCopyError("a packet without a type")
            data = self._socket.recv(1 << 16)
            if not data:
                raise DropCopyError("it hung up in the middle: another reader of it? Only one is served")
            self._received += data

    def messages(self, least: int) -> Iterator[bytes]:
        """Give all messages: so many at least, and what follows at once."""
        count = 0
        while True:
            if count == least:
                self._socket.settimeout(_QUIET_S)
            try:
                kind, payload = self._packet()
            except TimeoutError:
                if count < least:
                    raise
                return
            if kind == b"Z":
                if count < least:
                    raise DropCopyError(f"it ended after {count:,} messages, and had said {least:,}")
                return
            if kind != b"S":
                raise DropCopyError(f"a packet of type {kind!r} in the middle")
            count += 1
            yield payload


def _executions(copy: Copy) -> Iterator[Execution]:
    orders: dict[tuple[int, int], tuple[str, str]] = {}
    for number, data in enumerate(copy.messages, 1):
        try:
            message = decode(data, OUTBOUND)
        except OuchError as error:
            raise DropCopyError(f"message {number:,} of the drop copy: {error}") from None
        if "user_ref" not in message.values:
            continue
        order = message.option(USER_REF_IDX), message.number("user_ref")
        if message.name in ("accepted", "replaced"):
            orders[order] = message.text("symbol"), message.text("side")
        elif message.name in (EXECUTED, BROKEN):
            is_trade = message.name == EXECUTED
            symbol, side = orders.get(order, ("", ""))
            yield Execution(
                what=message.name,
                user_ref=order[1],
                match=message.number("match"),
                qty=message.number("quantity") if is_trade else 0,
                px=message.number("price") if is_trade else 0,
                liquidity=message.text("liquidity") if is_trade else "",
                venue_ns=message.number("timestamp"),
                where=f"drop copy {copy.session}, message {number:,}",
                channel=order[0],
                symbol=symbol,
                side=side,
            )
