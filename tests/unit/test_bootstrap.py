"""The way in, ``provisioning/bootstrap``: what it asks of the machine, what it makes, what it does just once.

A copy of it runs in a folder of its own, on a PATH that holds what a test puts there and no more: stand-ins
record how they were called, so that nothing is installed or fetched.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
COMMON_TOOLS = (
    *(
        "bash",
        "cat",
        "chmod",
        "cp",
        "dirname",
        "env",
        "find",
        "flock",
        "grep",
        "head",
        "mkdir",
        "nproc",
        "rm",
    ),
    *("sed", "sha256sum", "sleep", "sort", "stat", "tail", "xargs"),
)

# Each stand-in notes its arguments in $CALLS.
RECORD = '#!/bin/bash\nprintf "%s %s\\n" "${0##*/}" "$*" >>"$CALLS"\n'
FINE = RECORD + "exit 0\n"
BROKEN = RECORD + "exit 1\n"

# Makes a virtual environment whose python is real and whose pip records; all else goes to the real python.
PYTHON = f"""#!/bin/bash
if [[ "$1 $2" == "-m venv" ]]; then
    printf 'python3 %s\\n' "$*" >>"$CALLS"
    rm -rf "$4" && mkdir -p "$4/bin"
    printf '#!/bin/bash\\nexec "{sys.executable}" "$@"\\n' >"$4/bin/python"
    cp "$PIP" "$4/bin/pip"
    chmod +x "$4/bin/"*
else
    exec "{sys.executable}" "$@"
fi
"""


class Machine:
    """A clone and a PATH, both made by the test."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "a clone"
        self.bin = folder / "bin"
        self.log = folder / "calls"
        self.pip = folder / "pip"
        self.bin.mkdir()
        self.log.touch()
        self.clone.mkdir()
        shutil.copytree(REPOSITORY / "provisioning", self.clone / "provisioning")
        for name in ("pyproject.toml", "meson.build", "meson.options", "README.md", "LICENSE"):
            shutil.copy(REPOSITORY / name, self.clone)
        for name in ("appliance", "dpdk_glue"):
            (self.clone / name).mkdir()
            (self.clone / name / "meson.build").touch()
        for tool in COMMON_TOOLS:
            found = shutil.which(tool)
            assert found, f"this machine has no {tool}"
            (self.bin / tool).symlink_to(found)
        self.stand_in("cc", RECORD + "echo cc 12.2\n")
        self.stand_in("pkg-config", "#!/bin/bash\necho 1.0\n")
        self.stand_in("python3", PYTHON)
        self.stand_in("id", "#!/bin/bash\necho 1000\n")
        self.pip.write_text(FINE)

    def stand_in(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def without(self, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()

    def bootstrap(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        return subprocess.run(
            [self.clone / "provisioning" / "bootstrap", *arguments],
            cwd="/",
            env={"PATH": str(self.bin), "CALLS": str(self.log), "PIP": str(self.pip), "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self, program: str) -> list[str]:
        """Return what a stand-in was called with during the last run, a line a call."""
        start = program + " "
        return [line[len(start) :] for line in self.log.read_text().splitlines() if line.startswith(start)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with a compiler, python and all libraries, and an ordinary user without sudo."""
    return Machine(tmp_path)


@pytest.mark.parametrize(
    "arguments", [[], ["bogus"], ["setup", "everything"], ["demo", "fast"], ["test", "-k", "book"]]
)
def test_arguments_that_make_no_sense_give_the_usage_and_status_2(
    machine: Machine, arguments: list[str]
) -> None:
    done = machine.bootstrap(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: ./provisioning/bootstrap COMMAND\n")


def test_help_is_no_error(machine: Machine) -> None:
    done = machine.bootstrap("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "demo" in done.stdout


def test_an_ordinary_user_without_a_compiler_is_told_in_one_line_what_to_install(machine: Machine) -> None:
    machine.without("cc")
    machine.stand_in("apt-get", FINE)
    done = machine.bootstrap("setup")
    assert done.returncode == 2
    assert "    sudo apt-get install --no-install-recommends gcc libc6-dev\n" in done.stdout
    assert "there is no C compiler" in done.stderr
    assert machine.calls("apt-get") == []


def test_a_python_that_is_too_old_ends_the_set_up_clearly(machine: Machine) -> None:
    machine.stand_in("python3", BROKEN)
    done = machine.bootstrap("setup")
    assert done.returncode == 2
    assert " python3.11-venv\n" in done.stdout
    assert "there is no python >= 3.11 with venv" in done.stderr


def test_root_installs_with_apt_just_what_is_missing(machine: Machine) -> None:
    machine.without("cc", "pkg-config")
    machine.stand_in("id", "#!/bin/bash\necho 0\n")
    machine.stand_in("apt-get", FINE)
    machine.bootstrap("setup")
    update, install = machine.calls("apt-get")
    assert update.split()[-1] == "update"
    assert install.split("--no-install-recommends ")[1] == "gcc libc6-dev pkg-config zlib1g-dev libdpdk-dev"


def test_a_package_that_apt_does_not_know_keeps_no_other_out(machine: Machine) -> None:
    machine.without("pkg-config")
    machine.stand_in("id", "#!/bin/bash\necho 0\n")
    machine.stand_in("apt-get", RECORD + '[[ "$*" != *libdpdk-dev* ]]\n')
    done = machine.bootstrap("setup")
    assert [call.split("--no-install-recommends ")[1] for call in machine.calls("apt-get")[2:]] == [
        "pkg-config",
        "zlib1g-dev",
        "libdpdk-dev",
    ]
    assert "going on without libdpdk" in done.stdout


def test_sudo_is_used_when_it_asks_for_no_password(machine: Machine) -> None:
    machine.without("pkg-config")
    machine.stand_in("sudo", RECORD + "exit 0\n")
    machine.stand_in("apt-get", FINE)
    machine.bootstrap("setup")
    assert any("apt-get" in call and "pkg-config" in call for call in machine.calls("sudo"))


def test_sudo_is_left_alone_when_it_asks_for_a_password(machine: Machine) -> None:
    machine.without("pkg-config")
    machine.stand_in("sudo", BROKEN)
    machine.stand_in("apt-get", FINE)
    done = machine.bootstrap("setup")
    assert machine.calls("sudo") == ["-n true"]
    assert machine.calls("apt-get") == []
    assert done.returncode == 0


def test_missing_libraries_are_named_and_the_build_goes_on_without_them(machine: Machine) -> None:
    machine.stand_in("pkg-config", BROKEN)
    done = machine.bootstrap("setup")
    assert done.returncode == 0
    assert "    sudo apt-get install --no-install-recommends zlib1g-dev libdpdk-dev\n" in done.stdout
    assert "going on without zlib" in done.stdout
    assert "going on without libdpdk" in done.stdout


def test_the_demonstration_needs_no_test_tools(machine: Machine) -> None:
    done = machine.bootstrap("setup")
    assert "missing" not in done.stdout
    assert "pytest" not in machine.log.read_text()


def test_the_suite_asks_for_its_tools(machine: Machine) -> None:
    done = machine.bootstrap("setup", "test")
    assert " gcc clang clang-tidy shellcheck" in done.stdout
    assert "pytest==" in machine.calls("pip")[0]


def test_the_set_up_installs_pinned_requirements_and_builds_without_isolation(machine: Machine) -> None:
    assert machine.bootstrap("setup").returncode == 0
    requirements, build = machine.calls("pip")
    packages = requirements.split()[2:]
    assert [package for package in packages if "==" not in package] == []
    assert {"meson", "ninja", "numpy", "click"} <= {package.split("==")[0] for package in packages}
    assert "--no-build-isolation --no-deps" in build
    assert build.endswith(" .")


def test_a_second_set_up_does_nothing(machine: Machine) -> None:
    machine.bootstrap("setup")
    again = machine.bootstrap("setup")
    assert again.returncode == 0
    assert machine.calls("pip") == machine.calls("python3") == []


@pytest.mark.parametrize("change", ["a source", "a new file", "the compiler", "a library"])
def test_a_change_is_built_and_nothing_else_repeated(machine: Machine, change: str) -> None:
    machine.bootstrap("setup")
    if change == "a source":
        (machine.clone / "dpdk_glue" / "meson.build").write_text("# changed\n")
    elif change == "a new file":
        (machine.clone / "appliance" / "new.py").touch()
    elif change == "the compiler":
        machine.stand_in("cc", RECORD + "echo cc 13.0\n")
    else:
        machine.stand_in("pkg-config", "#!/bin/bash\necho 2.0\n")
    machine.bootstrap("setup")
    assert [call.split()[-1] for call in machine.calls("pip")] == ["."]
    assert machine.calls("python3") == []


def test_a_new_pin_is_installed(machine: Machine) -> None:
    machine.bootstrap("setup")
    project = machine.clone / "pyproject.toml"
    project.write_text(project.read_text().replace("ninja==", "ninja==0"))
    machine.bootstrap("setup")
    assert "ninja==0" in machine.calls("pip")[0]


def test_a_failed_step_shows_the_end_of_its_log_and_is_repeated_next_time(machine: Machine) -> None:
    machine.pip.write_text(RECORD + "echo no such package; exit 3\n")
    done = machine.bootstrap("setup")
    assert done.returncode == 1
    assert "| no such package" in done.stdout
    (machine.clone / ".venv" / "bin" / "pip").write_text(FINE)
    assert machine.bootstrap("setup").returncode == 0
    assert len(machine.calls("pip")) == 2


@pytest.mark.parametrize("damage", ["no python", "no marker", "moved"])
def test_a_half_made_environment_is_made_anew(machine: Machine, damage: str) -> None:
    machine.bootstrap("setup")
    environment = machine.clone / ".venv"
    if damage == "no python":
        (environment / "bin" / "python").unlink()
    elif damage == "no marker":
        (environment / "made-at").unlink()
    else:
        machine.clone = machine.clone.rename(machine.clone.with_name("another place"))
    assert machine.bootstrap("setup").returncode == 0
    assert machine.calls("python3") == ["-m venv --clear .venv"]
    assert len(machine.calls("pip")) == 2


def run_steps(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script that has the steps at hand, as bootstrap has."""
    return subprocess.run(
        ["bash", "-c", f'set -euo pipefail; source "{REPOSITORY}/provisioning/steps.sh"; {script}'],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_failed_step_stops_no_other_but_fails_the_whole(tmp_path: Path) -> None:
    done = run_steps(
        tmp_path, "f() { false; echo unreached; }; step one f; step two echo hello; steps_summary"
    )
    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.splitlines()[:2]] == [["FAIL", "one"], ["ok", "two"]]
    assert "unreached" not in done.stdout
    assert done.stdout.endswith("failed: one\nsteps: 1 passed, 1 failed\n")


def test_steps_that_all_succeed_are_a_success(tmp_path: Path) -> None:
    done = run_steps(tmp_path, "step one true; step two true; steps_summary")
    assert done.returncode == 0
    assert done.stdout.endswith("steps: 2 passed, 0 failed\n")


def test_a_step_that_cannot_run_is_a_failure(tmp_path: Path) -> None:
    done = run_steps(tmp_path, "step one true; step_impossible two 'no clang'; steps_summary")
    assert done.returncode == 1
    assert "failed: two (no clang)\nsteps: 1 passed, 1 failed\n" in done.stdout


def test_steps_beside_each_other_run_at_the_same_time_and_all_count(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "meeting")  # whoever opens it waits for the other
    script = """
        STEP_LANES=2
        step_beside reader cat meeting
        step_beside writer bash -c 'echo here >meeting'
        step_beside third false
        steps_join
        steps_summary
    """
    done = run_steps(tmp_path, script)
    assert {tuple(line.split()[:2]) for line in done.stdout.splitlines() if line.startswith("  ")} >= {
        ("ok", "reader"),
        ("ok", "writer"),
        ("FAIL", "third"),
    }
    assert done.stdout.endswith("failed: third\nsteps: 2 passed, 1 failed\n")


def test_an_interrupt_ends_what_a_step_has_started(tmp_path: Path) -> None:
    script = (
        f'source "{REPOSITORY}/provisioning/steps.sh"; f() {{ sleep 600 & echo $! >pid; wait; }}; step one f'
    )
    with subprocess.Popen(["bash", "-c", script], cwd=tmp_path, stdout=subprocess.DEVNULL) as running:
        pid_file = tmp_path / "pid"
        deadline = time.monotonic() + 30
        while not (pid_file.exists() and pid_file.read_text().strip()):
            assert time.monotonic() < deadline, "the step did not start"
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 143
    child = int(pid_file.read_text())
    while Path(f"/proc/{child}").exists() and not is_zombie(child):
        assert time.monotonic() < deadline, "the child of the step is still there"
        time.sleep(0.01)


def is_zombie(pid: int) -> bool:
    """Tell whether a process has ended and only waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_the_pipeline_runs_the_whole_suite(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "provisioning").mkdir()
    shutil.copy(REPOSITORY / ".ci" / "run", tmp_path / ".ci" / "run")
    stand_in = tmp_path / "provisioning" / "bootstrap"
    stand_in.write_text('#!/bin/bash\necho "called with: $*"\n')
    stand_in.chmod(0o755)
    done = subprocess.run(
        ["bash", tmp_path / ".ci" / "run"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert (done.returncode, done.stdout) == (0, "called with: test\n")
