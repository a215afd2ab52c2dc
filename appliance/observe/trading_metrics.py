"""Metrics of trading that are no single counter of the segment. Labels are reasons, stages and causes."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from appliance.observe.trading import TradingReading
from appliance.risk.names import CAUSES, CUTS, REASONS, STAGES, TAKES, VERDICTS


def _all(texts: dict[str, str]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


TRADING_METRICS = {
    "gate_cause": "1 for each cause that keeps the gate shut: " + _all(CAUSES),
    "risk_gross_dollars": "exposure of all positions, and of open orders as if filled",
    "held_symbols": "symbols of which shares are held, long or short",
    "risk_rejects_total": "orders that risk refused, by reason: " + _all(REASONS),
    "order_refusals_total": "intents of which no order was made, by reason: " + _all(TAKES),
    "gateway_cuts_total": "connections that are over, by reason: " + _all(CUTS),
    "gateway_orders_total": "orders sent, by action",
    "gateway_unreadable_total": "messages of the venue that could not be read, by reason: " + _all(VERDICTS),
    "gateway_messages_total": "messages of the venue, by the letter of their type",
    "ring_waits_total": "rounds in which a stage waited for the next, by stage: " + _all(STAGES),
}


def trading_families(trading: TradingReading, prefix: str) -> Iterator[Metric]:
    """Give all of them."""
    causes = GaugeMetricFamily(f"{prefix}gate_cause", TRADING_METRICS["gate_cause"], labels=["cause"])
    for cause in CAUSES:
        causes.add_metric([cause], cause in trading.causes)
    yield causes
    for name, value in (("risk_gross_dollars", trading.gross_dollars), ("held_symbols", trading.held)):
        gauge = GaugeMetricFamily(f"{prefix}{name}", TRADING_METRICS[name])
        gauge.add_metric([], value)
        yield gauge
    for name, label, counts in (
        ("risk_rejects_total", "reason", trading.rejects),
        ("order_refusals_total", "reason", trading.refusals),
        ("gateway_cuts_total", "reason", trading.cuts),
        ("gateway_orders_total", "action", trading.sent),
        ("gateway_unreadable_total", "reason", trading.unreadable),
        ("gateway_messages_total", "type", trading.messages),
        ("ring_waits_total", "stage", trading.waits),
    ):
        family = CounterMetricFamily(f"{prefix}{name}", TRADING_METRICS[name], labels=[label])
        for one, count in counts.items():
            family.add_metric([one], count)
        yield family
