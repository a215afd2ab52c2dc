"""``appliance kill`` without the machinery of the command line: plain words, and few imports."""

from __future__ import annotations

import sys
import time

from appliance.errors import ApplianceError
from appliance.risk.kill import Told, kill
from appliance.risk.killword import KILLED

_OPTIONS = {"--name": "name", "--reason": "reason", "--as": "named", "--state": "directory"}


def run(words: list[str]) -> bool:
    """Kill. False: these words need more than this; nothing was done."""
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option not in _OPTIONS or option in given:
            return False
        following = value if equals else next(rest, None)
        if following is None:
            return False
        given[option] = following
    try:
        print(pulled(**{_OPTIONS[option]: value for option, value in given.items()}))
    except ApplianceError as error:
        print(f"appliance: {error}", file=sys.stderr)
        sys.exit(2)
    return True


def pulled(
    name: str | None = None, reason: str = "", named: str | None = None, directory: str | None = None
) -> str:
    """Kill, and say what was done; raises when it is not on record."""
    began = time.monotonic()
    told = kill(name, reason, named, directory, KILLED)
    line = sentence(told, "KILLED", (time.monotonic() - began) * 1000)
    if told.problem:
        raise ApplianceError(f"{line}. BUT A RESTART WILL NOT KNOW OF IT: {told.problem}")
    return line


def sentence(told: Told, what: str, took_ms: float) -> str:
    """Say what was done."""
    if not told.running:
        return (
            f"{told.name}: {what} on record, by {told.who}; no data plane is running, and the next begins so"
        )
    heard = "" if told.answered else "; THE DATA PLANE HAS NOT ANSWERED YET: see appliance status"
    return f"{told.name}: {what} by {told.who} in {took_ms:.1f} ms{heard}"
