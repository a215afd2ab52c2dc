"""The recovery machine under test, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

from model.mold64 import Live

from appliance import native

NEWS = {"": 0, "begun": 1, "joined": 2, "failed": 3}
ACTIONS = ["NOTHING", "ASK", "FETCH", "GIVE_UP", "GO_ON", "LEAVE"]


class Wish(NamedTuple):
    """What the machine wants done: an action, and for `messages` from `first` on."""

    action: str
    first: int = 0
    messages: int = 0


class Machine:
    """The machine, with the limits that a test names and the others never reached."""

    LIMITS: ClassVar[dict[str, int]] = {
        "gap_wait_cycles": 10,
        "request_timeout_cycles": 100,
        "snapshot_timeout_cycles": 1000,
        "snapshot_retry_cycles": 500,
        "silence_cycles": 0,
        "requests": 1,
        "snapshots": 1,
        "request_tries": 3,
        "request_messages": 20,
        "request_longest": 1000,
    }

    def __init__(self, **limits: int) -> None:
        ffi = native.ffi()
        assert limits.keys() <= self.LIMITS.keys()
        self._counters = ffi.new("struct recovery_counters *")
        wanted = ffi.new("struct recovery_limits *", self.LIMITS | limits)
        self._handle = native.library().api_recovery_open(wanted, self._counters)
        if self._handle == ffi.NULL:
            raise ValueError(limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        native.library().api_recovery_close(self._handle)

    def look(self, now: int, sight: Any) -> list[Wish]:
        """Show the machine a sight; its wishes."""
        native.library().api_recovery_look(self._handle, sight, now)
        wish = native.ffi().new("struct recovery_wish *")
        wishes = []
        while native.library().api_recovery_next(self._handle, wish):
            wishes.append(Wish(ACTIONS[wish.action], wish.first, wish.count))
        return wishes

    def look_at(self, now: int, stream: Live, news: str = "", need_snapshot: bool = False) -> list[Wish]:
        """Show the machine a stream."""
        sight = stream.sight
        sight.snapshot = NEWS[news]
        sight.need_snapshot = need_snapshot
        return self.look(now, sight)

    @property
    def state(self) -> str:
        """The name of its state."""
        library = native.library()
        name = library.api_recovery_state_name(library.api_recovery_state(self._handle))
        return str(native.ffi().string(name).decode()).upper()

    @property
    def counters(self) -> Any:
        """The counters, as cffi has them."""
        return self._counters


def sight_of(
    gaps: Sequence[tuple[int, int]] = (),
    end: int = 1,
    *,
    sessions: int = 1,
    heard: int = 1,
    full: bool = False,
    ended: bool = False,
    need_snapshot: bool = False,
    strangers: int = 0,
    news: str = "",
) -> Any:
    """A sight of a stream that misses these messages (first, count), and of which `end` is known."""
    listed = [{"first": first, "count": count} for first, count in gaps]
    last = sum(gaps[-1]) if gaps else 1
    known_end = max(end, last)
    return native.ffi().new(
        "struct recovery_sight *",
        {
            "sessions": sessions,
            "heard": heard,
            "expected": gaps[0][0] if gaps else known_end,
            "known_end": known_end,
            "missing": sum(count for _, count in gaps),
            "gaps": len(listed),
            "window_full": full,
            "ended": ended,
            "need_snapshot": need_snapshot,
            "snapshot": NEWS[news],
            "strangers": strangers,
            "gap": listed,
        },
    )
