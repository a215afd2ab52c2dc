"""Strategies compiled on the spot, and called as the data plane calls them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple, Self

import appliance
from appliance import native

FAULTS = ["fine", "returned", "overlong", "overfull"]
_HEADERS = Path(appliance.__file__).parent / "_native"
_FRAME = """
#include "strategy/strategy.h"
struct state {{ {state} }};
struct params {{ {params} }};
STRATEGY_EXPORT const struct strategy_field strategy_state[] = {{ {state_fields} }};
STRATEGY_EXPORT const struct strategy_field strategy_params[] = {{ {params_fields} }};
STRATEGY("{name}", state, params, {options});
STRATEGY_EXPORT int32_t on_book(const struct book_view *book, void *own, const void *given,
                                struct signals *out) {{
    struct state *state = own;
    const struct params *params = given;
    (void)book, (void)state, (void)params, (void)out;
    {body}
}}
"""


class Signal(NamedTuple):
    """One wish."""

    action: int
    tag: int
    side: int
    tif: int
    px: int
    qty: int


def compile_strategy(
    folder: Path,
    body: str,
    name: str = "test",
    state: dict[str, str] | None = None,
    params: dict[str, tuple[int, int, int]] | None = None,
    options: str = ".depth = 1",
) -> Path:
    """Compile the body of ``on_book``; state is member -> C type, parameters int32_t with their bounds."""
    state, params = state or {"unused": "int32_t"}, params or {"unused": (0, 0, 0)}
    source = folder / f"{name}.c"
    source.write_text(
        _FRAME.format(
            name=name,
            body=body,
            options=options,
            state=" ".join(f"{kind} {member};" for member, kind in state.items()),
            params=" ".join(f"int32_t {member};" for member in params),
            state_fields=", ".join(f"STRATEGY_FIELD(state, {member}, 0, 0, 0)" for member in state),
            params_fields=", ".join(
                f"STRATEGY_FIELD(params, {member}, {low}, {high}, {first})"
                for member, (low, high, first) in params.items()
            ),
        )
    )
    compiled = source.with_suffix(".so")
    compiler = shutil.which("cc") or shutil.which("gcc") or "cc"
    subprocess.run(
        [
            compiler,
            "-O2",
            "-shared",
            "-Wno-override-init",
            "-fPIC",
            "-Wall",
            "-Werror",
            f"-I{_HEADERS}",
            "-o",
            compiled,
            source,
        ],
        check=True,
    )
    return compiled


def view(bid: tuple[int, int] | None, ask: tuple[int, int] | None, flags: int = 0) -> Any:
    """A view of one level a side: price and quantity."""
    made = native.ffi().new("struct book_view *")
    made.flags = flags
    for levels, level, count in ((made.bid, bid, "bid_levels"), (made.ask, ask, "ask_levels")):
        if level:
            levels[0].px, levels[0].qty, levels[0].orders = level[0], level[1], 1
            setattr(made, count, 1)
    return made


class Slots:
    """Two slots, as the strategy stage has them."""

    def __init__(self, instruments: int = 2, budget_cycles: int = 0) -> None:
        self._handle = native.library().api_strategy_open(instruments, budget_cycles)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        native.library().api_strategy_close(self._handle)

    def load(self, path: Path, params: bytes | None = None) -> str:
        """Load and switch; the refusal, or nothing."""
        ffi = native.ffi()
        error = ffi.new("char[]", native.constants()["API_ERROR_BYTES"])
        given = ffi.NULL if params is None else ffi.from_buffer("uint8_t[]", params)
        size = len(params or b"")
        if native.library().api_strategy_load(self._handle, str(path).encode(), given, size, error) == 0:
            return ""
        return str(ffi.string(error).decode())

    def call(self, book: Any, instrument: int = 0) -> tuple[str, list[Signal]]:
        """Call the strategy: how it went, and what it wants."""
        out = native.ffi().new("struct signals *")
        fault = native.library().api_strategy_call(self._handle, instrument, book, out)
        made = [
            Signal(one.action, one.tag, one.side, one.tif, one.px, one.qty)
            for one in out.signal[0 : out.count]
        ]
        return ("none" if fault < 0 else FAULTS[fault]), made
