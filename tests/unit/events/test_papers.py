"""Two events that nobody named stay two, however long their own names are."""

from cloud.events.papers import LONGEST_REFERENCE, EventPaper


def paper(name: str) -> EventPaper:
    told = {
        "item": "I" * 100,
        "from_day": "2026-03-02",
        "to_day": "2026-03-03",
        "kind": "promotion",
        "name": name,
    }
    return EventPaper.model_validate({"site": "leeds", **told})


def test_events_that_differ_only_at_the_end_of_a_long_name_are_two() -> None:
    first, second = paper("n" * 150 + "a"), paper("n" * 150 + "b")
    assert first.named != second.named
    assert len(first.named) == len(second.named) == LONGEST_REFERENCE
    assert first.named == paper("n" * 150 + "a").named


def test_a_short_one_is_named_by_its_words() -> None:
    assert paper("spring").named.endswith("/2026-03-02/2026-03-03/promotion/spring")
