"""The appliance command in a process of its own, as a shell would call it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-P", "-c", "from appliance.cli import main; main()"]


def appliance(
    *arguments: str | int | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end and return what it said."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )


def refusal(*arguments: str | int | Path) -> str:
    """Return the one line of a command that must be refused with exit status 2."""
    done = appliance(*arguments)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
