"""Reviews in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.forecasting.reviewing")
rows, row, tuples, change = _SQL.rows, _SQL.row, _SQL.tuples, _SQL.change
