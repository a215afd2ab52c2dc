"""A password that stands in a file of its own."""

from __future__ import annotations

from pathlib import Path


def first_line(file: Path) -> str:
    """Return the password: the file's first line. OSError says why it cannot be read."""
    return file.read_text(errors="replace").split("\n", 1)[0].rstrip("\r")
