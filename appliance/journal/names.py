"""The names of what a journal holds, as the contract has them, in small letters."""

from __future__ import annotations

import functools

from appliance.native import ffi


@functools.cache
def _names(enum: str, prefix: str) -> dict[int, str]:
    elements = ffi().typeof(f"enum {enum}").elements
    return {int(value): str(name).removeprefix(prefix).lower() for value, name in sorted(elements.items())}


def kinds() -> dict[int, str]:
    """Return every kind of record that has a name."""
    bounds = ("nothing", "kinds", "own")
    return {value: name for value, name in _names("journal_kind", "JOURNAL_").items() if name not in bounds}


def kind_name(kind: int) -> str:
    """Return the name of one kind, or its number."""
    return kinds().get(kind, str(kind))


def streams() -> dict[int, str]:
    """Return every stream that has a name."""
    return _names("journal_stream", "JOURNAL_")


def stream_name(stream: int) -> str:
    """Return the name of one stream, or its number."""
    return streams().get(stream, str(stream))


def number_of(what: dict[int, str], name: str) -> int | None:
    """Return the number that a name, or a number in digits, stands for."""
    found = next((value for value, known in what.items() if known == name.lower()), None)
    return int(name) if found is None and name.isdecimal() else found
