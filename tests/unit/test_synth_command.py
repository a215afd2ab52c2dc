"""``appliance synth`` as it is called from a shell."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.synth import Market, SyntheticMarket

_COMMAND = [sys.executable, "-P", "-c", "from appliance.cli import main; main()", "synth"]


def run(
    *arguments: str | Path, folder: Path | None = None, file_limit: int = resource.RLIM_INFINITY
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, with a bound on the bytes of a file."""
    return subprocess.run(
        [*_COMMAND, *map(str, arguments)],
        capture_output=True,
        timeout=60,
        check=False,
        cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY)),
    )


def feed(messages: int, symbols: int, seed: int) -> bytes:
    """Return the same day from the library."""
    with SyntheticMarket(Market(messages, symbols, seed)) as market:
        return b"".join(bytes(piece) for piece in market.chunks())


def test_a_file_is_written_with_a_one_line_summary(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    done = run("--messages", "5000", "--symbols", "10", "--seed", "3", "--out", path)
    assert done.returncode == 0
    assert done.stdout == b""
    assert path.read_bytes() == feed(5000, 10, 3)
    summary = done.stderr.decode()
    assert summary.count("\n") == 1
    assert summary.startswith(f"5,000 messages, {path.stat().st_size:,} bytes in ")
    assert summary.endswith(" messages/s\n")


def test_a_dash_writes_to_standard_output(tmp_path: Path) -> None:
    done = run("--messages", "3000", "--symbols", "10", "--out", "-", "--json", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout == feed(3000, 10, 1)
    assert json.loads(done.stderr.splitlines()[-1])["messages"] == 3000
    assert list(tmp_path.iterdir()) == []


def test_json_summary_holds_the_facts(tmp_path: Path) -> None:
    path = tmp_path / "day.pcap"
    done = run("--messages", "4000", "--symbols", "20", "--out", path, "--pcap", "--loss-a", "0.1", "--json")
    facts = json.loads(done.stdout)
    assert facts["messages"] == sum(facts["by_type"].values()) == 4000
    assert facts["bytes"] == path.stat().st_size
    assert facts["lost"][0] > 0 == facts["lost"][1]
    assert facts["messages_per_s"] > 0
    assert facts["heartbeats"] > 0


def test_a_longer_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    path.write_bytes(b"x" * 10_000_000)
    assert run("--messages", "1000", "--symbols", "10", "--out", path).returncode == 0
    assert path.read_bytes() == feed(1000, 10, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--messages", "25", "--symbols", "10"], "at least 26"),
        (["--messages", "-1"], "--messages"),
        (["--messages", "many"], "--messages"),
        (["--messages", "1000", "--symbols", "0"], "--symbols"),
        (["--messages", "1000", "--symbols", "65536"], "--symbols"),
        (["--messages", "1000", "--seed", "-1"], "--seed"),
        (["--messages", "5000", "--loss-a", "0.1"], "add --pcap"),
        (["--messages", "5000", "--pcap", "--loss-a", "1.1"], "probability"),
        (["--messages", "5000", "--pcap", "--reorder", "nan"], "probability"),
        (["--messages", "5000", "--pcap", "--reorder-depth", "99"], "1 to 64"),
        (["--messages", "5000", "--pcap", "--group-a", "nowhere"], "ADDRESS:PORT"),
        ([], "--messages"),
    ],
)
def test_bad_options_end_in_a_clear_line_and_status_2(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = run(*arguments, "--out", tmp_path / "day.itch")
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    for path, words in (
        (tmp_path, "is a directory"),
        (tmp_path / "missing" / "day.itch", "does not exist"),
        (tmp_path / "file" / "day.itch", "not a directory"),
        (Path("/proc/version"), "cannot write /proc/version"),
    ):
        done = run("--messages", "1000", "--symbols", "10", "--out", path)
        assert done.returncode == 2
        assert done.stderr.decode().count("\n") == 1
        assert str(path) in done.stderr.decode()
        assert words in done.stderr.decode()
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_full_disk_is_reported() -> None:
    done = run("--messages", "100000", "--symbols", "10", "--out", "/dev/full")
    assert done.returncode == 2
    assert "no space is left" in done.stderr.decode()
    assert Path("/dev/full").exists()


def test_a_file_that_cannot_be_finished_is_removed(tmp_path: Path) -> None:
    done = run("--messages", "100000", "--symbols", "10", "--out", tmp_path / "day.itch", file_limit=1 << 20)
    assert done.returncode == 2
    assert "cannot write" in done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    with subprocess.Popen(
        [*_COMMAND, "--messages", "2000000", "--out", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1000)
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(timeout=30)


def test_a_terminal_shows_progress(tmp_path: Path) -> None:
    master, terminal = os.openpty()
    done = subprocess.run(
        [*_COMMAND, "--messages", "20000", "--out", str(tmp_path / "day.itch")],
        stderr=terminal,
        stdout=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )
    os.close(terminal)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert done.returncode == 0
    assert "20000/20000" in shown
    assert "messages/s" in shown
