"""The demonstration ends by itself and says that every way gave the same books."""

from __future__ import annotations

import re

from model.command import appliance

from appliance.cli import COMMANDS


def test_the_demonstration_shows_one_digest() -> None:
    done = appliance("demo", "--messages", 30_000, "--symbols", 20, "--seed", 9)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^digest +[0-9a-f]{16}, every order at midday [0-9a-f]{16}:$", done.stdout, re.M)
    lost = re.findall(r"^books .* messages/s, ([\d,]+) lost$", done.stdout, re.M)
    assert lost == ["0", "0"]  # from the file, and over the two lines


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
