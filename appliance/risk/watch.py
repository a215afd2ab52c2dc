"""What ``appliance run`` does about trading beside keeping the data plane alive.

Before each start it says what the limits and the kill word are. After each start the gate is shut; when the
venue has replayed its session, what came of that is compared with what was on record before, and if it fits
the gate is opened. From then on positions and open orders go on record many times a second. What befalls the
gate, the session and the strategy is said in a line each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from appliance.config import Config
from appliance.config.trading import as_limits, configured_limits
from appliance.dataplane import Control, ControlError, Plan, Segment, SegmentError
from appliance.risk.changes import LimitBook
from appliance.risk.killword import OPEN, WORDS
from appliance.risk.names import CAUSES, CUTS, FAULTS, causes_of, cuts, fault_name
from appliance.risk.people import whoami
from appliance.risk.reconcile import differences, told
from appliance.risk.record import FILE, Record, record_of
from appliance.risk.state import State, StateError

Say = Callable[[str], None]
RECONCILIATION = "reconciliation.json"
WAITING, CLEAN, DIFFERENT, ACCEPTED = "waiting", "clean", "different", "accepted"
_WRITE_EVERY_S = 0.02
_SAY_WAITING_S = 2.0


@dataclass
class _Life:
    """What was seen of one data plane so far."""

    began: float = field(default_factory=time.monotonic)
    causes: tuple[str, ...] = ("starting", "disconnected")
    cuts: tuple[int, ...] = ()
    fault: tuple[int, int] = (0, 0)
    verdict: str = WAITING
    has_said_waiting: bool = False


class TradingWatch:
    """The companion of a supervisor whose data planes trade."""

    def __init__(self, config: Config, say: Say) -> None:
        """Make the directory of what outlives restarts, and read it."""
        self._name, self._say = config.name, say
        self._configured = configured_limits(config)
        self.state = State(config.state_directory)
        self.state.make(config.name)
        self.state.write(
            "settings.json",
            {
                "roles": {"operator": config.roles.operator, "risk": config.roles.risk},
                "name": config.name,
                "journal": str(config.journal_directory or ""),
            },
        )
        self._life = _Life()
        self._written: Record | None = None
        self._written_at = 0.0
        self._is_failing = False
        self._take_up_limits()

    def _take_up_limits(self) -> None:
        with self.state.alone():
            book = LimitBook.load(self.state)
            was = book.configured
            void = book.configure(self._configured)
            book.save(self.state)
            if was != self._configured:
                self.state.audit(whoami(), "configured limits", None, sorted(self._configured))
            for line in void:
                self.state.audit(whoami(), "change void", line)
        for line in void:
            self._say(f"{self._name}: limits: {line}")

    # ---- What the supervisor calls. ----

    def plan(self, plan: Plan) -> Plan:
        """Return what the next data plane is told: limits and kill word as they stand."""
        if plan.trading is None:
            return plan
        self._last_words()
        book = LimitBook.load(self.state)
        kill = WORDS.index(self.kill_on_record())
        return replace(plan, trading=replace(plan.trading, limits=as_limits(book.all()), kill=kill))

    def begin(self, _segment: Segment) -> None:
        """A data plane was started. Whoever has killed since its plan was made is obeyed."""
        self._life = _Life()
        with self.state.alone():
            word = self.kill_on_record()
            with Control(self._name) as control:
                if WORDS.index(word) > WORDS.index(control.kill_word):
                    control.set_kill_word(word)
            self._tell_verdict(WAITING, [])
        if word != OPEN:
            self._say(f"{self._name}: {self._killed_line()}")

    def look(self, segment: Segment) -> None:
        """Once every few milliseconds."""
        try:
            decisions = segment.decisions()
        except SegmentError:
            return
        try:
            self._look_at_gate(decisions)
            self._look_at_session(segment)
            self._look_at_strategy(segment)
            is_starting = "starting" in self._life.causes
            if is_starting and self._life.verdict == WAITING:
                self._reconcile(segment, decisions)
            elif is_starting and self._life.verdict == CLEAN and len(self._life.causes) == 1:
                self._open()  # it was refused: the session broke just then
            elif self._life.verdict != DIFFERENT or not is_starting:
                self._put_on_record(record_of(decisions, segment.symbols))
            self._is_failing = False
        except (StateError, ControlError) as error:
            if not self._is_failing:
                self._say(f"{self._name}: ALERT: {error}")
            self._is_failing = True

    def end(self, segment: Segment) -> None:
        """The data plane is gone, and its segment still there: the last that it has shown."""
        if self._life.verdict == WAITING or (
            self._life.verdict == DIFFERENT and "starting" in self._life.causes
        ):
            return  # what is on record is what was before it
        try:
            self._put_on_record(record_of(segment.decisions(), segment.symbols), now=True)
        except (SegmentError, StateError) as error:
            self._say(f"{self._name}: what it showed last cannot be put on record: {error}")

    # ---- The record. ----

    def kill_on_record(self) -> str:
        """Return the word that the gate is to begin with."""
        return str((self.state.read("kill.json") or {}).get("word", OPEN))

    def _killed_line(self) -> str:
        found = self.state.read("kill.json") or {}
        reason = f" ({found['reason']})" if found.get("reason") else ""
        return f"{found.get('word')} on record, by {found.get('who')}{reason}: appliance resume takes it back"

    def _on_record(self) -> Record | None:
        found = self.state.read(FILE)
        return Record.of_json(found) if found else None

    def _put_on_record(self, record: Record, now: bool = False) -> None:
        since = time.monotonic() - self._written_at
        if record == self._written or (since < _WRITE_EVERY_S and not now):
            return
        self.state.write(FILE, record.as_json(), durable=False)
        self._written, self._written_at = record, time.monotonic()

    def _last_words(self) -> None:
        """A `run` that was killed has not read what its data plane showed last: the segment is still here."""
        try:
            with Segment(self._name) as dead:
                if dead.is_alive or dead.trading is None:
                    return
                about = self.state.read(RECONCILIATION) or {}
                has_opened = about.get("verdict") in (CLEAN, ACCEPTED)
                if about.get("segment") != _number_of(dead) or not has_opened:
                    return
                shown = record_of(dead.decisions(), dead.symbols)
        except SegmentError:
            return
        before = self._on_record()
        if before is None or shown.sequence > before.sequence:
            self._put_on_record(shown, now=True)

    # ---- Reconciliation. ----

    def _reconcile(self, segment: Segment, decisions: Any) -> None:
        life = self._life
        if "disconnected" in life.causes:
            if not life.has_said_waiting and time.monotonic() - life.began > _SAY_WAITING_S:
                life.has_said_waiting = True
                self._say(f"{self._name}: reconciliation: waits for the venue's session to be caught up")
            return
        now = record_of(decisions, segment.symbols)
        if now.listed_sequence != now.sequence or now.open_orders != int(decisions["pool"]["open"]):
            return  # the list of orders is not yet as new as the rest
        before = self._on_record()
        found = differences(before, now)
        life.verdict = DIFFERENT if found else CLEAN
        behind = f", {now.sequence - before.sequence:,} of them behind the record" if before else ""
        self._say(
            f"{self._name}: reconciliation: the venue has replayed {now.sequence:,} messages{behind}: "
            f"{told(now)}"
        )
        self.state.audit(
            "reconciliation", life.verdict, before and told(before), told(now), differences=found
        )
        if found:
            self._tell_verdict(DIFFERENT, found)
            for line in found:
                self._say(f"{self._name}: ALERT: reconciliation: {line}")
            self._say(
                f"{self._name}: ALERT: the gate stays shut: look at it, and then appliance resume "
                "--accept-differences"
            )
            return
        self._put_on_record(now, now=True)
        self._tell_verdict(CLEAN, [])
        self._open()

    def _open(self) -> None:
        with self.state.alone():
            if self.kill_on_record() == WORDS[-1]:
                self._say(f"{self._name}: reconciliation: no differences; {self._killed_line()}")
                return
            with Control(self._name) as control:
                control.send("open", "reconciliation")
        took = time.monotonic() - self._life.began
        self._say(f"{self._name}: reconciliation: no differences; the gate is opened after {took:.2f} s")

    def _tell_verdict(self, verdict: str, found: list[str]) -> None:
        with Segment(self._name) as segment:
            number = _number_of(segment)
        self.state.write(
            RECONCILIATION,
            {"verdict": verdict, "differences": found, "segment": number, "wall_ns": time.time_ns()},
        )

    # ---- Lines. ----

    def _look_at_gate(self, decisions: Any) -> None:
        now, before = causes_of(int(decisions["causes"])), self._life.causes
        for cause in now:
            if cause not in before:
                self._say(f"{self._name}: GATE SHUT: {cause}: {CAUSES.get(cause, '')}")
        gone = [cause for cause in before if cause not in now]
        if gone:
            left = f"still {', '.join(now)}" if now else "the gate is open"
            self._say(f"{self._name}: gate: {', '.join(gone)} is over; {left}")
        self._life.causes = now

    def _look_at_session(self, segment: Segment) -> None:
        now = tuple(int(count) for count in segment.trading["gateway"]["cuts"])
        before = self._life.cuts or (0,) * len(now)
        for name, count, old in zip(cuts(), now, before, strict=False):
            is_first = name != "no_connection" or old == 0
            if count > old and is_first:
                self._say(f"{self._name}: DISCONNECTED from the venue: {CUTS.get(name, name)}")
        self._life.cuts = now

    def _look_at_strategy(self, segment: Segment) -> None:
        shown = segment.trading["strategy"]
        now = int(shown["fault"]), int(shown["fault_tick"])
        if now != self._life.fault and now[0]:
            name = bytes(shown["name"]).decode(errors="replace")
            self._say(
                f"{self._name}: ALERT: strategy '{name}' is called no more: "
                f"{FAULTS.get(fault_name(now[0]), '?')} (tick {now[1]:,}); its orders are pulled"
            )
        self._life.fault = now


def _number_of(segment: Segment) -> int:
    """Tell one segment of a name from the next."""
    return segment.path.stat().st_ino
