"""A buying site over a fresh database."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from buying import Buying, open_buying

from cloud.db import ConnectionPool, open_pool


@pytest.fixture
def pool(database: Any) -> Iterator[ConnectionPool]:
    with open_pool(database.app_dsn, "test-replenishment", max_size=4) as pool:
        yield pool


@pytest.fixture
def buying(pool: ConnectionPool) -> Iterator[Buying]:
    with open_buying(pool) as buying:
        yield buying
