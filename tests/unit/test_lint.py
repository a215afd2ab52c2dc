"""The rules of the house that no linter knows: what lies where, who may import whom, how long a file is."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOMS = {"appliance", "dpdk_glue", "fpga", "hostd", "provisioning", "tests"}
TOP_FILES = {"LICENSE", "README.md", "meson.build", "meson.options", "pyproject.toml"}
SOURCE_SUFFIXES = {".c", ".h", ".def", ".py", ".sh", ".build", ".v", ".yml"}
LONGEST_SOURCE = 420
LONGEST_LINE = 110
# Names the markers of unfinished work without being one.
LEFT_OVER = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b")
SILENCED = re.compile(r"#\s*no[q]a|NO[L]INT|type: [i]gnore")
SILENCED_WITH_REASON = re.compile(r"(#\s*no[q]a: [A-Z0-9, ]+|NO[L]INT\w*\([\w.,-]+\):?)\s*\S{3,}")


def sources() -> list[Path]:
    """List the source files of all rooms."""
    found = []
    for room in sorted(ROOMS):
        for folder, folders, names in os.walk(REPOSITORY / room):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            found += [Path(folder, name) for name in sorted(names) if Path(name).suffix in SOURCE_SUFFIXES]
    return found


SOURCES = {str(path.relative_to(REPOSITORY)): path.read_text() for path in sources()}


def offenders(pattern: re.Pattern[str], but: re.Pattern[str] | None = None) -> list[str]:
    """List all lines that hold a pattern, and not the one that excuses it."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in SOURCES.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line) and not (but and but.search(line))
    ]


def test_the_top_level_holds_the_rooms_and_nothing_else() -> None:
    listed = subprocess.run(
        ["git", "-C", REPOSITORY, "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git clone: any file may lie here")
    tracked = [Path(name) for name in listed.stdout.split("\0") if name and not name.startswith(".")]
    assert {path.parts[0] for path in tracked if len(path.parts) > 1} == ROOMS
    assert {path.name for path in tracked if len(path.parts) == 1} == TOP_FILES


def test_a_source_file_holds_one_idea() -> None:
    too_long = {name: text.count("\n") for name, text in SOURCES.items() if text.count("\n") > LONGEST_SOURCE}
    assert too_long == {}


def test_lines_fit_the_page() -> None:
    too_long = offenders(re.compile(rf"^.{{{LONGEST_LINE + 1}}}"))
    assert [line for line in too_long if ".py:" not in line] == []  # ruff measures those


def test_nothing_is_left_for_later() -> None:
    assert offenders(LEFT_OVER) == []


def test_a_silenced_warning_gives_its_reason_on_the_spot() -> None:
    assert offenders(SILENCED, but=SILENCED_WITH_REASON) == []


def test_a_header_says_first_what_its_module_promises() -> None:
    headers = {name: text for name, text in SOURCES.items() if name.endswith(".h")}
    assert headers
    assert [name for name, text in headers.items() if not text.startswith("/* ")] == []


def test_the_data_plane_knows_nothing_of_python() -> None:
    assert [
        name for name, text in SOURCES.items() if name.endswith((".c", ".h")) and "Python.h" in text
    ] == []


def imports(below: str) -> list[tuple[str, str]]:
    """List (file, imported module) of all Python files below a path."""
    found = []
    for name, text in SOURCES.items():
        if not (name.startswith(below) and name.endswith(".py")):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found += [(name, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                found += [(name, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def test_the_host_daemon_imports_nothing_of_the_control_plane() -> None:
    assert [(name, module) for name, module in imports("hostd/") if module.startswith("appliance")] == []


def test_nothing_below_the_command_line_imports_it() -> None:
    upwards = [pair for pair in imports("appliance/") if pair[1].startswith("appliance.cli")]
    assert [
        pair for pair in upwards if not pair[0].startswith(("appliance/cli/", "appliance/__main__"))
    ] == []


def test_the_binding_of_the_data_plane_stands_on_nothing_but_errors() -> None:
    lowest = imports("appliance/native.py") + imports("appliance/errors.py")
    own = {module for _, module in lowest if module.startswith("appliance")}
    assert own == {"appliance.errors.ApplianceError"}
