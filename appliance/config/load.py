"""``appliance.toml`` from its text to the configuration; all mistakes in one error, each with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any

from appliance.config.model import Config
from appliance.config.overrides import leave_aside, port_of, read_override
from appliance.config.positions import Path, key_lines
from appliance.config.reader import Findings, read_config
from appliance.config.rules import check
from appliance.errors import ApplianceError, printable

DEFAULT_FILE = "appliance.toml"
_SYNTAX = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.S)


@dataclass(frozen=True)
class Mistake:
    """Where, and what."""

    where: str
    text: str

    def __str__(self) -> str:
        """Write it as compilers do."""
        return f"{self.where}: {self.text}"


class ConfigError(ApplianceError):
    """The configuration cannot be used; ``mistakes`` holds every reason."""

    def __init__(self, name: str, mistakes: Sequence[Mistake]) -> None:
        """List the mistakes: one stands alone, several under a heading."""
        self.mistakes = list(mistakes)
        lines = [str(mistake) for mistake in mistakes]
        if len(lines) > 1:
            lines = [f"{name}: {len(lines)} mistakes, and nothing was started"] + [
                f"  {line}" for line in lines
            ]
        super().__init__("\n".join(lines))


def load_config(path: File, overrides: Sequence[str] = ()) -> Config:
    """Read a file. Each override is ``section.key=VALUE`` and wins over the file."""
    name = printable(path)
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise ConfigError(
            name,
            [
                Mistake(
                    name, "no such file: `appliance config example` prints one; --config FILE names another"
                )
            ],
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(name, [Mistake(f"{name}:{line}", "not UTF-8, and TOML must be")]) from None
    except OSError as error:
        raise ConfigError(name, [Mistake(name, f"{error.strerror}")]) from None
    return parse_config(text, name, overrides, path.parent)


def parse_config(
    text: str, name: str = DEFAULT_FILE, overrides: Sequence[str] = (), folder: File | None = None
) -> Config:
    """Read a text. Relative paths in it begin at ``folder``."""
    table, mistakes, places = _parsed(text, name)
    file_port, said = port_of(table), set()
    for override in overrides:
        read = _override(table, override, places)
        if isinstance(read, Mistake):
            mistakes.append(read)
        else:
            said.add(read)
    if mistakes:
        raise ConfigError(name, mistakes)
    left_aside = leave_aside(table, file_port, said)
    findings = Findings()
    values = read_config(table, findings)
    config = None
    if "books" in values:
        config = Config(folder=folder or File(), left_aside=left_aside, **values)
        feed = replace(config.feed, names_lines=bool({("feed", "a"), ("feed", "b")} & findings.given))
        config = replace(config, feed=feed)
        check(config, findings)
    if findings.mistakes or config is None:
        raise ConfigError(name, _placed(findings, places, name))
    return config


def _parsed(text: str, name: str) -> tuple[dict[str, Any], list[Mistake], dict[Path, tuple[int, str]]]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _SYNTAX.fullmatch(str(error))
        line = int(match[2]) if match and match[2] else text.count("\n") + 1
        reason = match[1] if match else str(error)
        raise ConfigError(
            name, [Mistake(f"{name}:{line}", f"not TOML: {reason[:1].lower()}{reason[1:]}")]
        ) from None
    return table, [], {path: (line, f"{name}:{line}") for path, line in key_lines(text).items()}


def _override(table: dict[str, Any], override: str, places: dict[Path, tuple[int, str]]) -> Mistake | Path:
    """Set one key of the table, and return which."""
    read = read_override(override)
    where = f"-- {printable(override)}"
    if read is None:
        return Mistake(where, "write section.key=VALUE, e.g. feed.port=udp")
    path, value = read
    inner = table
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            return Mistake(where, f"{part} is not a section")
    inner[path[-1]] = value
    last = max((line for line, _ in places.values()), default=0) + 1_000_000
    places.update(
        {path[:depth]: (last, where) for depth in range(1, len(path)) if path[:depth] not in places}
    )
    places[path] = (last, where)
    for known in [known for known in places if known[: len(path)] == path and known != path]:
        del places[known]
    return path


def _placed(findings: Findings, places: dict[Path, tuple[int, str]], name: str) -> list[Mistake]:
    """Return the mistakes in the order of the text. One whose key is not there stands at its section."""

    def place(path: Path) -> tuple[int, str]:
        while path and path not in places:
            path = path[:-1]
        return places.get(path, (0, name))

    found = [(*place(path), text) for path, text in findings.mistakes]
    return [Mistake(where, text) for _, where, text in sorted(found, key=lambda one: one[0])]
