"""The demonstration ends by itself and says that every way gave the same books."""

from __future__ import annotations

import re

from model.command import appliance

from appliance.cli import COMMANDS


def test_the_demonstration_shows_one_digest() -> None:
    done = appliance("demo", "--messages", 60_000, "--symbols", 20, "--seed", 9, "--rate", 60_000)
    assert done.returncode == 0, done.stderr
    # On a machine that others keep busy a snapshot may be needed, and then there is no digest of events.
    agreed = r"[0-9a-f]{16}: file, venue and appliance agree|every order at the end is the venue's"
    assert re.search(rf"^digest +({agreed})", done.stdout, re.M)
    assert re.search(r"^recovered .*; 0 messages lost$", done.stdout, re.M)
    assert re.search(r"^killed +killed by SIGKILL; ", done.stdout, re.M)
    assert re.search(r"every order at message 45,000: digest [0-9a-f]{16}, ", done.stdout)


def test_help_names_every_command() -> None:
    done = appliance("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert name in done.stdout


def test_help_of_every_command_works() -> None:
    for name in COMMANDS:
        done = appliance(name, "--help")
        assert done.returncode == 0, done.stderr
        assert "Usage:" in done.stdout
