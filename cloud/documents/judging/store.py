"""What waits, and what was decided about it, in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.documents.judging")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change
