"""Counts, variances, tolerances and costs in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.counting")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change
