"""The data plane as the control plane sees it: the only package that knows the shared segment.

``plan`` is what a data plane is told, ``segment`` the memory it shares, ``process`` its life.
"""

from appliance.dataplane.control import Control, ControlError
from appliance.dataplane.limits import Limits, RiskLimits
from appliance.dataplane.plan import Line, Plan, Port, Recovery, Trading
from appliance.dataplane.process import DataPlane, DataPlaneError, Death
from appliance.dataplane.segment import Segment, SegmentError, not_allowed

__all__ = [
    "Control",
    "ControlError",
    "DataPlane",
    "DataPlaneError",
    "Death",
    "Limits",
    "Line",
    "Plan",
    "Port",
    "Recovery",
    "RiskLimits",
    "Segment",
    "SegmentError",
    "Trading",
    "not_allowed",
]
