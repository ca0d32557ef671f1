"""A served application over a real database with two sites, stock at each, and a key per need."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from serving import Clock, People, fill, served

from cloud.db import ConnectionPool, open_pool
from cloud.identity.gate import Gate


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(database: Any) -> Iterator[ConnectionPool]:
    with open_pool(database.app_dsn, "test-api", statement_timeout=timedelta(seconds=10)) as pool:
        yield pool


@pytest.fixture
def ingest(database: Any) -> Iterator[ConnectionPool]:
    """Give connections of those who post what gateways send."""
    with open_pool(database.ingest_dsn, "test-ingest") as pool:
        yield pool


@pytest.fixture
def gate(pool: ConnectionPool, clock: Clock) -> Gate:
    return Gate(pool, clock)


@pytest.fixture
def people(pool: ConnectionPool) -> People:
    """Fill the database and give everybody's API key."""
    return fill(pool)


@pytest.fixture
def client(gate: Gate) -> Iterator[httpx.Client]:
    with served(gate) as url, httpx.Client(base_url=url) as client:
        yield client
