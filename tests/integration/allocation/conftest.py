"""A site whose bins hold lots of tea, orders that want it, and short names for what is claimed."""

from collections.abc import Iterator

import pytest

from tests.integration.allocation.shelves import Shelves, open_shelves


@pytest.fixture
def shelves(database: object) -> Iterator[Shelves]:
    """Give a ledger with one item and nothing in its bins."""
    with open_shelves(database) as shelves:
        yield shelves
