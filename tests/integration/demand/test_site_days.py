"""A site day is as long as its clocks make it; a night shift belongs to the day it began (DOMAIN D9)."""

from dataclasses import replace
from datetime import date, time

import numpy as np
import pytest
from asking import PLANNER, Demand, line

from cloud.demand.calendar import SiteCalendar, calendar, faults_of, set_calendar
from cloud.demand.domain import DemandError, UnknownSiteError
from cloud.demand.reading import daily_matrix
from cloud.identity.actor import Role

KEEPER = replace(PLANNER, roles=frozenset({Role.SUPERVISOR}))


def each_half_hour(site: str, from_hour: str, half_hours: int) -> list[object]:
    """Ask for one piece at each half hour from a UTC instant on, a microsecond before it too."""
    day, hour = from_hour.split("T")
    first = int(hour[:2]) * 60 + int(hour[3:5])
    made = []
    for n in range(half_hours):
        days, minutes = divmod(first + 30 * n, 24 * 60)
        at = f"{day[:8]}{int(day[8:]) + days:02}T{minutes // 60:02}:{minutes % 60:02}:00Z"
        made.append(line("1", at, site=site, document=f"{site}-{day}", number=str(n)))
    return made


def set_to(demand: Demand, site: str, **changes: object) -> bool:
    def work(conn: object) -> bool:
        return set_calendar(conn, KEEPER, replace(calendar(conn, KEEPER, site=site), **changes), site=site)

    return demand.ledger.as_app(work)


def test_days_of_23_24_and_25_hours_and_of_half_hour_zones_are_as_long_as_they_are(demand: Demand) -> None:
    demand.tell(
        *each_half_hour("leeds", "2026-03-28T00:00", 3 * 48),
        *each_half_hour("leeds", "2026-10-24T00:00", 3 * 48),
        *each_half_hour("pune", "2026-05-10T00:00", 3 * 48),
        *each_half_hour("howe", "2026-04-03T00:00", 4 * 48),
        *each_half_hour("howe", "2026-10-02T00:00", 4 * 48),
    )
    assert demand.of_tea("2026-03-28", "2026-03-30") == {
        "2026-03-28": 48,
        "2026-03-29": 46,
        "2026-03-30": 48,
    }
    assert demand.of_tea("2026-10-24", "2026-10-26") == {
        "2026-10-24": 46,
        "2026-10-25": 50,
        "2026-10-26": 48,
    }, "the 24th begins an hour before 00:00Z"
    assert demand.of_tea("2026-05-10", "2026-05-12", "pune") == {
        "2026-05-10": 48 - 11,
        "2026-05-11": 48,
        "2026-05-12": 48,
    }
    assert demand.of_tea("2026-04-04", "2026-04-06", "howe") == {
        "2026-04-04": 48,
        "2026-04-05": 49,
        "2026-04-06": 48,
    }
    assert demand.of_tea("2026-10-03", "2026-10-05", "howe") == {
        "2026-10-03": 48,
        "2026-10-04": 47,
        "2026-10-05": 48,
    }


def test_a_night_shift_belongs_to_the_day_it_began_also_when_the_clocks_change(demand: Demand) -> None:
    assert set_to(demand, "leeds", business_day_start=time(6))
    assert not set_to(demand, "leeds", business_day_start=time(6)), "the same again changes nothing"
    demand.tell(
        line("1", "2026-03-02T05:59:59.999999Z", number="1"),
        line("2", "2026-03-02T06:00:00Z", number="2"),
        line("4", "2026-03-03T05:59:59Z", number="3"),
        *each_half_hour("leeds", "2026-03-27T06:00", 3 * 48),
    )
    assert demand.of_tea("2026-03-01", "2026-03-03") == {"2026-03-01": 1, "2026-03-02": 6}
    assert demand.of_tea("2026-03-27", "2026-03-29") == {
        "2026-03-27": 48,
        "2026-03-28": 46,
        "2026-03-29": 48,
    }, "it is the business day of the 28th that is short, and the 29th that ends at 05:00Z"
    ((actor, detail),) = demand.ledger.query(
        "SELECT actor, detail FROM audit_event "
        "WHERE action = 'site_calendar_set' ORDER BY audit_id DESC LIMIT 1"
    )
    assert (detail["before"]["business_day_start"], detail["after"]["business_day_start"]) == (
        "00:00:00",
        "06:00:00",
    ), actor


def test_local_times_and_dates_are_of_the_sites_clocks(demand: Demand) -> None:
    set_to(demand, "leeds", business_day_start=time(6))
    demand.tell(
        line("1", "2026-07-01T06:00:00", number="1", local=True),
        line("2", "2026-07-01", number="2", local=True),
        line("4", "2026-07-01T05:59:59", number="3", local=True),
        line("8", "2026-10-25T01:30:00", number="4", local=True),
        twice="second",
    )
    assert demand.of_tea("2026-06-30", "2026-07-01") == {"2026-06-30": 4, "2026-07-01": 3}
    ((at,),) = demand.ledger.query("SELECT requested_at FROM demand_line WHERE line = '4'")
    assert at.isoformat() == "2026-10-25T01:30:00+00:00"


def test_a_day_that_begins_where_the_clocks_repeat_an_hour_is_still_one_piece(demand: Demand) -> None:
    set_to(demand, "leeds", business_day_start=time(1, 30))
    demand.tell(*each_half_hour("leeds", "2026-10-24T00:30", 48 + 2 + 48))
    found = demand.of_tea("2026-10-24", "2026-10-25")
    assert (found["2026-10-24"], sum(found.values())) == (50, 98)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_zone": "Mars/Olympus"}, "'Mars/Olympus': expected an IANA name"),
        ({"time_zone": "../../etc/passwd"}, "expected an IANA name"),
        ({"week_start": 8}, "week_start 8: expected 1"),
        ({"opens_at": time(8)}, "expected both, or neither"),
        ({"opens_at": time(8), "closes_at": time(8)}, "expected neither for always open"),
        ({"business_day_start": time(6, 0, 0, 1)}, "expected a wall-clock time of whole seconds"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_with_value_and_expectation(
    changes: dict[str, object], message: str
) -> None:
    fine = SiteCalendar("Europe/London", time(0), 1, None, None)
    assert faults_of(fine) == []
    (fault,) = faults_of(replace(fine, **changes))
    assert message in fault


def test_only_known_sites_have_a_calendar(demand: Demand) -> None:
    with pytest.raises(UnknownSiteError, match="there is no site 'york'"):
        set_to(demand, "york", week_start=7)
    with pytest.raises(DemandError, match="site 'leeds': week_start 0"):
        set_to(demand, "leeds", week_start=0)


def test_a_matrix_holds_every_day_and_only_items_that_were_asked_for(demand: Demand) -> None:
    demand.tell(line("2"), line("3", "2026-03-05T23:59:00Z", number="2"))
    found = demand.ledger.as_app(lambda conn: daily_matrix(conn, "leeds", date(2026, 3, 1), date(2026, 3, 6)))
    assert [item.code for item in found.items] == ["TEA"]
    assert found.days[0] == date(2026, 3, 1)
    assert found.days[-1] == date(2026, 3, 6)
    assert np.array_equal(found.quantity, [[0, 2, 0, 0, 3, 0]])
    assert not found.censored.any()
    with pytest.raises(ValueError, match="until_day 2026-03-01 is before from_day 2026-03-06"):
        demand.ledger.as_app(lambda conn: daily_matrix(conn, "leeds", date(2026, 3, 6), date(2026, 3, 1)))
    empty = demand.ledger.as_app(lambda conn: daily_matrix(conn, "pune", date(2026, 3, 1), date(2026, 3, 6)))
    assert (empty.items, empty.quantity.shape) == ((), (0, 6))
