"""A served application over a real database with two sites, stock at each, and a key per need."""

import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from serving import Clock, People, fill, served

from cloud.db import ConnectionPool, open_pool
from cloud.identity.gate import Gate
from tests.patience import PATIENCE_S

UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here is encrypted; without it each client would read the certificates of the world."""


@dataclass(frozen=True)
class Inhabited:
    """A template that `fill` has filled, and the keys of its people."""

    name: str
    people: People


@pytest.fixture(scope="session")
def inhabited(cluster: Any, template: str) -> Iterator[Inhabited]:
    with cluster.clone(template) as database:
        with open_pool(database.app_dsn, "test-api") as pool:
            people = fill(pool)
        yield Inhabited(database.name, people)


@pytest.fixture
def database(request: pytest.FixtureRequest, cluster: Any, template: str) -> Iterator[Any]:
    """Give a database of its own to each test: with people, if it asks for them, or migrated and empty."""
    has_people = "people" in request.fixturenames
    origin = request.getfixturevalue("inhabited").name if has_people else template
    with cluster.clone(origin) as database:
        yield database


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
def people(inhabited: Inhabited) -> People:
    """Give everybody's API key."""
    return inhabited.people


@pytest.fixture
def client(gate: Gate) -> Iterator[httpx.Client]:
    with served(gate) as url, httpx.Client(base_url=url, timeout=PATIENCE_S, verify=UNUSED) as client:
        yield client
