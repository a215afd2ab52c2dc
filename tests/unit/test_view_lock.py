"""Views under a writer that changes every field all the time: a copy is never half of two updates."""

from __future__ import annotations

import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.dataplane import Plan, Port, Segment, SegmentError
from appliance.dataplane.segment import create_segment
from appliance.native import dtype

GLUE = Path(__file__).parents[2] / "dpdk_glue"
ROOMS = ("book", "memory", "stats")
FLAGS = ("-std=gnu17", "-O3", "-D_GNU_SOURCE", "-fno-strict-aliasing")
CPU_FLAGS = ("-march=x86-64-v3",) if platform.machine() == "x86_64" else ()
NAME = f"test-views-{os.getpid()}"
Write = Callable[[int], subprocess.Popen[bytes]]
Shown = tuple[Any, ...]


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the writer from the library's own sources."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the writer with")
    folder = tmp_path_factory.mktemp("writer")
    make_hash: list[str | Path] = [sys.executable, GLUE / "include/make_abi_hash.py", GLUE / "include/abi.h"]
    subprocess.run([*make_hash, folder / "abi_hash.h"], check=True)
    sources = [Path(__file__).with_name("view_writer.c"), GLUE / "stage/segment.c", GLUE / "wire/itch.c"]
    sources += [source for room in ROOMS for source in sorted((GLUE / room).glob("*.c"))]
    include = [f"-I{folder}", f"-I{GLUE}", f"-I{GLUE / 'include'}"]
    subprocess.run([compiler, *FLAGS, *CPU_FLAGS, *include, *sources, "-o", folder / "writer"], check=True)
    return folder / "writer"


@pytest.fixture
def write(writer: Path) -> Iterator[Write]:
    """Start the writer with a pause between its updates, and kill it in the end."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(pause: int) -> subprocess.Popen[bytes]:
        file = create_segment(NAME, Plan((Port("file"),), ("VIEW",)))
        running.append(subprocess.Popen([writer, str(file), str(pause)], pass_fds=[file]))
        os.close(file)
        return running[0]

    yield begin
    for process in running:
        process.kill()
        process.wait()
    (Path("/dev/shm") / NAME).unlink(missing_ok=True)


def attach(process: subprocess.Popen[bytes]) -> Segment:
    """Map the segment once it is being written."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            segment = Segment(NAME)
        except SegmentError:
            time.sleep(0.005)
            continue
        if segment.state == "running":
            return segment
        with segment:
            time.sleep(0.005)
    raise AssertionError("never written")


def both() -> dict[int, Shown]:
    """Work out by hand what each of the two books shows."""
    return {
        unit: (
            unit,  # sequence
            unit,  # time
            [(100 * unit - level, 1, unit) for level in range(10)],
            [(100 * unit + 1 + level, 1, unit) for level in range(10)],
            100 * unit,  # last trade
            unit,
            unit,
        )
        for unit in (1, 2)
    }


def shown(view: Any) -> Shown:
    """Return all that differs between the two."""
    return (
        int(view["sequence"]),
        int(view["venue_ns"]),
        view["bid"].tolist(),
        view["ask"].tolist(),
        int(view["last_px"]),
        int(view["last_qty"]),
        int(view["traded_qty"]),
    )


def test_a_reader_copies_one_update_or_the_other(write: Write) -> None:
    expected = both()
    seen = dict.fromkeys(expected, 0)
    last = 0
    started = time.monotonic()
    with attach(write(2000)) as segment:
        # At least two seconds of both; a busy machine may need longer to show both often enough.
        while time.monotonic() < started + 2 or (
            min(seen.values()) <= 100 and time.monotonic() < started + 60
        ):
            view = segment.view(0)
            version = int(view["version"])
            assert version % 2 == 0
            assert version >= last
            last = version
            unit = int(view["sequence"])
            assert shown(view) == expected[unit]
            seen[unit] += 1
    assert min(seen.values()) > 100


def test_a_writer_stopped_anywhere_has_left_an_even_version_only_on_a_whole_view(write: Write) -> None:
    """It runs flat out and is stopped some thousand times: often in the middle of an update."""
    expected = both()
    odd = 0
    process = write(0)
    rng = random.Random(5)
    with attach(process) as segment:
        for _ in range(2000):
            time.sleep(rng.random() * 1e-4)
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED)
            view = segment.views[0].copy()
            process.send_signal(signal.SIGCONT)
            if int(view["version"]) % 2:
                odd += 1
            else:
                assert shown(view) == expected[int(view["sequence"])]
    assert odd > 20


def test_a_view_whose_writer_died_in_the_middle_of_an_update_is_refused(write: Write) -> None:
    process = write(2000)
    with attach(process) as segment:
        process.kill()
        process.wait()
        with (Path("/dev/shm") / NAME).open("r+b") as file:
            header = np.frombuffer(file.read(dtype("shm_header").itemsize), dtype("shm_header"))[0]
            file.seek(int(header["views_offset"]))  # the version is first in a view
            file.write((7).to_bytes(8, "little"))
        with pytest.raises(SegmentError, match="stopped in the middle of an update"):
            segment.view(0)
