"""Lists that bulk statements send come back as they were, whatever stands in them; on a real database."""

from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.db import DataError, connect, open_pool
from cloud.db.lists import QuickListDumper

TEXTS = st.lists(st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
NUMBERS = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))
AMOUNTS = st.lists(st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=6))


def test_lists_come_back_as_they_were(database: Any) -> None:
    with closing(connect(database.app_dsn, "test-lists", autocommit=True)) as conn:

        @settings(max_examples=200, deadline=None)
        @given(TEXTS, NUMBERS, AMOUNTS)
        def come_back(texts: list[Any], numbers: list[Any], amounts: list[Any]) -> None:
            asked = [texts, numbers, amounts]
            (found,) = conn.execute("SELECT %s::text[], %s::bigint[], %s::numeric[]", asked).fetchall()
            assert list(found) == asked

        come_back()
        odd: list[tuple[str, list[Any]]] = [
            ("text[]", ["", "NULL", "null", "a,b", '"', "\\", "{}", " x ", "\x1f", None, "Łódź"]),
            ("boolean[]", [True, None, False]),
            ("date[]", [date(2026, 3, 2), None]),
            ("integer[]", [[1, 2], [3, None]]),
            ("numeric[]", [Decimal("NaN"), Decimal("-0.000001")]),
        ]
        for kind, given_list in odd:
            ((back,),) = conn.execute(f"SELECT %s::{kind}", [given_list]).fetchall()
            assert repr(back) == repr(given_list)
        with pytest.raises(DataError):
            conn.execute("SELECT %s::text[]", [["a\x00b"]])


def test_a_pools_connections_write_them_so_too(database: Any) -> None:
    with open_pool(database.app_dsn, "test-lists", max_size=1) as pool, pool.connection() as conn:
        assert issubclass(conn.adapters.get_dumper(list, "s"), QuickListDumper)  # type: ignore[arg-type]
