"""Where the programs lie that were installed with this package."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import appliance
from appliance.errors import ApplianceError


class NotInstalledError(ApplianceError):
    """A program of this package is missing."""


def installed(name: str) -> str:
    """Return the executable of this name: the one that came with this package."""
    # A build variant under test has its programs beside its site folder.
    beside = Path(appliance.__file__).parents[2] / "prefix/bin" / name
    for path in (beside, Path(sysconfig.get_path("scripts")) / name):
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if not found:
        raise NotInstalledError(f"the program '{name}' is not installed: run ./provisioning/bootstrap setup")
    return found


def built_with_dpdk(name: str) -> bool:
    """Return whether the program of this name was built with DPDK."""
    version = [installed(name), "--version"]
    said = subprocess.run(version, capture_output=True, text=True, check=True).stdout
    return "without DPDK" not in said
