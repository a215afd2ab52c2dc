"""Which running appliance a command means: the option ``--name``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def name_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--name``."""
    return click.option(
        "--name", metavar="NAME", help="Which data plane; needed only when several are running."
    )(function)
