"""Shipments in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.documents.shipping")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change
