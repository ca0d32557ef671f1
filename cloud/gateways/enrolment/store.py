"""Invites of gateways in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.gateways.enrolment")
rows, row, tuples, change = _SQL.rows, _SQL.row, _SQL.tuples, _SQL.change
