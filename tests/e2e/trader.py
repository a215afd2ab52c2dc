"""One trading appliance and the exchange that it trades with, both as the programs that people start."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

from e2e.truth import Truth
from e2e.wire import HERE, PATIENCE_S, PORTS, groups
from e2e.world import wait_for
from model.command import COMMAND, appliance
from model.exchange import Venue
from model.order_log import Account, read_log

from appliance.dataplane import Segment, SegmentError
from appliance.risk.names import causes_of
from appliance.synth import Market, write_feed

_NUMBERS = count()
RECONCILED = r"reconciliation: the venue has replayed ([\d,]+) messages[^:]*: (.*)"


def day_to_trade(folder: Path, messages: int) -> Truth:
    """Make a day of few symbols, so that what trades meets itself often."""
    path = folder / "day.itch"
    write_feed(Market(messages, 6, 9, live_orders=500), str(path))
    return Truth.of(path)


class Run:
    """An ``appliance run``, and what it has said so far."""

    def __init__(self, config: Path, said: Path) -> None:
        self.said_in = said
        with said.open("ab") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "run", "--config", str(config)],
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.said_in.read_text()

    def lines(self, pattern: str) -> list[re.Match[str]]:
        return list(re.finditer(pattern, self.said))

    def wait_for_line(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until it has said so for the so-manieth time."""
        wait_for(pattern, lambda: len(self.lines(pattern)) >= times, lambda: self.said)
        return self.lines(pattern)[times - 1]


@dataclass
class Trader:
    """A block in which both run; the feed begins with ``go``."""

    truth: Truth
    folder: Path
    placement: tuple[str, ...] = ("feed+strategy+risk+gateway",)
    venue_options: tuple[str, ...] = ()
    rate: int = 4_000
    more: str = ""
    name: str = field(default_factory=lambda: f"e2e-trader-{os.getpid()}-{next(_NUMBERS)}")

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.log = self.folder / "orders.log"
        (group_a, group_b), (port_a, port_b) = groups(), PORTS
        try:
            self.venue = self._stack.enter_context(
                Venue(
                    "--file", self.truth.path, "--wait", "--hold", "--lead-in", 0, "--heartbeat", 0.1,
                    "--rate", self.rate, "--linger", 0.1, "--orders", f"{HERE}:0", "--order-log", self.log,
                    "--group-a", f"{group_a}:{port_a}", "--group-b", f"{group_b}:{port_b}",
                    *self.venue_options,
                )
            )  # fmt: skip
            self.config = self.folder / "trader.toml"
            self.config.write_text(self._configuration(f"{group_a}:{port_a}", f"{group_b}:{port_b}"))
            self.runs = 0
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _configuration(self, group_a: str, group_b: str) -> str:
        requests, snapshots, orders = (
            "{}:{}".format(*self.venue.address(name)) for name in ("requests", "snapshots", "orders")
        )
        return f"""\
name = "{self.name}"
metrics.listen = "off"
state.directory = "state"
[feed]
a.group = "{group_a}"
b.group = "{group_b}"
[recovery]
retransmission = "{requests}"
snapshot = "{snapshots}"
request_longest = 2000
[books]
symbols = {json.dumps(list(self.truth.symbols))}
orders = 100000
order_pages = 2000
levels = 50000
locates = 100
[trading]
mode = "live"
placement = {json.dumps(list(self.placement))}
call_budget_us = 1000000
[strategy]
name = "imbalance"
params = {{ percent = 55, rests = 1, spread_px = 2000 }}
[gateway]
server = "{orders}"
[limits.account]
open_orders = 1000
[limits.symbol]
order_qty = 1000
long_qty = 50000
short_qty = 50000
collar_bps = 1000
{self.more}"""

    def start(self) -> None:
        """Start `appliance run`; it ends with this block."""
        self.runs += 1
        self.run = Run(self.config, self.folder / f"run-{self.runs}.txt")
        self._stack.callback(self._end, self.run)

    def _end(self, run: Run) -> None:
        run.process.kill()
        run.process.wait()
        with suppress(SegmentError), Segment(self.name) as segment:
            wait_for("the data plane's end", lambda: not segment.is_alive)
            segment.path.unlink(missing_ok=True)
        Path(f"/dev/shm/.{self.name}.state").unlink(missing_ok=True)

    def go(self) -> None:
        """Let the first message of the feed out."""
        self.venue.tell(signal.SIGUSR1)

    def say(self, *words: str) -> str:
        """Call a command about this appliance that has to succeed; returns what it prints."""
        done = appliance(*words, "--name", self.name)
        assert done.returncode == 0, f"{done.stderr}\n{self.run.said}"
        return done.stdout

    def refused(self, *words: str) -> str:
        """Call a command that has to be refused; returns why."""
        done = appliance(*words, "--name", self.name)
        assert done.returncode == 2, done
        return done.stderr

    def positions(self) -> dict[str, int]:
        """Return what `appliance positions --json` says is held."""
        rows = json.loads(self.say("positions", "--json"))["positions"]
        return {row["symbol"]: row["position"] for row in rows if row["position"]}

    def orders(self) -> dict[int, tuple[str, str, int, int, int]]:
        """Return what `appliance orders --json` says is open."""
        found = json.loads(self.say("orders", "--json"))
        assert found["open"] == len(found["orders"])
        return {
            row["user_ref"]: (row["symbol"], row["side"], row["px"], row["leaves_qty"], row["filled_qty"])
            for row in found["orders"]
        }

    def account(self, messages: int | None = None) -> Account:
        """Return what the venue's log amounts to, of the first messages or of all."""
        return Account.of(read_log(self.log)[:messages])

    def venue_orders(self) -> dict[int, tuple[str, str, int, int, int]]:
        """Return the open orders by the venue's log."""
        return {
            number: (order.symbol, order.side, order.px, order.leaves, order.filled)
            for number, order in self.account().orders.items()
        }

    def wait_for_trading(self, orders: int = 10, fills: int = 0) -> None:
        """Wait until the venue has taken and filled so many orders since now, with some of them open."""
        before = self.account()

        def is_trading() -> bool:
            account = self.account()
            return (
                account.fills >= before.fills + fills
                and len(account.symbols) >= len(before.symbols) + orders
                and bool(account.orders)
            )

        wait_for("orders", is_trading, lambda: f"{self.shown()}\n{self.run.said}", pause_s=0.02)

    def shown(self) -> dict[str, Any]:
        """Return what the data plane shows of its gate."""
        with Segment(self.name) as segment:
            decisions = segment.decisions()
            return {
                "causes": causes_of(int(decisions["causes"])),
                "orders": int(decisions["counters"]["orders"]),
                "pid": segment.pid,
                "rejected": [int(count) for count in decisions["risk"]["rejected"]],
            }

    def wait_for_gate(self, is_right: Callable[[tuple[str, ...]], bool]) -> None:
        """Wait until the causes that keep the gate shut are as they should be."""

        def holds() -> bool:
            with suppress(SegmentError):
                return is_right(self.shown()["causes"])
            return False

        wait_for("the gate", holds, lambda: self.run.said)

    def kill_data_plane(self) -> int:
        """Kill -9, and return the process that was killed."""
        pid = int(self.shown()["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def trade_in_two_lives(self, fills: tuple[int, int]) -> None:
        """Trade until so much has been filled, die, and trade on."""
        self.run.wait_for_line("the gate is opened")
        self.go()
        self.wait_for_trading(fills=fills[0])
        self.kill_data_plane()
        self.run.wait_for_line("the gate is opened", 2)
        self.wait_for_trading(fills=fills[1])

    def wait_for_reconciliation(self, dead: int, times: int) -> re.Match[str]:
        """Wait until another data plane than the dead one has been compared; until then it sends nothing."""

        def is_done() -> bool:
            with suppress(SegmentError):
                shown = self.shown()
                if shown["pid"] != dead and "starting" in shown["causes"]:
                    assert shown["orders"] == 0
            return len(self.run.lines(RECONCILED)) >= times

        wait_for("the reconciliation", is_done, lambda: self.run.said)
        return self.run.lines(RECONCILED)[times - 1]

    def wait_for_quiet(self) -> None:
        """Wait until the venue has said all that it had to say, and the data plane has taken it."""
        deadline = time.monotonic() + PATIENCE_S
        with Segment(self.name) as segment:
            while time.monotonic() < deadline:
                messages = len(read_log(self.log))
                time.sleep(0.05)
                decisions = segment.decisions()
                if (
                    int(decisions["venue_sequence"]) == int(decisions["listed_sequence"]) == messages
                    and len(read_log(self.log)) == messages
                ):
                    return
        raise AssertionError(f"never quiet\n{self.run.said}")
