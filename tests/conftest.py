"""Where the tests find market data: the folder $APPLIANCE_DATA, or ../shared/data beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real market data; a test that needs it is skipped on a machine without it."""
    folder = Path(os.environ.get("APPLIANCE_DATA", _BESIDE_THE_REPOSITORY))
    if not folder.is_dir():
        pytest.skip(f"no market data: {folder} is not a folder; set APPLIANCE_DATA to the one to use")
    return folder
