"""From the tables of a TOML text to the configuration: every mistake is noted, none ends the reading."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

from appliance.config import model
from appliance.config.kinds import WrongError, shown
from appliance.config.positions import Path

Table = dict[str, Any]


@dataclass
class Findings:
    """What reading has found: which keys were given, which of them are wrong, and why."""

    given: set[Path] = field(default_factory=set)
    mistakes: list[tuple[Path, str]] = field(default_factory=list)

    def add(self, path: Path, text: str) -> None:
        """Note a mistake."""
        self.mistakes.append((path, text))

    def is_fine(self, *paths: Path) -> bool:
        """Whether none of these keys is wrong itself: only then can they contradict each other."""
        wrong = {path for path, _ in self.mistakes}
        return not any(path in wrong for path in paths)


def name_of(path: Path) -> str:
    """Write a path as TOML does: ``feed.a.group``, ``books.symbols[3]``."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_config(table: Table, findings: Findings) -> dict[str, Any]:
    """Return the sections of the configuration by name; one that could not be read is its default."""
    values = _read_fields(model.Config, table, (), findings)
    if "books" not in values and findings.is_fine(("books",)):
        findings.add(("books",), 'books.symbols is missing: name the symbols, e.g. symbols = ["SPY", "QQQ"]')
    return values


def _everywhere() -> dict[str, Path]:
    """Return where each key may stand, by its name; for "did you mean"."""
    found: dict[str, Path] = {}

    def walk(section: Any, path: Path) -> None:
        for key in model.keys_of(section).values():
            if key.section:
                walk(key.section, (*path, key.name))
            else:
                found.setdefault(key.name, (*path, key.name))

    walk(model.Config, ())
    return found


def _advice(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.6)
    if near:
        return f"did you mean {near[0]}?"
    elsewhere = _everywhere()
    if name in elsewhere:
        return f"did you mean {name_of(elsewhere[name])}?"
    near = difflib.get_close_matches(name, list(elsewhere), 1, 0.75)
    if near:
        return f"did you mean {name_of(elsewhere[near[0]])}?"
    return "known here: " + ", ".join(known)


def _read_fields(kind: Any, table: Table, path: Path, findings: Findings) -> dict[str, Any]:
    known = model.keys_of(kind)
    values: dict[str, Any] = {}
    for name, value in table.items():
        here = (*path, name)
        if name not in known:
            findings.add(here, f"{name_of(here)} is not known: {_advice(name, list(known))}")
            continue
        findings.given.add(here)
        if isinstance(known[name].kind, model.TableOf):
            values[name] = _read_table(known[name].kind.section, value, here, findings)
        elif known[name].section:
            section = _read_section(known[name].section, value, here, findings)
            if section is not None:
                values[name] = section
        else:
            try:
                values[name] = known[name].kind.read(value)
            except WrongError as wrong:
                if wrong.text:
                    findings.add(here, f"{name_of(here)}: {wrong.text}")
                for index, text in wrong.parts.items():
                    findings.add((*here, index), f"{name_of((*here, index))}: {text}")
    return values


def _read_table(kind: Any, value: object, path: Path, findings: Findings) -> dict[str, Any]:
    """Read sections of one kind by the names that the file gives them."""
    if not isinstance(value, dict):
        findings.add(path, f"{name_of(path)}: {shown(value)} is not a section: write [{name_of(path)}.NAME]")
        return {}
    sections = {}
    for name, inner in value.items():
        findings.given.add((*path, name))
        section = _read_section(kind, inner, (*path, name), findings)
        if section is not None:
            sections[name] = section
    return sections


def _read_section(kind: Any, value: object, path: Path, findings: Findings) -> Any:
    if not isinstance(value, dict):
        findings.add(path, f"{name_of(path)}: {shown(value)} is not a section: write [{name_of(path)}]")
        return None
    before = len(findings.mistakes)
    values = _read_fields(kind, value, path, findings)
    if kind is model.BooksConfig and "symbols" not in values:
        if len(findings.mistakes) == before or (*path, "symbols") not in findings.given:
            findings.add(path, 'books.symbols is missing: name the symbols, e.g. symbols = ["SPY", "QQQ"]')
        values["symbols"] = ()
    if kind is model.LineConfig and path[-1] == "b":
        values.setdefault("group", model.VENUE_B)
    return kind(**values)
