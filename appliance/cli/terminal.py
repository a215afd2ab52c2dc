"""Screens that follow each other: drawn in place on a terminal, one below the other elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_ENTER = "\x1b[?1049h\x1b[?25l"  # the terminal's second screen, no cursor
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_REST_OF_LINE = "\x1b[K"
_REST_OF_SCREEN = "\x1b[J"

Put = Callable[[list[str]], None]


@contextmanager
def screens(in_place: bool = True) -> Iterator[Put]:
    """Give a function that shows the rows of a screen; the terminal is given back whatever happens."""
    if not (in_place and sys.stdout.isatty()):
        yield _print
        return
    sys.stdout.write(_ENTER)
    try:
        yield _draw
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _print(rows: list[str]) -> None:
    click.echo("\n".join(rows))


def _draw(rows: list[str]) -> None:
    columns, lines = shutil.get_terminal_size()
    shown = [row[: max(columns - 1, 1)] + _REST_OF_LINE for row in rows[: max(lines - 1, 1)]]
    sys.stdout.write(_HOME + "\n".join(shown) + "\n" + _REST_OF_SCREEN)
    sys.stdout.flush()
