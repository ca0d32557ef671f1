"""A ledger whose doors send crossings."""

from tests.integration.crossings.conftest import doors

__all__ = ["doors"]
