"""How long the benchmark of the wire holds a rate: as long as it was told, at any rate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.bench import wire
from appliance.bench.trial import Link
from appliance.bench.wire import days_for
from appliance.dataplane import Port


@dataclass
class Sent:
    """What a trial was told to send, and whether it got through."""

    messages: int
    days: int
    rate: float
    is_lossless: bool
    missed: int = 1


@pytest.mark.parametrize("rate", [1_000.0, 20_000.0, 100_000.0, 700_000.0, 2_000_000.0, 20_000_000.0])
@pytest.mark.parametrize("seconds", [5.0, 60.0, 600.0])
def test_days_last_as_long_as_told_and_no_longer(rate: float, seconds: float) -> None:
    messages, days = days_for(rate, seconds)
    assert messages <= 16_000_000
    assert seconds * 0.999 - 1 <= messages * days / rate <= seconds + 0.001
    assert days == -(-round(rate * seconds) // 16_000_000)


def test_each_attempt_to_hold_a_rate_lasts_the_seconds_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Sent] = []

    def send(_link: Any, day: Path, rate: float, days: int, _cores: Any) -> Sent:
        sent.append(Sent(int(day.read_text()), days, rate, is_lossless=len(sent) == 2))
        return sent[-1]

    monkeypatch.setattr(wire, "run_trial", send)
    monkeypatch.setattr(wire, "write_feed", lambda market, path: Path(path).write_text(f"{market.messages}"))
    link = Link("a wire", Port("udp"), ())
    held: Any = wire._sustain(link, tmp_path / "day.itch", 50_000.0, 5.0, (0, 0), lambda _text: None)
    assert held == (sent[-1], sent)
    assert [one.rate for one in sent] == pytest.approx([50_000, 45_000, 40_500])
    for one in sent:
        assert one.messages * one.days / one.rate == pytest.approx(5, rel=0.001)
