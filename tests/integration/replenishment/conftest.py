"""Buying sites over one fresh database: each test has a site of its own."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from buying import Buying, open_buying

from cloud.db import ConnectionPool, bootstrap, open_pool

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def app_dsn(cluster: Any, template: str) -> Iterator[str]:
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        yield cluster.database(name).app_dsn


@pytest.fixture(scope="session")
def pool(app_dsn: str) -> Iterator[ConnectionPool]:
    with open_pool(app_dsn, "test-replenishment", max_size=4) as pool:
        yield pool


@pytest.fixture
def buying(pool: ConnectionPool) -> Iterator[Buying]:
    with open_buying(pool, site=f"site-{next(NUMBERS)}") as buying:
        yield buying
