"""A ledger on a fresh database."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scenario import Ledger, open_ledger


@pytest.fixture
def ledger(database: object) -> Iterator[Ledger]:
    """Give a ledger with one site and two gateways."""
    with open_ledger(database) as opened:
        yield opened
