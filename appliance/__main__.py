"""Where the ``appliance`` command begins: the kill switch does not wait until all else is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    words = sys.argv[1:]
    if words[:1] == ["kill"]:
        from appliance.risk.kill_command import run  # noqa: PLC0415  (40 ms later than this)

        if run(words[1:]):
            return
    from appliance.cli import main as command_line  # noqa: PLC0415

    command_line()


if __name__ == "__main__":
    main()
