"""Conversions are exact or refused; names reduce to what items and places are filed under."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.master.domain import (
    Packaging,
    UnresolvableError,
    base_quantity,
    check_place,
    identifier_key,
    packaging_at,
    place_key,
)
from contracts.records import Identifier, Side

quantities = st.decimals(min_value=0, max_value=10**8, places=6, allow_nan=False, allow_infinity=False)


@given(seen=quantities, numerator=st.integers(1, 10_000), denominator=st.integers(1, 10_000))
def test_a_base_quantity_is_the_exact_product_or_refused(
    seen: Decimal, numerator: int, denominator: int
) -> None:
    exact = Fraction(seen) * numerator / denominator
    if (exact * 10**6).denominator == 1:
        assert Fraction(base_quantity(seen, numerator, denominator)) == exact
    else:
        with pytest.raises(UnresolvableError, match="is not exact"):
            base_quantity(seen, numerator, denominator)


def test_a_quantity_beyond_the_column_is_refused() -> None:
    with pytest.raises(UnresolvableError, match="exceeds 20 digits"):
        base_quantity(Decimal("99999999999999.000000"), 10_000_000, 1)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("urn:epc:id:sgtin:0614141.812345.6789", ("gtin", "80614141123458")),
        ("urn:epc:id:sgtin:061414112345.1.9", ("gtin", "10614141123459")),
        ("urn:epc:id:sgtin:nonsense", ("sgtin", "urn:epc:id:sgtin:nonsense")),
    ],
)
def test_serials_of_one_gtin_share_its_item(value: str, key: tuple[str, str]) -> None:
    assert identifier_key(Identifier(scheme="sgtin", value=value)) == key


def test_the_packaging_valid_at_the_time_counts() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    second = datetime(2026, 6, 1, tzinfo=UTC)
    levels = [Packaging(None, 1, 6, 1), Packaging(first, 1, 12, 1), Packaging(second, 1, 10, 1)]
    asked = [datetime(2025, 5, 5, tzinfo=UTC), first, datetime(2026, 5, 31, tzinfo=UTC), second]
    assert [packaging_at(levels, at).numerator for at in asked] == [6, 12, 12, 10]


def test_a_side_without_a_place_is_the_sites_unknown() -> None:
    assert place_key("leeds", Side()) == ("leeds", "@unknown")
    assert place_key("leeds", Side(unit="003012345678901235")) == ("", "003012345678901235")


@pytest.mark.parametrize("key", [("leeds", "@nowhere"), ("leeds", "@supplierx"), ("", "@supplier")])
def test_only_the_known_accounts_begin_with_an_at(key: tuple[str, str]) -> None:
    with pytest.raises(UnresolvableError, match="is no virtual account"):
        check_place(key)
    check_place(("leeds", "@clearing/dock-1"))
