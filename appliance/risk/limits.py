"""Changed limits on their way to the data plane that runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from appliance.dataplane import Control, RiskLimits, Segment
from appliance.dataplane.limits import clock_rate
from appliance.native import dtype, ffi


def send(segment: Segment, who: str, scope: str, old: RiskLimits, new: RiskLimits) -> None:
    """Let it take these limits; they hold from the next order on."""
    if old == new:
        return
    kind = scope if scope in ("account", "strategy") else "symbol"
    number = ffi().typeof("enum risk_scope").relements[f"RISK_{kind.upper()}"]
    index = segment.index(scope) if kind == "symbol" else 0
    with Control(segment.name) as control:
        control.send("limits", who, scope=number, index=index, limits=_record(new), before=_record(old))
        if kind == "symbol" and (old.order_qty == 0) != (new.order_qty == 0):
            control.send("permit", who, index=index, off=int(new.order_qty == 0))


def _record(limits: RiskLimits) -> Any:
    record = np.zeros(1, dtype("risk_limits"))[0]
    limits.fill(record, clock_rate())
    return record
