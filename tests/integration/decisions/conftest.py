"""A desk over a fresh database."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deciding import Desk, open_desk

from cloud.db import ConnectionPool, open_pool


@pytest.fixture
def pool(database: Any) -> Iterator[ConnectionPool]:
    with open_pool(database.app_dsn, "test-decisions", max_size=4) as pool:
        yield pool


@pytest.fixture
def desk(pool: ConnectionPool) -> Iterator[Desk]:
    with open_desk(pool) as desk:
        yield desk
