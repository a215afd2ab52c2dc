"""The kill switch: the word in shared memory first, then the record on disk, then who it was.

What the record needs is imported when the word stands.
"""

from __future__ import annotations

import os
import time

from appliance.risk.killword import (
    COMMAND_KILL,
    COMMAND_REDUCE,
    KILLED,
    OPEN,
    REDUCE_ONLY,
    KillError,
    Memory,
    the_only_one,
)


class Told:
    """What was done."""

    def __init__(self, name: str) -> None:
        """Nothing yet."""
        self.name, self.who = name, ""
        self.running = self.answered = False
        self.problem = ""  # why it is not on record


def kill(
    name: str | None, reason: str, named: str | None = None, directory: str | None = None, word: str = KILLED
) -> Told:
    """Stop all orders of an appliance, now and after every restart, until somebody resumes."""
    if named is not None and os.getuid() != 0:
        raise KillError(f"--as {named}: only root may speak for somebody else")
    told = Told(name or the_only_one())
    memory = Memory.of(told.name)
    if memory and word == KILLED:
        memory.store(word)
    memory = _put_on_record(told, memory, word, reason, named, directory)
    if memory:
        told.running = memory.lives
        kind = COMMAND_KILL if word == KILLED else COMMAND_REDUCE
        told.answered = memory.lives and memory.tell(kind, told.who)
    return told


def _put_on_record(
    told: Told, memory: Memory | None, word: str, reason: str, named: str | None, directory: str | None
) -> Memory | None:
    """Write it down; returns the data plane that runs then: another one may have been started meanwhile."""
    from appliance.risk.people import whoami  # noqa: PLC0415  (25 ms, in which orders would go on)
    from appliance.risk.state import State, StateError  # noqa: PLC0415  (likewise)

    told.who = whoami(named)
    try:
        state = State.of(told.name, directory)
        with state.alone():
            before = (state.read("kill.json") or {}).get("word", OPEN)
            if word == REDUCE_ONLY and before == KILLED:
                raise KillError(f"'{told.name}' is killed, which is more: appliance resume takes it back")
            record = {"word": word, "who": told.who, "reason": reason, "wall_ns": time.time_ns()}
            state.write("kill.json", record)
            # Whoever started or resumed meanwhile has been overtaken: the word is said again.
            memory = Memory.of(told.name) or memory
            if memory:
                memory.store(word)
            state.audit(told.who, "kill" if word == KILLED else "reduce", before, word, reason=reason)
    except StateError as error:
        if not memory:
            raise
        memory.store(word)
        told.problem = str(error)
    return memory
