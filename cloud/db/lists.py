"""Lists as PostgreSQL's arrays, written at a stroke: bulk statements send 20,000 values a column."""

from decimal import Decimal
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.types.array import ListDumper
from typing_extensions import override

_ESCAPED: Final = frozenset('"\\\x00')


class QuickListDumper(ListDumper):
    """Writes what the driver's own does; of flat lists of texts, of whole numbers or of decimals faster."""

    @override
    def dump(self, obj: list[Any]) -> Buffer | None:
        """Write a list.

        Args:
            obj: Its values; None among them.

        Returns:
            The array's text.
        """
        kinds = set(map(type, obj)) - {type(None)}
        if kinds == {str}:
            text = "\x1f".join(filter(None, obj))
            if _ESCAPED.isdisjoint(text):
                return self._joined(["NULL" if each is None else f'"{each}"' for each in obj])
        elif kinds in ({int}, {Decimal}):
            texts = ["NULL" if each is None else str(each) for each in obj]
            if kinds == {int} or all(each.is_finite() for each in obj if each is not None):
                return self._joined(texts)
        return super().dump(obj)

    def _joined(self, texts: list[str]) -> bytes:
        encoding = "utf-8" if self.connection is None else self.connection.info.encoding
        return b"{%s}" % ",".join(texts).encode(encoding)


def write_lists_quickly(conn: psycopg.Connection[Any]) -> None:
    """Have a connection write its lists so.

    Args:
        conn: A connection, before its first statement with a list.
    """
    conn.adapters.register_dumper(list, QuickListDumper)
