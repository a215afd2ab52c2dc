"""The way back from a kill, from reduce-only, and from differences that a person has looked at."""

from __future__ import annotations

from appliance.dataplane import Control, ControlError, Segment
from appliance.errors import ApplianceError
from appliance.risk.killword import OPEN, WORDS
from appliance.risk.names import CAUSES, causes_of
from appliance.risk.people import RISK, demand
from appliance.risk.state import State
from appliance.risk.watch import ACCEPTED, CLEAN, DIFFERENT, RECONCILIATION

# What resuming takes away; all else has to be gone before.
_OURS = ("starting", "killed", "reduce")


class ResumeError(ApplianceError):
    """The gate cannot be opened."""


def resume(segment: Segment, state: State, who: str, accepts: bool) -> str:
    """Open the gate; says what was taken back."""
    demand(state, who, RISK)
    with state.alone(), Control(segment.name) as control:
        record = state.read("kill.json")
        word = record["word"] if record else control.kill_word
        verdict = _check(segment, state, accepts)
        state.audit(who, "resume", word, OPEN, accepted=verdict["differences"] if accepts else [])
        if verdict["verdict"] == DIFFERENT:
            state.write(RECONCILIATION, {**verdict, "verdict": ACCEPTED})
        state.remove("kill.json")
        control.set_kill_word(OPEN)
        try:
            control.send("open", who)
        except ControlError:
            if record:
                control.set_kill_word(word)
                state.write("kill.json", record)
            state.write(RECONCILIATION, verdict)
            raise
    by = f", said by {record['who']}," if record else ""
    before = f"{word}{by} is taken back; " if word in WORDS[1:] else ""
    return f"{segment.name}: {before}the gate is open"


def _check(segment: Segment, state: State, accepts: bool) -> dict[str, object]:
    """Refuse when something keeps the gate shut that no word takes away."""
    causes = causes_of(int(segment.decisions()["causes"]))
    others = [cause for cause in causes if cause not in _OURS]
    if others:
        why = "; ".join(f"{cause}: {CAUSES[cause]}" for cause in others)
        raise ResumeError(f"'{segment.name}' cannot resume yet: {why}")
    verdict = state.read(RECONCILIATION) or {}
    if verdict.get("segment") != segment.path.stat().st_ino or verdict["verdict"] not in (
        CLEAN,
        ACCEPTED,
        DIFFERENT,
    ):
        raise ResumeError(
            f"'{segment.name}' is not reconciled with the venue yet: appliance run does that; try again"
        )
    if verdict["verdict"] == DIFFERENT and not accepts:
        found = "".join(f"\n  {line}" for line in verdict["differences"])
        raise ResumeError(
            f"'{segment.name}' differs from what was on record:{found}\n"
            "look at it, and say --accept-differences when the venue is right"
        )
    return verdict
