"""Memory stays flat, however many messages go through: nothing leaks, nothing grows.

The test of 200 million messages takes some minutes and is asked for by name:

    pytest -m long -s tests/e2e/test_memory.py
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from e2e.truth import Truth
from e2e.world import RECOVERY, World

from appliance.book.software import SoftwareBook
from appliance.dataplane.plan import DEFAULT_BOOKS
from appliance.synth import Market, write_feed

DAY_MESSAGES = 2_000_000
SOME = 4
# A page here and there is the kernel's business; a leak of one byte a message would be megabytes.
GROWTH_KB = 512


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Make a day of two million messages; true of it is what the software book says, fed by itself."""
    path = tmp_path_factory.mktemp("soak") / "day.itch"
    write_feed(Market(DAY_MESSAGES, 200, 3, live_orders=60_000), str(path))
    with SoftwareBook() as book:
        book.feed(path.read_bytes())
        symbols = tuple(bytes(book.view(locate)["symbol"]).decode().rstrip() for locate in range(1, SOME + 1))
        return Truth(path, DAY_MESSAGES, book.digest, book.depth_digest(), symbols, (), [])


def resident_kb(pid: int) -> int:
    """Return all memory that a process has touched, in huge pages too."""
    rows = dict(row.split(":", 1) for row in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(rows[name].split()[0]) for name in ("VmRSS", "HugetlbPages"))


def soak(day: Truth, days: int, rate: int) -> tuple[int, int]:
    """Send the day so often, with losses: messages applied, and KB of growth once two days are over.

    At the end of a session the digest of all orders takes some room for a moment, more when there were more
    orders: after two of them the heap is as large as it will be.
    """
    books: dict[str, Any] = {"books": DEFAULT_BOOKS}
    options = ("--days", days, "--lazy-books", "--loss", 0.001, "--same-gap", 0.0002)
    patient = replace(RECOVERY, silence_ms=1_000, snapshot_timeout_ms=20_000)
    with World(day, options, recovery=patient, rate=rate, linger_s=0.3, plan=books) as world:
        world.go()
        live = world.plane.segment
        world.wait_for("the third day", lambda: int(live.stats["mold"]["sessions"]) > 2)
        before = most = resident_kb(world.plane.process.pid)
        while world.venue.process.poll() is None:
            most = max(most, resident_kb(world.plane.process.pid))
            time.sleep(0.1)
        outcome = world.finish()
    assert not outcome.is_stale
    assert outcome.depth_digest == day.depth_digest
    if not outcome.count("recovery", "snapshots"):
        assert f"{outcome.digest:016x}" == outcome.report["digest"]
        assert outcome.messages == days * day.messages
    return outcome.messages, most - before


@pytest.mark.heavy
def test_the_resident_memory_of_a_data_plane_is_flat(day: Truth) -> None:
    _, growth_kb = soak(day, days=8, rate=700_000)
    assert growth_kb < GROWTH_KB


@pytest.mark.heavy
@pytest.mark.long
def test_two_hundred_million_messages_leave_no_trace_in_memory(day: Truth) -> None:
    started_s = time.monotonic()
    messages, growth_kb = soak(day, days=100, rate=900_000)
    took_s = time.monotonic() - started_s
    print(f"\n{messages:,} messages in {took_s:.0f} s, {messages / took_s:,.0f}/s; {growth_kb} KB of growth")
    assert growth_kb < GROWTH_KB
