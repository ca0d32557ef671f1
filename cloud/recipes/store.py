"""Recipes and transformations in the database."""

from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.recipes")
rows, row, tuples, change = _SQL.rows, _SQL.row, _SQL.tuples, _SQL.change
