"""Transfers in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.documents.transfers")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change
