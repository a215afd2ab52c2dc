"""Fixtures that tests of more than one folder share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from model.book import Model
from model.native import NativeBooks
from model.told import LOCATES, Books

# How long an example takes is no verdict: sanitizers and a busy machine stretch it at will.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real market data; a test that needs it is skipped on a machine without it."""
    folder = Path(os.environ.get("APPLIANCE_DATA", _BESIDE_THE_REPOSITORY))
    if not folder.is_dir():
        pytest.skip(f"no market data: {folder} is not a folder; set APPLIANCE_DATA to the one to use")
    return folder


@pytest.fixture(params=["model", "native"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    """Give the model, then the book under test."""
    if request.param == "model":
        yield Books(Model(LOCATES))
    else:
        with NativeBooks(locates=LOCATES) as native:
            yield Books(native)
