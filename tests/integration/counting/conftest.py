"""A site whose bins are counted."""

from collections.abc import Iterator

import pytest

from tests.integration.counting.floor import Floor, open_floor


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    """Give a ledger with stock in a bin, and short names for counts, settling and approving."""
    with open_floor(database) as floor:
        yield floor
