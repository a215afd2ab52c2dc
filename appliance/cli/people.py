"""Options of commands that change what trading may do: who asks, and where that is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from appliance.cli.instance import name_option


def person_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--name``, ``--as`` and ``--state``."""
    function = click.option(
        "--state",
        "directory",
        metavar="DIR",
        help="state.directory, when no appliance of this name has run since the machine started.",
    )(function)
    function = click.option(
        "--as", "named", metavar="PERSON", help="Who asks; only root may speak for somebody else."
    )(function)
    return name_option(function)
