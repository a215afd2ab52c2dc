"""Fixtures of the tests that run an exchange and a data plane against each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from e2e.truth import Truth
from e2e.wire import can_have_namespace, namespace

from appliance.synth import Market, write_feed


@pytest.fixture(scope="module", autouse=True)
def _wire() -> Iterator[None]:
    """Be in a network namespace of our own; on plain loopback for those who may not have one."""
    if not can_have_namespace():
        yield
        return
    with namespace():
        yield


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Make a day of a second, many of whose orders are left at its end."""
    path = tmp_path_factory.mktemp("e2e") / "day.itch"
    write_feed(Market(60_000, 12, 5, live_orders=8_000), str(path))
    return Truth.of(path)
