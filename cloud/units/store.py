"""Stories, standings and contents in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.units")
rows, row, tuples = _SQL.rows, _SQL.row, _SQL.tuples
