"""The control plane of the trading appliance."""

__version__ = "0.1.0"
