"""The named statements of a package, run by name: rows, tuples or a number of changed rows come out."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, LiteralString, TypeVar

from psycopg import Connection, Cursor
from psycopg.rows import RowFactory, class_row

from cloud.db.sql_file import statements

Row = TypeVar("Row")


class NamedStatements:
    """What a store can ask of the database, each statement by its name."""

    def __init__(self, package: str, *files: str) -> None:
        """Read the statements.

        Args:
            package: Package that holds the files, as ``cloud.ledger``.
            *files: File names within the package; none means ``queries.sql``.

        Raises:
            ValueError: If a file names no statement, or one that another names too.
        """
        self._texts: dict[str, LiteralString] = {}
        for file in files or ("queries.sql",):
            found = statements(package, file)
            if twice := self._texts.keys() & found.keys():
                msg = f"statements {', '.join(sorted(twice))} stand twice in {package}: again in {file}"
                raise ValueError(msg)
            self._texts.update(found)

    def __getitem__(self, name: str) -> LiteralString:
        """Give a statement.

        Args:
            name: Its name.

        Returns:
            Its text.
        """
        return self._texts[name]

    def rows(self, conn: Connection, kind: type[Row], statement: str, /, **parameters: Any) -> list[Row]:
        """Run a list's statement.

        Args:
            conn: In a transaction that shows the actor's sites.
            kind: What each row becomes.
            statement: Its name.
            **parameters: Its parameters.

        Returns:
            The rows in order.
        """
        with conn.cursor(row_factory=_made(kind)) as cursor:
            return cursor.execute(self._texts[statement], parameters).fetchall()

    def row(self, conn: Connection, kind: type[Row], statement: str, /, **parameters: Any) -> Row | None:
        """Run a statement that gives one row or none.

        Args:
            conn: In a transaction that shows the actor's sites.
            kind: What the row becomes.
            statement: Its name.
            **parameters: Its parameters.

        Returns:
            The row.
        """
        with conn.cursor(row_factory=_made(kind)) as cursor:
            return cursor.execute(self._texts[statement], parameters).fetchone()

    def tuples(self, conn: Connection, statement: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a statement whose rows need no names.

        Args:
            conn: In a transaction.
            statement: Its name.
            **parameters: Its parameters.

        Returns:
            The rows in order.
        """
        return conn.execute(self._texts[statement], parameters).fetchall()

    def change(self, conn: Connection, statement: str, /, **parameters: Any) -> int:
        """Run a statement that changes rows.

        Args:
            conn: In a transaction.
            statement: Its name.
            **parameters: Its parameters.

        Returns:
            How many rows it changed.
        """
        return conn.execute(self._texts[statement], parameters).rowcount


def _made(kind: type[Row]) -> RowFactory[Row]:
    """Make rows by the names of their columns; of a named tuple with the same fields faster."""

    def factory(cursor: Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
        columns = [column.name for column in cursor.description or ()]
        fields = getattr(kind, "_fields", ())
        if len(fields) <= 1 or sorted(fields) != sorted(columns):
            return class_row(kind)(cursor)
        in_order = itemgetter(*(columns.index(field) for field in fields))
        return lambda values: kind(*in_order(values))

    return factory
