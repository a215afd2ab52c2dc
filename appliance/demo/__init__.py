"""The demonstration: a market, its day through the books, and the same day live over two bad lines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from appliance.demo.live import DemoError, Wire, choose_wire, join_late, lossy_lines
from appliance.demo.offline import make_day, replay_day, time_day
from appliance.synth import Market

Say = Callable[[str], None]


def run_demo(market: Market, rate: int, say: Say) -> None:
    """Run all of it; raises DemoError when two ways of the same day end in different books."""
    with tempfile.TemporaryDirectory(prefix="appliance-demo-") as directory:
        day = Path(directory) / "day.itch"
        say(make_day("1/5 make the market  ", market, day))
        digest, text = replay_day("2/5 through the books", day, market.messages)
        say(text)
        timed, text = time_day("3/5 time the book    ", day)
        say(text)
        if timed != digest:
            raise DemoError(f"the same file gave two books: {digest:016x} and, timed, {timed:016x}")
        with choose_wire(say) as wire:
            _live(wire, day, market.messages, rate, digest, say)


def _live(wire: Wire, day: Path, messages: int, rate: int, digest: int, say: Say) -> None:
    say(lossy_lines("4/5 live, two lines  ", wire, day, messages, rate, digest))
    say(join_late("5/5 killed in mid-day", wire, day, messages, rate))
