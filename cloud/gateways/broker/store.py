"""What a broker is to be told, in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.gateways.broker")
row, tuples, change = _SQL.row, _SQL.tuples, _SQL.change
