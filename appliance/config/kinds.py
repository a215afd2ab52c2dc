"""What the value of a key may be: each kind reads a TOML value, or says in a few words what it expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Any, NamedTuple, Protocol

MOST_SYMBOLS = 1024
LONGEST_SYMBOL = 8

_SIZES = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class WrongError(Exception):
    """The value is not what the key takes. ``parts`` names single elements of a list by their index."""

    def __init__(self, text: str = "", parts: Mapping[int, str] | None = None) -> None:
        """Either of the whole value, or of its parts."""
        super().__init__(text)
        self.text = text
        self.parts = parts or {}


class Endpoint(NamedTuple):
    """An IPv4 address with a port."""

    address: IPv4Address
    port: int

    def __str__(self) -> str:
        """Write it as the configuration does."""
        return f"{self.address}:{self.port}"


class Kind(Protocol):
    """Reads one value; raises WrongError."""

    def read(self, value: object) -> Any:
        """Return the value as the program has it."""


def shown(value: object) -> str:
    """Return a value as TOML writes it, cut to a readable length."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = '"' + value.encode("unicode_escape").decode().replace('"', '\\"') + '"'
    elif isinstance(value, dict):
        text = "a section"
    elif isinstance(value, list):
        text = f"a list of {len(value)}"
    else:
        text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _refuse(value: object, expected: str) -> WrongError:
    return WrongError(f"{shown(value)} is not {expected}")


def _text(value: object, expected: str) -> str:
    if not isinstance(value, str):
        raise _refuse(value, expected)
    return value


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    low: int
    high: int

    def read(self, value: object) -> int:
        """Return the number."""
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise _refuse(value, f"a whole number from {self.low:,} to {self.high:,}")
        return value


@dataclass(frozen=True)
class Size:
    """Bytes: a whole number, or text as "8 MiB"."""

    high: int

    def read(self, value: object) -> int:
        """Return the bytes."""
        size = value
        if isinstance(value, str):
            match = re.fullmatch(r"(\d{1,12})\s*([A-Za-z]*)", value.strip())
            if match and match[2] in _SIZES:
                size = int(match[1]) * _SIZES[match[2]]
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= self.high:
            most = f"{self.high >> 20} MiB"
            raise _refuse(value, f'a size: bytes, or text as "8 MiB" or "512 KiB", at most {most}')
        return size


class Flag:
    """True or false."""

    def read(self, value: object) -> bool:
        """Return it."""
        if not isinstance(value, bool):
            raise _refuse(value, "true or false")
        return value


@dataclass(frozen=True)
class Text:
    """Printable text of a bounded length."""

    longest: int
    shortest: int = 1
    ascii_only: bool = False

    def read(self, value: object) -> str:
        """Return the text."""
        letters = "ASCII characters" if self.ascii_only else "characters"
        expected = f"text of {self.shortest} to {self.longest} {letters}"
        text = _text(value, expected)
        fits = self.shortest <= len(text) <= self.longest and text.isprintable()
        if not fits or (self.ascii_only and not text.isascii()):
            raise _refuse(value, expected)
        return text


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: object) -> str:
        """Return the word."""
        expected = "one of " + ", ".join(f'"{word}"' for word in self.words)
        text = _text(value, expected)
        if text not in self.words:
            raise _refuse(value, expected)
        return text


class Interface:
    """A network interface: its name, or an IPv4 address that it has."""

    def read(self, value: object) -> str:
        """Return the text."""
        expected = 'the name of an interface or its IPv4 address, e.g. "eth1" or "10.0.0.5"'
        text = _text(value, expected)
        if re.fullmatch(r"[\d.]+", text):
            if not endpoint(f"{text}:1"):
                raise _refuse(value, expected)
        elif not re.fullmatch(r"[!-.0-~]{1,15}", text):
            raise _refuse(value, expected)
        return text


class InstanceName:
    """The name of an instance, which names its shared segment too."""

    def read(self, value: object) -> str:
        """Return the name."""
        expected = "a name: 1 to 63 letters, digits, '.', '_' or '-', the first a letter or digit"
        text = _text(value, expected)
        if not _NAME.fullmatch(text):
            raise _refuse(value, expected)
        return text


def endpoint(text: str) -> Endpoint | None:
    """Read ADDRESS:PORT; None if it is not that."""
    address, colon, port = text.partition(":")
    try:
        number = int(port) if colon and re.fullmatch(r"\d{1,5}", port) else 0
        found = Endpoint(IPv4Address(address), number)
    except AddressValueError:
        return None
    return found if 0 < number < 65536 else None


@dataclass(frozen=True)
class Group:
    """ADDRESS:PORT of a multicast group."""

    example: str

    def read(self, value: object) -> Endpoint:
        """Return the group."""
        expected = f'ADDRESS:PORT of a multicast group, e.g. "{self.example}"'
        found = endpoint(_text(value, expected))
        if found is None:
            raise _refuse(value, expected)
        if not found.address.is_multicast:
            raise WrongError(
                f"{found.address} is not a multicast address (224.0.0.0 to 239.255.255.255), "
                f'e.g. "{self.example}"'
            )
        return found


@dataclass(frozen=True)
class Server:
    """ADDRESS:PORT of one machine."""

    example: str

    def read(self, value: object) -> Endpoint:
        """Return the address."""
        expected = f'ADDRESS:PORT of a server, e.g. "{self.example}"'
        found = endpoint(_text(value, expected))
        if found is None:
            raise _refuse(value, expected)
        if found.address.is_multicast or found.address.is_unspecified:
            raise WrongError(f'{found.address} is no server\'s address, e.g. "{self.example}"')
        return found


class Loopback:
    """Where to listen: ADDRESS:PORT on loopback, or "off"."""

    def read(self, value: object) -> Endpoint | None:
        """Return the address; None for off. Port 0 is one that the kernel chooses."""
        expected = 'ADDRESS:PORT or "off", e.g. "127.0.0.1:9464"'
        text = _text(value, expected)
        if text == "off":
            return None
        address, _, port = text.partition(":")
        found = endpoint(f"{address}:1") if port == "0" else endpoint(text)
        if found is None:
            raise _refuse(value, expected)
        if not found.address.is_loopback:
            raise WrongError(
                f"{found.address} is not a loopback address: the metrics have no password, so they are "
                "served on 127.0.0.1 only; let a local agent or an SSH tunnel carry them"
            )
        return Endpoint(found.address, int(port))


@dataclass(frozen=True)
class PowerOfTwo:
    """A power of two within bounds."""

    low: int
    high: int

    def read(self, value: object) -> int:
        """Return the number."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not self.low <= value <= self.high
            or value & (value - 1)
        ):
            raise _refuse(value, f"a power of two from {self.low:,} to {self.high:,}")
        return value


@dataclass(frozen=True)
class Placement:
    """Stages in groups: each group is a thread, and its stages are joined by a plus."""

    stages: tuple[str, ...]

    def read(self, value: object) -> tuple[tuple[str, ...], ...]:
        """Return the groups."""
        everything = "+".join(self.stages)
        expected = f'a list of groups that are "{everything}" cut into pieces, e.g. ["{everything}"] or '
        expected += f'["{self.stages[0]}", "{"+".join(self.stages[1:])}"]'
        if not isinstance(value, list) or not all(isinstance(group, str) for group in value):
            raise _refuse(value, expected)
        groups = tuple(tuple(part.strip() for part in group.split("+")) for group in value)
        wrong = {
            index: f"{shown(stage)} is not a stage: they are {', '.join(self.stages)}"
            for index, group in enumerate(groups)
            for stage in group
            if stage not in self.stages
        }
        if wrong:
            raise WrongError(parts=wrong)
        if sum(groups, ()) != self.stages:
            raise WrongError(
                f"{', '.join(map(shown, value)) or 'an empty list'}: every stage stands once, and in order: "
                + expected
            )
        return groups


@dataclass(frozen=True)
class Wholes:
    """A list of whole numbers within bounds."""

    low: int
    high: int
    most: int
    example: str

    def read(self, value: object) -> tuple[int, ...]:
        """Return them."""
        if not isinstance(value, list) or len(value) > self.most:
            raise _refuse(value, f"a list of at most {self.most} numbers, e.g. {self.example}")
        one = Whole(self.low, self.high)
        wrong = {}
        for index, number in enumerate(value):
            try:
                one.read(number)
            except WrongError as error:
                wrong[index] = error.text
        if wrong:
            raise WrongError(parts=wrong)
        return tuple(value)


class People:
    """Login names."""

    def read(self, value: object) -> tuple[str, ...]:
        """Return them."""
        if not isinstance(value, list):
            raise _refuse(value, 'a list of login names, e.g. ["alice", "bob"]')
        wrong = {
            index: f"{shown(name)} is not a login name of 1 to 31 characters"
            for index, name in enumerate(value)
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,30}", name)
        }
        if wrong:
            raise WrongError(parts=wrong)
        return tuple(value)


class Params:
    """The parameters of a strategy: whole numbers by name. The strategy itself knows which there are."""

    def read(self, value: object) -> dict[str, int]:
        """Return them."""
        expected = "parameters with whole numbers, e.g. {percent = 80}"
        if not isinstance(value, dict):
            raise _refuse(value, expected)
        for name, number in value.items():
            if isinstance(number, bool) or not isinstance(number, int):
                raise WrongError(f"{name} = {shown(number)} is not a whole number")
        return dict(value)


class Symbols:
    """The symbols whose books are published: each once."""

    def read(self, value: object) -> tuple[str, ...]:
        """Return them in the order given."""
        if not isinstance(value, list):
            raise _refuse(value, 'a list of symbols, e.g. ["SPY", "QQQ"]')
        if not 1 <= len(value) <= MOST_SYMBOLS:
            raise WrongError(f"{len(value):,} symbols: a data plane publishes 1 to {MOST_SYMBOLS:,}")
        wrong: dict[int, str] = {}
        seen: dict[str, int] = {}
        for index, symbol in enumerate(value):
            if not isinstance(symbol, str) or not re.fullmatch(r"[!-~]{1,8}", symbol):
                wrong[index] = f"{shown(symbol)} is not a symbol: 1 to {LONGEST_SYMBOL} ASCII characters"
            elif symbol in seen:
                wrong[index] = f"{shown(symbol)} is there already, as number {seen[symbol] + 1}"
            else:
                seen[symbol] = index
        if wrong:
            raise WrongError(parts=wrong)
        return tuple(seen)
