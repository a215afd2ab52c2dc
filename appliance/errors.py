"""The errors a user may see; each says what happened, where, and what to do."""

from __future__ import annotations

import os


class ApplianceError(Exception):
    """Base of all errors that end in one clear line and exit status 2."""


def printable(name: bytes | str | os.PathLike[str]) -> str:
    """Return a file name, or a line that holds one, as text: other bytes than UTF-8 stand in hexadecimal."""
    return os.fsencode(name).decode(errors="backslashreplace")
