"""A ring of items in a shared mapping, read and written as numpy arrays that are the ring's own memory.

Nothing here waits: a reader sees what is there, and gives back what it has read.
"""

from __future__ import annotations

import mmap
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from appliance.errors import ApplianceError
from appliance.native import ffi, library

_MOST = (1 << 32) - 1


class RingError(ApplianceError):
    """There is no such ring."""


def ring_bytes(items: int, item_bytes: int) -> int:
    """Return the memory that a ring takes."""
    size = int(library().api_spsc_bytes(items, item_bytes)) if 0 <= item_bytes <= _MOST else 0
    if not size:
        raise RingError(
            f"a ring of {items} items of {item_bytes} bytes: their number must be a power of two up to 2^26, "
            "their size a multiple of 64 up to 512"
        )
    return size


class Ring:
    """One side of a ring, as its producer or its consumer; each has one at a time."""

    def __init__(self, memory: mmap.mmap, handle: Any, base: Any, dtype: npt.DTypeLike) -> None:
        """Take over a ring; use ``place`` or ``attach``."""
        self._bytes = base
        self._array: npt.NDArray[np.uint8] | None = np.frombuffer(memory, np.uint8)
        self._handle = handle
        self._count = ffi().new("uint32_t *")
        self.dtype = np.dtype(dtype)
        item_bytes = int(library().api_spsc_item_bytes(handle))
        if self.dtype.itemsize != item_bytes:
            self.close()
            raise RingError(
                f"this ring has items of {item_bytes} bytes; {self.dtype.itemsize} would be read as one: "
                "it is another ring, or another build made it"
            )

    @classmethod
    def place(
        cls, memory: mmap.mmap, offset: int, items: int, dtype: npt.DTypeLike, position: int = 0
    ) -> Self:
        """Make an empty ring at this offset; its indices start at ``position``."""
        size = ring_bytes(items, np.dtype(dtype).itemsize)
        if not 0 <= offset <= len(memory) - size:
            raise RingError(f"a ring of {size} bytes does not fit at {offset} of {len(memory)}")
        base = ffi().from_buffer("uint8_t[]", memory)
        handle = library().api_spsc_place(base + offset, items, np.dtype(dtype).itemsize, position)
        return cls(memory, _checked(handle, base, offset), base, dtype)

    @classmethod
    def attach(cls, memory: mmap.mmap, offset: int, dtype: npt.DTypeLike) -> Self:
        """Join the ring that somebody placed at this offset."""
        base = ffi().from_buffer("uint8_t[]", memory)
        room = max(len(memory) - offset, 0)
        handle = library().api_spsc_attach(base + offset, room) if offset >= 0 else ffi().NULL
        return cls(memory, _checked(handle, base, offset), base, dtype)

    def readable(self, most: int = _MOST) -> npt.NDArray[Any]:
        """Return the oldest items, at most so many: a view that is valid until they are released."""
        view = self._view(library().api_spsc_peek(self._handle, most, self._count))
        view.flags.writeable = False
        return view

    def release(self, count: int) -> None:
        """Give back the first items of what was readable."""
        library().api_spsc_release(self._handle, count)

    def writable(self, most: int = _MOST) -> npt.NDArray[Any]:
        """Return room for items, at most so many: a view to fill."""
        return self._view(library().api_spsc_reserve(self._handle, most, self._count))

    def commit(self, count: int) -> None:
        """Hand over the first items of what was writable."""
        library().api_spsc_commit(self._handle, count)

    def __len__(self) -> int:
        """Return how many items wait."""
        return int(library().api_spsc_waiting(self._handle))

    def _view(self, at: Any) -> npt.NDArray[Any]:
        assert self._array is not None
        if at == ffi().NULL:
            return np.empty(0, self.dtype)
        start = int(ffi().cast("uintptr_t", at)) - int(ffi().cast("uintptr_t", self._bytes))
        size = self._count[0] * self.dtype.itemsize
        return self._array[start : start + size].view(self.dtype)

    def close(self) -> None:
        """Let go of the mapping; it can be closed when the last view of it has gone."""
        self._array = None
        ffi().release(self._bytes)


def _checked(handle: Any, base: Any, offset: int) -> Any:
    if handle == ffi().NULL:
        ffi().release(base)
        raise RingError(f"there is no ring at {offset} of this memory, or no place for one: it begins a line")
    return handle
