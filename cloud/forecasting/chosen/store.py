"""Series with models of their own in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.forecasting.chosen")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change
