"""Facts about this machine, as every benchmark prints them."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _field(text: str, name: str) -> str | None:
    found = re.search(rf"^{re.escape(name)}\s*:\s*(.+)$", text, re.M)
    return found.group(1).strip() if found else None


def _kilobytes(text: str, name: str) -> int:
    return int((_field(text, name) or "0").split()[0]) * 1024


def peak_rss_bytes() -> int:
    """Return resident pages at their peak, and the reserved huge pages of this moment.

    The kernel keeps no peak of the latter: ask while all that counts is still mapped.
    """
    status = _read("/proc/self/status")
    return _kilobytes(status, "VmHWM") + _kilobytes(status, "HugetlbPages")


def machine() -> dict[str, Any]:
    """Return what a reader needs to judge a figure."""
    cpuinfo = _read("/proc/cpuinfo")
    meminfo = _read("/proc/meminfo")
    governor = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip()
    chosen = re.search(r"\[(\w+)\]", _read("/sys/kernel/mm/transparent_hugepage/enabled"))
    return {
        "cpu": _field(cpuinfo, "model name") or platform.machine(),
        "family_model_stepping": "/".join(
            _field(cpuinfo, name) or "?" for name in ("cpu family", "model", "stepping")
        ),
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in (_field(cpuinfo, "flags") or "").split(),
        "governor": governor or None,
        "memory_bytes": _kilobytes(meminfo, "MemTotal"),
        "reserved_huge_pages": int(_read("/proc/sys/vm/nr_hugepages").strip() or 0),
        "transparent_huge_pages": chosen.group(1) if chosen else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
