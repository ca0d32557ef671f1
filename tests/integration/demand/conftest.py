"""A ledger whose sites are asked for things."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "ledger"))

from asking import Demand
from scenario import open_ledger

ZONES = {
    "leeds": "Europe/London",
    "pune": "Asia/Kolkata",
    "howe": "Australia/Lord_Howe",
}


@pytest.fixture
def demand(database: object) -> Iterator[Demand]:
    """Give three sites in zones that are not easy, and two items."""
    with open_ledger(database, sites=tuple(ZONES)) as ledger:
        made = Demand(ledger)
        made.furnish(ZONES)
        yield made
