"""Histograms of times as a PNG: a logarithmic axis, one row of bars a series; just zlib and numpy."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

WIDTH, ROW, MARGIN = 900, 170, 60
_BACKGROUND, _INK, _GRID, _BAR, _MARK = 255, 40, 225, 120, 0
_BINS_A_DECADE = 60
_MARKS = {"50": 50.0, "99": 99.0, "99.9": 99.9}

# Five rows of three dots, from the top: the high bit of each row on the left.
_GLYPHS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757",
    "7": "71122", "8": "75757", "9": "75717", "A": "25755", "B": "65656", "C": "34443", "D": "65556",
    "E": "74647", "F": "74644", "G": "34553", "H": "55755", "I": "72227", "J": "11152", "K": "55655",
    "L": "44447", "M": "57755", "N": "65555", "O": "25552", "P": "65644", "Q": "25563", "R": "65655",
    "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255", "Y": "55222",
    "Z": "71247", ".": "00002", ",": "00024", ":": "02020", " ": "00000",
}  # fmt: skip


def _write(picture: Any, x: int, y: int, text: str, dot: int = 2, shade: int = _INK) -> None:
    for character in text:
        for row, bits in enumerate(_GLYPHS[character]):
            for column in range(3):
                if int(bits) >> (2 - column) & 1:
                    top, left = y + row * dot, x + column * dot
                    picture[top : top + dot, left : left + dot] = shade
        x += 4 * dot


def _bounds(series: Mapping[str, Any]) -> tuple[int, int]:
    """Return the decades that hold all times."""
    largest = max((float(ns.max()) for ns in series.values() if len(ns)), default=10.0)
    smallest = min((float(ns.min()) for ns in series.values() if len(ns)), default=1.0)
    first = int(np.floor(np.log10(max(smallest, 1.0))))
    return first, max(first + 1, int(np.ceil(np.log10(max(largest, 1.0)))))


def histogram_png(title: str, unit: str, series: Mapping[str, Any]) -> bytes:
    """Draw how often each time was found. Heights are square roots, so that the tail can be seen."""
    first, last = _bounds(series)
    picture = np.full((MARGIN + ROW * len(series), WIDTH), _BACKGROUND, np.uint8)
    _write(picture, 20, 14, title, 3)

    def place(value: float) -> int:
        share = (np.log10(max(value, 1.0)) - first) / (last - first)
        return 20 + round(float(WIDTH - 40) * float(share))

    for row, (name, ns) in enumerate(series.items()):
        base = MARGIN + ROW * (row + 1) - 40
        for decade in range(first, last + 1):
            x = min(place(10.0**decade), WIDTH - 21)
            picture[base - 100 : base + 5, x] = _GRID
            label = f"{10**decade:,} {unit}"
            _write(picture, min(x, WIDTH - 20 - 8 * len(label)), base + 10, label)
        _draw_bars(picture, base, ns, place, (first, last))
        picture[base, 20 : WIDTH - 20] = _INK
        _write(picture, 20, base - 118, f"{name}: {len(ns):,}")
    return _png(picture)


def _draw_bars(picture: Any, base: int, ns: Any, place: Any, decades: tuple[int, int]) -> None:
    if not len(ns):
        return
    first, last = decades
    edges = np.logspace(first, last, (last - first) * _BINS_A_DECADE + 1)
    counts, _ = np.histogram(ns, edges)
    heights = np.sqrt(counts / max(int(counts.max()), 1)) * 90
    for height, left, right in zip(heights, edges[:-1], edges[1:], strict=True):
        if height > 0:
            picture[
                base - max(int(height), 1) : base, place(left) : max(place(right) - 1, place(left) + 1)
            ] = _BAR
    for label, point in _MARKS.items():
        x = place(float(np.percentile(ns, point)))
        picture[base - 96 : base, x] = _MARK
        _write(picture, min(x + 3, WIDTH - 60), base - 100 + 14 * list(_MARKS).index(label), f"P{label}")


def _png(picture: Any) -> bytes:
    height, width = picture.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = picture

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # eight bits of grey
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9))
        + chunk(b"IEND", b"")
    )
