"""Hashes of gateways' secrets in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.gateways.credentials")
tuples, change = _SQL.tuples, _SQL.change
