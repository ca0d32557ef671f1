"""Stated stock lists in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.counting.reconciling")
tuples, change = _SQL.tuples, _SQL.change
