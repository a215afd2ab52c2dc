"""On which line each key of a TOML text stands: what ``tomllib`` does not tell.

It reads text that ``tomllib`` has taken, so it checks nothing: it only has to know where keys, strings and
brackets begin and end.
"""

from __future__ import annotations

import bisect
import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'  # up to two quotes of its own may stand before the last three
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.S,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[Path, int]:
    """Return the line of every key, every table header, and every element of an array."""
    return _Scan(text).run()


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._starts = [0] + [match.end() for match in re.finditer("\n", self._text)]
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}  # arrays of tables: how many there are so far

    def run(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_BETWEEN)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BETWEEN)
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _note(self, path: Path) -> None:
        line = bisect.bisect_right(self._starts, self._at)
        for depth in range(1, len(path) + 1):
            self._lines.setdefault(path[:depth], line)

    def _header(self) -> Path:
        many = self._text.startswith("[[", self._at)
        start = self._at
        self._at += 1 + many
        path: Path = ()
        names = self._key()
        for depth, name in enumerate(names, 1):
            path += (name,)
            if many and depth == len(names):
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                path += (self._tables[path] - 1,)
        self._at, end = start, self._at
        self._note(path)
        self._at = end + 1 + many
        return path

    def _key(self) -> list[str]:
        names = []
        while True:
            self._skip(_BLANK)
            quoted = self._skip(_STRING)
            names.append(next(iter(tomllib.loads(f"{quoted}=0"))) if quoted else self._skip(_BARE_KEY))
            self._skip(_BLANK)
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table + tuple(self._key())
        self._at, end = start, self._at
        self._note(path)
        self._at = end + 1
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._list(path, "]")
        elif opening == "{":
            self._list(path, "}")
        elif not self._skip(_STRING):
            self._skip(_PLAIN)

    def _list(self, path: Path, closing: str) -> None:
        self._at += 1
        index = 0
        self._skip(_BETWEEN)
        while self._text[self._at] != closing:
            if closing == "]":
                self._note((*path, index))
                self._value((*path, index))
            else:
                self._pair(path)
            index += 1
            self._skip(_BETWEEN)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BETWEEN)
        self._at += 1
