"""What is said for one run, beside a file: single keys that win over it.

Whoever chooses another kind of port for one run does not want to be told that the file's port has keys which
the other has not. So those keys of the file are left aside, and named, when the kind comes from an override.
A key that is of no use to the file's own kind stays a mistake of the file, and so does an override that does
not fit the kind chosen with it.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from appliance.config.model import FILE, PORTS, UDP, FeedConfig, LineConfig, keys_of
from appliance.config.positions import Path
from appliance.config.reader import name_of

_OVERRIDE = re.compile(r"([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)=(.*)", re.S)
_LINES: tuple[Path, ...] = (("feed", "a"), ("feed", "b"))
# What a feed that comes from a file has no use for.
_SERVERS: tuple[Path, ...] = (("recovery", "retransmission"), ("recovery", "snapshot"))


def read_override(text: str) -> tuple[tuple[str, ...], Any] | None:
    """Return the key and its value; what is no TOML value is taken as text. None: it is no override."""
    match = _OVERRIDE.fullmatch(text)
    if not match:
        return None
    try:
        value = tomllib.loads(f"value={match[2]}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        value = match[2]
    return tuple(match[1].split(".")), value


def port_of(table: dict[str, Any]) -> Any:
    """Return the kind of port that a table names, or has by default."""
    feed = table.get("feed")
    return feed.get("port", UDP) if isinstance(feed, dict) else UDP


def leave_aside(table: dict[str, Any], file_port: Any, overrides: set[Path]) -> tuple[str, ...]:
    """Take out what is of the file's kind of port alone, if an override has chosen another; name it."""
    port = port_of(table)
    if ("feed", "port") not in overrides or port == file_port or not (port in PORTS and file_port in PORTS):
        return ()
    found = [
        (*path, key.name)
        for path, kind in ((("feed",), FeedConfig), *((line, LineConfig) for line in _LINES))
        for key in keys_of(kind).values()
        if port not in key.ports and file_port in key.ports
    ]
    if port == FILE:
        found += _SERVERS
    return tuple(name_of(path) for path in found if not _covers(overrides, path) and _take_out(table, path))


def _covers(overrides: set[Path], path: Path) -> bool:
    """Whether an override has set this key, or the section that it stands in."""
    return any(path[:depth] in overrides for depth in range(1, len(path) + 1))


def _take_out(table: Any, path: Path) -> bool:
    for part in path[:-1]:
        table = table.get(part)
        if not isinstance(table, dict):
            return False
    return table.pop(path[-1], None) is not None
