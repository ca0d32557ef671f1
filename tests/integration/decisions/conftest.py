"""A desk over a database that the tests of a file share; what one decided is gone before the next begins."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deciding import Desk, open_desk

from cloud.db import ConnectionPool, bootstrap, open_pool

EMPTIED = """
SET session_replication_role = replica;
TRUNCATE decision, decision_step, approval_limit, ticket, ticket_step, webhook_subscription, webhook_event,
    webhook_delivery RESTART IDENTITY CASCADE
"""
"""As superuser with triggers off: the tables themselves let nobody do so."""


@pytest.fixture(scope="module")
def shared(cluster: Any, template: str) -> Iterator[Any]:
    """Give a migrated database with two sites."""
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        yield cluster.database(name)


@pytest.fixture(scope="module")
def pool(shared: Any) -> Iterator[ConnectionPool]:
    with open_pool(shared.app_dsn, "test-decisions", min_size=2, max_size=4) as pool:
        open_desk(pool)
        yield pool


@pytest.fixture
def desk(pool: ConnectionPool, shared: Any) -> Iterator[Desk]:
    yield Desk(pool)
    with psycopg.connect(shared.admin_dsn, autocommit=True) as admin:
        admin.execute(EMPTIED)
