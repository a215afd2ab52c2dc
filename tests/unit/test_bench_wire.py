"""How long the benchmark of the wire holds a rate: as long as it was told, at any rate."""

from __future__ import annotations

import pytest

from appliance.bench.wire import attempts, days_for


@pytest.mark.parametrize("rate", [1_000.0, 20_000.0, 100_000.0, 700_000.0, 2_000_000.0, 20_000_000.0])
@pytest.mark.parametrize("seconds", [5.0, 60.0, 600.0])
def test_days_last_as_long_as_told_and_no_longer(rate: float, seconds: float) -> None:
    messages, days = days_for(rate, seconds)
    assert messages <= 16_000_000
    assert seconds * 0.999 - 1 <= messages * days / rate <= seconds + 0.001
    assert days == -(-round(rate * seconds) // 16_000_000)


def test_each_attempt_to_hold_a_rate_lasts_the_seconds_asked_for() -> None:
    tried = list(attempts(50_000.0, 5.0))
    assert [rate for rate, _, _ in tried] == pytest.approx([50_000, 45_000, 40_500, 36_450])
    for rate, messages, days in tried:
        assert messages * days / rate == pytest.approx(5, rel=0.001)
