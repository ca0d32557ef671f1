"""A site with a dock: items, two doors, and short names for what happens at them."""

from collections.abc import Iterator

import pytest

from tests.integration.documents.dock import Dock, open_dock


@pytest.fixture
def dock(database: object) -> Iterator[Dock]:
    """Give a ledger whose doors are registered and whose items are known."""
    with open_dock(database) as dock:
        yield dock
