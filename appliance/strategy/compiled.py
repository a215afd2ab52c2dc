"""A compiled strategy: a shared object with the symbols that ``abi/strategy.h`` names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from appliance import native
from appliance.errors import ApplianceError, printable

_BUILTIN = Path(native.__file__).parent / "_native" / "strategies"


class StrategyError(ApplianceError):
    """It is no strategy, or does not take these parameters."""


@dataclass(frozen=True)
class Field:
    """One member of the state or of the parameters."""

    name: str
    offset: int
    bytes: int
    least: int
    most: int
    initial: int


@dataclass(frozen=True)
class CompiledStrategy:
    """What the data plane would load from this file."""

    path: Path
    name: str
    depth: int
    every_event: bool
    state_bytes: int
    params_bytes: int
    state: tuple[Field, ...]
    params: tuple[Field, ...]

    @classmethod
    def load(cls, path: Path) -> CompiledStrategy:
        """Ask a shared object what it is."""
        ffi, api = native.ffi(), native.library()
        error = ffi.new("char[]", native.constants()["API_ERROR_BYTES"])
        info = ffi.new("struct strategy_info *")
        where = os.fsencode(path.absolute())
        if not path.is_file():
            raise StrategyError(f"{printable(path)}: there is no such file: name a compiled strategy")
        if api.api_strategy_info(where, info, error) < 0:
            raise StrategyError(printable(ffi.string(error)))
        return cls(
            path=path,
            name=ffi.string(info.name).decode(),
            depth=info.depth,
            every_event=bool(info.every_event),
            state_bytes=info.state_bytes,
            params_bytes=info.params_bytes,
            state=_fields(where, 0),
            params=_fields(where, 1),
        )

    def packed(self, given: Mapping[str, int]) -> bytes:
        """Return its parameters as it lays them out; what is not given has its initial value."""
        known = {field.name: field for field in self.params}
        for name in given:
            if name not in known:
                names = ", ".join(known) or "none"
                raise StrategyError(f"strategy '{self.name}' has no parameter '{name}': it has {names}")
        memory = np.zeros(self.params_bytes, np.uint8)
        for field in self.params:
            value = given.get(field.name, field.initial)
            if not field.least <= value <= field.most:
                raise StrategyError(
                    f"parameter '{field.name}' of strategy '{self.name}' is {value}: "
                    f"it takes {field.least} to {field.most}"
                )
            memory[field.offset : field.offset + field.bytes] = np.frombuffer(
                value.to_bytes(field.bytes, "little", signed=field.least < 0 or value < 0), np.uint8
            )
        return memory.tobytes()


def _fields(where: bytes, which: int) -> tuple[Field, ...]:
    ffi, api = native.ffi(), native.library()
    error = ffi.new("char[]", native.constants()["API_ERROR_BYTES"])
    room = native.constants()["ABI_STRATEGY_FIELDS"]
    fields: Any = ffi.new("struct strategy_field[]", room)
    count = api.api_strategy_fields(where, which, fields, room, error)
    return tuple(
        Field(ffi.string(one.name).decode(), one.offset, one.bytes, one.least, one.most, one.initial)
        for one in fields[0 : max(count, 0)]
    )


def builtin_strategies() -> dict[str, Path]:
    """Return the strategies that came with the package."""
    return {path.stem: path for path in sorted(_BUILTIN.glob("*.so"))}


def find_strategy(name: str, folder: Path = Path()) -> Path:
    """Return the file of a strategy: one of the package's by its name, any other by its path."""
    builtin = builtin_strategies()
    if name in builtin:
        return builtin[name]
    path = folder / name
    if not path.is_file():
        raise StrategyError(
            f"strategy '{name}': neither one of {', '.join(builtin)} nor a file: name a compiled strategy"
        )
    return path
