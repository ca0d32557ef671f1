"""A ledger whose doors send crossings."""

from collections.abc import Iterator

import pytest

from tests.integration.crossings.doors import Doors
from tests.integration.ledger.scenario import open_ledger


@pytest.fixture
def doors(database: object) -> Iterator[Doors]:
    """Give a ledger with one site, two gateways, and short names for what a door says."""
    with open_ledger(database) as ledger:
        yield Doors(ledger)
