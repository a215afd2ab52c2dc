"""Output that cannot be written, and input that never ends, end in one clear line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from model.command import COMMAND, refusal


def test_a_full_device_is_one_clear_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "appliance: cannot write the output: No space left on device: write elsewhere\n"


def test_a_closed_standard_output_is_one_clear_line() -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" --help >&-', "sh", *COMMAND], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("appliance: standard output is closed")
    assert done.stderr.count("\n") == 1


def test_a_benchmark_does_not_load_what_never_ends() -> None:
    assert "regular file" in refusal("bench", "book", "--file", "/dev/zero")


def test_a_capture_without_a_message_is_refused(tmp_path: Path) -> None:
    capture = tmp_path / "empty.pcap"
    capture.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    assert "no ITCH message" in refusal("replay", capture)
