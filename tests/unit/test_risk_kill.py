"""The kill switch: its few offsets are those of the contract, and its word comes before all else."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model.command import appliance, refusal

from appliance import native
from appliance.dataplane import Limits, Plan, Port, Segment, Trading
from appliance.dataplane.segment import create_segment
from appliance.native import constants, dtype, ffi
from appliance.risk import killword, names
from appliance.risk.kill import kill
from appliance.risk.killword import KillError
from appliance.risk.state import State, link_of

NAME = f"test-kill-{os.getpid()}"


class Planned:
    """A segment with trading, locked as by a data plane that lives but never answers."""

    def __init__(self) -> None:
        self.file = create_segment(NAME, Plan((Port("udp"),), ("SPY",), trading=Trading(limits=Limits())))
        self._memory = mmap.mmap(self.file, 0)
        offset = Segment(NAME).trading_offset
        self.trading: Any = np.frombuffer(self._memory, dtype("shm_trading"), count=1, offset=offset)[0]

    def die(self) -> None:
        fcntl.flock(self.file, fcntl.LOCK_UN)


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Planned]:
    State(tmp_path).make(NAME)
    segment = Planned()
    yield segment
    segment.die()
    os.close(segment.file)
    (Path("/dev/shm") / NAME).unlink(missing_ok=True)
    link_of(NAME).unlink(missing_ok=True)


def test_its_offsets_are_those_of_the_contract() -> None:
    header, trading, command = (dtype(name) for name in ("shm_header", "shm_trading", "command"))
    control, decisions = trading.fields["control"], trading.fields["decisions"]
    assert constants()["ABI_MAGIC"] == killword.MAGIC
    assert header.itemsize == killword.HEADER_BYTES
    assert header.fields["abi_hash"][1] == killword.ABI_HASH_AT
    assert header.fields["trading_offset"][1] == killword.TRADING_OFFSET_AT
    assert control[1] == control[0].fields["kill"][1] == 0, "the word stands at the beginning"
    assert control[0].fields["command"][1] == killword.COMMAND_AT
    assert command.itemsize == killword.COMMAND_BYTES
    assert [command.fields[name][1] for name in ("number", "kind", "wall_ns", "who")] == [0, 8, 24, 32]
    assert decisions[1] + decisions[0].fields["answered"][1] == killword.ANSWERED_AT
    kinds = ffi().typeof("enum command_kind").relements
    assert kinds["COMMAND_KILL"] == killword.COMMAND_KILL
    assert kinds["COMMAND_REDUCE"] == killword.COMMAND_REDUCE
    gates = ffi().typeof("enum risk_gate").relements
    assert [gates[f"GATE_{word.upper()}"] for word in killword.WORDS] == [0, 1, 2]
    assert killword.abi_hash() == native.abi_hash()


def test_the_word_is_stored_recorded_and_told(planned: Planned, tmp_path: Path) -> None:
    told = kill(NAME, "too hot")
    assert (told.running, told.answered, told.problem) == (True, False, "")
    control = planned.trading["control"]
    assert int(control["kill"]) == 2
    command = control["command"]
    assert (int(command["number"]), int(command["kind"])) == (1, killword.COMMAND_KILL)
    assert bytes(command["who"]).decode() == told.who
    record = json.loads((tmp_path / "kill.json").read_text())
    assert (record["word"], record["who"], record["reason"]) == ("killed", told.who, "too hot")
    assert '"what": "kill"' in (tmp_path / "audit.jsonl").read_text()


def test_it_is_stored_also_when_nothing_can_be_written_down(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "kill.json").mkdir()
    told = kill(NAME, "")
    assert int(planned.trading["control"]["kill"]) == 2
    assert "kill.json" in told.problem


def test_reduce_only_does_not_weaken_a_kill(planned: Planned) -> None:
    kill(NAME, "", word=killword.REDUCE_ONLY)
    assert int(planned.trading["control"]["kill"]) == 1
    kill(NAME, "")
    with pytest.raises(KillError, match="is killed, which is more"):
        kill(NAME, "", word=killword.REDUCE_ONLY)
    assert int(planned.trading["control"]["kill"]) == 2


def test_without_a_data_plane_it_is_on_record_for_the_next(planned: Planned, tmp_path: Path) -> None:
    planned.die()
    told = kill(NAME, "")
    assert not told.running
    assert json.loads((tmp_path / "kill.json").read_text())["word"] == "killed"


def test_the_command_says_what_it_did(planned: Planned) -> None:
    done = appliance("kill", "--name", NAME)
    assert done.returncode == 0
    assert re.match(rf"{NAME}: KILLED by \S+ in [\d.]+ ms; THE DATA PLANE HAS NOT ANSWERED", done.stdout)
    assert int(planned.trading["control"]["kill"]) == 2


def test_the_way_around_the_command_line_says_the_same(planned: Planned) -> None:
    words = ["kill", f"--name={NAME}", "--reason", "because"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "appliance", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{NAME}: KILLED by")
    assert int(planned.trading["control"]["kill"]) == 2


def test_it_imports_nothing_that_takes_time_before_the_word_stands() -> None:
    code = "import sys, appliance.risk.kill_command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "cffi", "click", "pathlib", "json", "typing", "dataclasses", "inspect"}


def test_who_is_not_there_cannot_be_killed() -> None:
    assert "has traded since the machine started" in refusal("kill", "--name", "nobody-at-all")


def test_the_names_are_those_of_the_contract() -> None:
    for table, enum, prefix in (
        (names.REASONS, "risk_reason", "RISK_"),
        (names.TAKES, "order_take", "TAKE_"),
        (names.CUTS, "gateway_cut", "CUT_"),
        (names.VERDICTS, "ouch_verdict", "OUCH_"),
        (names.FAULTS, "strategy_fault", "STRATEGY_"),
    ):
        found = names.names(enum, prefix)
        assert list(table) == [name for name in found if name not in ("reasons", "verdicts")], enum
    bits = ffi().typeof("enum shut_cause").relements
    assert [f"SHUT_{cause.upper()}" for cause in names.CAUSES] == sorted(bits, key=lambda name: bits[name])
    assert names.causes_of(5) == ("starting", "killed")
