"""A progress bar on a terminal, nothing elsewhere: always on stderr, so that output can be piped."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


class Progress:
    """Shows how far a job is; ``done`` of ``total`` in any unit, and a note that changes as it runs."""

    def __init__(self, label: str, total: int) -> None:
        """Draw nothing yet. A total of 0 means nobody knows it."""
        self._done = 0
        self._note = ""
        self._bar: ProgressBar[int] = click.progressbar(
            length=max(total, 1),
            label=label,
            file=sys.stderr,
            item_show_func=lambda _: self._note,
            hidden=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        """Draw the empty bar."""
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it stands."""
        self._bar.__exit__(kind, value, trace)

    def show(self, done: int, note: str = "") -> None:
        """Move the bar to ``done``."""
        self._note = note
        self._bar.update(done - self._done)
        self._done = done
