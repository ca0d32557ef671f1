"""JSON as people read it: whatever it holds is shown or counted, and leads nowhere but to our pages."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.web.approval_words import kind_word, money, reason_word
from cloud.web.facts import Fact, facts, text_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def names(told: list[Fact] | tuple[Fact, ...]) -> int:
    return sum(1 + names(fact.group) for fact in told)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=6))
def test_every_name_is_told_and_no_link_leaves_us(values: dict[str, object]) -> None:
    told = facts(values)
    assert len(told) == len(values)
    links = [fact.link for fact in told if fact.link]
    assert all(link.startswith("/") and not link.startswith(("//", "/\\")) for link in links)


@pytest.mark.parametrize(
    "link", ["//evil", "/\\evil", "https://evil", "javascript:x", "/a b", "/\n", "/ü", ""]
)
def test_what_is_no_path_of_ours_is_text(link: str) -> None:
    assert facts({"page_url": link})[0].link is None


def test_instants_are_written_as_the_sites_clocks_show_them() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    assert text_of("2026-07-01T12:00:00+00:00", madrid) == "2026-07-01 14:00:00 CEST"
    assert text_of("2026-07-01T12:00:00Z tomorrow", madrid) == "2026-07-01T12:00:00Z tomorrow"
    assert text_of("0001-01-01T00:00:00+23:59", madrid) == "0001-01-01T00:00:00+23:59"


def test_long_lists_are_cut_and_counted() -> None:
    (lines,) = facts({"lines": [{"day": number} for number in range(250)]})
    assert (len(lines.rows), lines.left_out) == (200, 50)
    assert text_of("x" * 1_000).endswith("…")


def test_what_comes_first_is_what_people_look_for() -> None:
    told = facts(
        {"quantity": 1, "zone": "A", "location": "B-1", "item": "TEA", "summary": "s"}, without=["summary"]
    )
    assert [fact.label for fact in told] == ["Item", "Location", "Quantity", "Zone"]


def test_words_of_amounts_kinds_and_reasons() -> None:
    assert money(Decimal("-1234.5"), "EUR") == "\N{MINUS SIGN}1,234.50 EUR"
    assert money(Decimal("0.0005"), "EUR") == "0.0005 EUR"
    assert (kind_word("count_adjustment"), kind_word("price_change")) == ("Stock adjustment", "Price change")
    assert [reason_word(code) for code in (None, "other", "withdrawn", "my_own")] == [
        "",
        "",
        "Taken back by whoever asked for it",
        "My own",
    ]


def test_numbers_lose_what_the_database_adds_and_codes_keep_everything() -> None:
    assert [text_of(text) for text in ("29.000000", "-0.500000", "12.50", "0042")] == [
        "29",
        "\N{MINUS SIGN}0.5",
        "12.50",
        "0042",
    ]
    assert text_of(["user:ada", "key:tills", "user: ada"]) == "ada, tills (key), user: ada"


def test_names_that_are_numbers_stand_by_their_size() -> None:
    assert [fact.label for fact in facts({"56": 1, "7": 1, "14": 1, "wape_s": 1})] == [
        "WAPE in seconds",
        "7",
        "14",
        "56",
    ]
