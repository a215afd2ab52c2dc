"""The running data plane as others see it: the one module that knows the shared segment."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from appliance.errors import ApplianceError
from appliance.native import abi_hash, constants, dtype, ffi

_DIRECTORY = Path("/dev/shm")
_PATIENCE_S = 1.0


class SegmentError(ApplianceError):
    """The segment is missing, or another build wrote it."""


class Segment:
    """A mapped segment. ``views`` is the writer's memory itself: read it through ``view``."""

    def __init__(self, name: str) -> None:
        """Map a running data plane's segment, read-only."""
        path = _DIRECTORY / name
        header = dtype("shm_header")
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < header.itemsize:
                    raise SegmentError(f"{path}: {size} bytes are no segment: is its data plane starting?")
                self._memory = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
        except FileNotFoundError:
            raise SegmentError(f"{path}: no data plane of this name is running") from None
        except OSError as error:
            raise SegmentError(f"{path}: {error.strerror}") from None
        self._header = np.frombuffer(self._memory, header, count=1)[0]
        self._check(path, size)
        offset, count = int(self._header["views_offset"]), int(self._header["views"])
        self.views: npt.NDArray[Any] = np.frombuffer(
            self._memory, dtype("book_view"), count=count, offset=offset
        )

    def _check(self, path: Path, size: int) -> None:
        header = self._header
        if int(header["magic"]) != constants()["ABI_MAGIC"]:
            raise SegmentError(f"{path}: not a segment of a data plane")
        if bytes(header["abi_hash"]) != abi_hash():
            raise SegmentError(
                f"{path}: written by a data plane of another build (its abi.h differs): "
                "restart it with this installation's dataplane"
            )
        if int(header["bytes"]) != size:
            raise SegmentError(f"{path}: {size} bytes, but its header says {int(header['bytes'])}")

    def __enter__(self) -> Self:
        """Unmap at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Unmap; arrays taken from here must be gone by then."""
        del self._header, self.views
        self._memory.close()

    def view(self, index: int) -> Any:
        """Return a consistent copy of one view: 384 bytes, never half of two updates."""
        deadline = time.monotonic() + _PATIENCE_S
        live = self.views[index : index + 1]
        while True:
            before = int(live["version"][0])
            copy = live.copy()
            if not before & 1 and int(live["version"][0]) == before:
                return copy[0]
            if time.monotonic() > deadline:
                raise SegmentError(f"view {index}: its writer stopped in the middle of an update")

    def index(self, symbol: str) -> int:
        """Return which view is this symbol's."""
        found = np.flatnonzero(self.views["symbol"] == symbol.ljust(8).encode())
        if not len(found):
            raise SegmentError(f"{symbol}: this data plane publishes no view of it")
        return int(found[0])

    @property
    def state(self) -> str:
        """One of starting, running, ended, stopped, failed; or dead: its process is gone without a word."""
        names = ffi().typeof("enum shm_state").elements
        said = str(names[int(self._header["state"])]).removeprefix("SHM_").lower()
        return "dead" if said in ("starting", "running") and self._is_gone() else said

    def _is_gone(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # it lives, under another user
            return False
        return False

    @property
    def pid(self) -> int:
        """The data plane's process."""
        return int(self._header["pid"])

    @property
    def live(self) -> dict[str, int]:
        """What the data plane says of itself while it runs."""
        live = self._header["live"]
        return {name: int(live[name]) for name in ("heartbeat_cycles", "messages", "sequence", "digest")}
