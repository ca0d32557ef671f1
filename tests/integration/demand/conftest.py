"""A ledger whose sites are asked for things; one database for the tests of a module."""

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


@pytest.fixture(scope="module")
def furnished(cluster: object, template: str) -> Iterator[Demand]:
    """Give three sites in zones that are not easy, and two items."""
    with (
        cluster.clone(template) as database,
        open_ledger(database, sites=tuple(ZONES)) as ledger,
    ):
        made = Demand(ledger, database.admin_dsn)
        made.furnish()
        yield made


@pytest.fixture
def demand(furnished: Demand) -> Demand:
    """Give them as if nothing had happened there."""
    furnished.forget(ZONES)
    return furnished
