"""Connections, roles and migrations."""

from psycopg import Connection, DataError, IntegrityError, OperationalError
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg_pool import ConnectionPool

from cloud.db.cluster import bootstrap
from cloud.db.connections import SuperuserError, connect, one_snapshot, open_pool
from cloud.db.lasting import ContentRefusedError, DatabaseAwayError, LastingConnection, once
from cloud.db.named_statements import NamedStatements
from cloud.db.retry import RETRYABLE, in_transaction
from cloud.db.schema import MigrationError, Pending, migrate, pending
from cloud.db.sql_file import statements

__all__ = [
    "RETRYABLE",
    "Connection",
    "ConnectionPool",
    "ContentRefusedError",
    "DataError",
    "DatabaseAwayError",
    "IntegrityError",
    "LastingConnection",
    "LockNotAvailable",
    "MigrationError",
    "NamedStatements",
    "OperationalError",
    "Pending",
    "QueryCanceled",
    "SuperuserError",
    "bootstrap",
    "connect",
    "in_transaction",
    "migrate",
    "once",
    "one_snapshot",
    "open_pool",
    "pending",
    "statements",
]
