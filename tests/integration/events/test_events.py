"""Events on a real database: stated, corrected, withdrawn, imported; each moment sees what was known then."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from pydantic import ValidationError

from cloud.events import public_holidays, reading, service
from cloud.events.arrays import Matrix
from cloud.events.csv_file import read_csv
from cloud.events.domain import EventError, EventRow, StaleEventError, UnknownEventError
from cloud.events.papers import EventPaper, Withdrawal
from cloud.events.public_holidays import Region
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from contracts.base import SiteId
from tests.integration.ledger.scenario import Ledger, open_ledger

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
LEEDS, YORK = SiteId("leeds"), SiteId("york")
PAT = Actor("user:pat", frozenset({Role.PLANNER}), frozenset({LEEDS}))
EVE = Actor("user:eve", frozenset({Role.PLANNER}), all_sites=True)
OLA = Actor("user:ola", frozenset({Role.OPERATOR}), frozenset({LEEDS}))
FIRST = date(2026, 12, 1)


@pytest.fixture(scope="module")
def opened(cluster: Any, template: str) -> Iterator[tuple[Ledger, str]]:
    with cluster.clone(template) as database, open_ledger(database, sites=("leeds", "york")) as ledger:
        ledger.query("INSERT INTO item (code, category) VALUES ('TEA', 'hot'), ('CUP', NULL) RETURNING 1")
        yield ledger, database.admin_dsn


@pytest.fixture
def ledger(opened: tuple[Ledger, str]) -> Ledger:
    """Give it as if nothing had been stated."""
    made, admin_dsn = opened
    with psycopg.connect(admin_dsn) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute("TRUNCATE event")
        admin.execute("UPDATE site SET country = NULL, region = NULL")
    return made


def paper(**changes: Any) -> EventPaper:
    wish = {
        "site": "leeds",
        "item": "TEA",
        "from_day": FIRST,
        "to_day": FIRST + timedelta(2),
        "kind": "promotion",
        "name": "winter tea",
        "attributes": {"depth": 0.2, "feature": True},
    }
    return EventPaper.model_validate(wish | changes)


def state(ledger: Ledger, actor: Actor = PAT, now: datetime = NOW, **changes: Any) -> EventRow:
    return ledger.as_app(lambda conn: service.add(conn, actor, paper(**changes), now=now))


def seen(ledger: Ledger, at: datetime = NOW, site: str = "leeds") -> Matrix:
    ids = [
        row[0]
        for row in ledger.query("SELECT item_id FROM item WHERE code IN ('TEA', 'CUP') ORDER BY code DESC")
    ]
    days = [FIRST + timedelta(day) for day in range(5)]

    def read(conn: Any) -> Matrix:
        act_as(conn, EVE)
        return reading.matrix(conn, site, ids, days, as_known_at=at)

    return ledger.as_app(read)


def test_an_event_becomes_covariates_of_what_it_concerns(ledger: Ledger) -> None:
    state(ledger)
    state(ledger, item=None, category="hot", kind="other", name="fair", attributes={})
    state(ledger, EVE, site=None, item=None, kind="weather", name="cold", attributes={"temperature": -3.5})
    found = seen(ledger)
    assert found.names == (
        "other: fair",
        "promotion",
        "promotion depth",
        "promotion feature",
        "weather temperature",
    )
    tea, cup = found.values
    assert tea[:, 1].tolist() == [1, 1, 1, 0, 0]
    assert tea[0, 2] == pytest.approx(-np.log(0.8))
    assert tea[0, 0] == 1
    assert not cup[:, :4].any()
    assert cup[:3, 4].tolist() == [-3.5] * 3
    assert np.isnan(cup[3:, 4]).all()
    assert seen(ledger, site="york").names == ("weather temperature",)


def test_a_moment_sees_only_what_was_known_then(ledger: Ledger) -> None:
    before, later = NOW - timedelta(days=2), NOW + timedelta(days=2)
    row = state(ledger, now=before, kind="weather", attributes={"temperature": 4})
    ledger.as_app(
        lambda conn: service.correct(
            conn,
            PAT,
            row.event_id,
            paper(kind="weather", attributes={"temperature": 9}),
            revision=1,
            now=NOW,
        )
    )
    ledger.as_app(
        lambda conn: service.withdraw(
            conn, PAT, row.event_id, Withdrawal(revision=2, reason="never came"), now=later
        )
    )
    told = [seen(ledger, at) for at in (before - timedelta(1), before, NOW, later)]
    assert [len(one.events) for one in told] == [0, 1, 1, 0]
    assert [one.values[0, 0, 0] for one in told[1:3]] == [4, 9]
    rows = ledger.as_app(lambda conn: reading.revisions(conn, OLA, row.event_id))
    assert [one.revision for one in rows] == [3, 2, 1]
    listed = ledger.as_app(lambda conn: reading.events(conn, OLA, known_at=before, limit=9))
    assert [one.revision for one in listed] == [1]
    assert not ledger.as_app(lambda conn: reading.events(conn, OLA, limit=9))
    actions = ledger.query(
        "SELECT action FROM audit_event WHERE target = %s ORDER BY audit_id", f"event:{row.event_id}"
    )
    assert [action for (action,) in actions] == ["event_stated", "event_corrected", "event_withdrawn"]


def test_the_same_again_changes_nothing_and_another_content_corrects(ledger: Ledger) -> None:
    first = state(ledger, source="crm", reference="p-1")
    assert state(ledger, source="crm", reference="p-1") == first
    second = state(ledger, source="crm", reference="p-1", attributes={"depth": 0.3})
    assert (second.event_id, second.revision) == (first.event_id, 2)
    with pytest.raises(StaleEventError, match=r"user:pat has stated revision 2"):
        ledger.as_app(
            lambda conn: service.withdraw(
                conn, PAT, first.event_id, Withdrawal(revision=1, reason="x"), now=NOW
            )
        )
    with pytest.raises(EventError, match="expected not before what it corrects was known"):
        state(ledger, source="crm", reference="p-1", known_at=NOW - timedelta(1), attributes={})
    with pytest.raises(EventError, match="expected the present"):
        state(ledger, known_at=NOW + timedelta(1))


def test_rights_and_scopes_are_kept(ledger: Ledger) -> None:
    row = state(ledger)
    with pytest.raises(NotAllowedError):
        state(ledger, OLA)
    with pytest.raises(NotAllowedError):
        state(ledger, site="york")
    with pytest.raises(NotAllowedError, match="at all sites"):
        state(ledger, site=None)
    foreign = Actor("user:yan", frozenset({Role.PLANNER}), frozenset({YORK}))
    with pytest.raises(UnknownEventError):
        ledger.as_app(lambda conn: reading.revisions(conn, foreign, row.event_id))
    for wrong, message in (
        ({"item": "NONE"}, "there is no such item"),
        ({"item": None, "category": "none"}, "no item is of it"),
    ):
        with pytest.raises(UnknownEventError, match=message):
            state(ledger, **wrong)
    with pytest.raises(UnknownEventError, match="there is no site 'oslo'"):
        state(ledger, EVE, site="oslo")
    with pytest.raises(psycopg.Error, match="append-only"):
        ledger.as_owner(lambda conn: conn.execute("UPDATE event SET name = 'x'"))


def test_two_sites_call_their_events_alike_and_what_is_everywheres_is_stated_by_whoever_sees_all(
    ledger: Ledger,
) -> None:
    first = state(ledger, source="crm", reference="p-1")
    second = state(ledger, EVE, site="york", source="crm", reference="p-1")
    assert first.event_id != second.event_id
    with pytest.raises(EventError, match="expected 'leeds', where it was stated"):
        ledger.as_app(
            lambda conn: service.correct(conn, EVE, first.event_id, paper(site="york"), revision=1, now=NOW)
        )
    everywhere = state(ledger, EVE, site=None)

    def rewrite(conn: Any) -> None:
        act_as(conn, PAT)
        conn.execute(
            "INSERT INTO event (event_id, revision, from_day, to_day, kind, name, known_at, source,"
            " reference, author)"
            " SELECT event_id, 2, from_day, to_day, kind, 'mine', known_at, source, reference, 'x'"
            " FROM event WHERE event_id = %s",
            (everywhere.event_id,),
        )

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.as_app(rewrite)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"to_day": date(2026, 11, 1)}, "expected not before from_day"),
        ({"category": "hot"}, "not both"),
        ({"attributes": {"depth": 1.5}}, "'depth' 1.5: expected 0 to 0.95"),
        ({"kind": "price", "attributes": {}}, "'change' None: expected the change"),
        ({"kind": "weather", "attributes": {"sky": "grey"}}, "at least one number"),
    ],
)
def test_what_cannot_be_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        paper(**wrong)


def test_a_file_is_imported_whole_or_not_at_all(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(
        "item;from_day;to_day;kind;name;known_at;depth;feature\n"
        "TEA;2026-12-01;2026-12-03;promotion;winter tea;2026-11-01T00:00:00Z;0.2;true\n"
        ";2026-12-24;2026-12-26;disruption;works;;;\n",
        encoding="utf-8",
    )
    papers = read_csv(file, site="leeds", source="crm")
    assert papers[0].attributes == {"depth": 0.2, "feature": True}
    add = lambda conn: service.add_all(conn, PAT, papers, now=NOW)  # noqa: E731  twice the same
    assert ledger.as_app(add) == (2, 0, 0)
    assert ledger.as_app(add) == (0, 0, 2)
    file.write_text(
        "from_day,to_day,kind,name,depth\n2026-12-01,soon,promotion,a,0.2\n,,,,\n2026-12-01,2026-12-02,sale,b,9\n"
    )
    with pytest.raises(EventError) as caught:
        read_csv(file)
    assert "line 2, to_day 'soon'" in str(caught.value)
    assert "line 4, kind 'sale'" in str(caught.value)
    file.write_text("from_day,kind\n")
    with pytest.raises(EventError, match="line 1: columns to_day, name are missing"):
        read_csv(file)


def test_public_holidays_of_a_site_are_known_a_year_before(ledger: Ledger) -> None:
    wanted = lambda conn: public_holidays.add_holidays(  # noqa: E731  twice the same
        conn, PAT, "leeds", first_year=2025, last_year=2026, now=NOW
    )
    with pytest.raises(EventError, match="site 'leeds' states no country"):
        ledger.as_app(wanted)
    for where, message in (
        (Region("XX", None), "country 'XX': expected one of"),
        (Region("GB", "BY"), "region 'BY' of GB: expected one of ENG"),
        (Region(None, "ENG"), "expected a country with it"),
    ):
        with pytest.raises(EventError, match=message):
            ledger.as_app(lambda conn, where=where: public_holidays.set_region(conn, PAT, "leeds", where))
    assert ledger.as_app(lambda conn: public_holidays.set_region(conn, PAT, "leeds", Region("GB", "ENG")))
    stated = ledger.as_app(wanted)
    assert stated.added >= 16
    assert ledger.as_app(wanted) == (0, 0, stated.added)
    rows = ledger.as_app(lambda conn: reading.events(conn, PAT, from_day=date(2026, 12, 24), limit=9))
    assert (rows[0].from_day, rows[0].name) == (date(2026, 12, 25), "Christmas Day")
    assert rows[0].known_at == datetime(2025, 12, 25, tzinfo=UTC)
    assert seen(ledger, datetime(2025, 12, 1, tzinfo=UTC)).events == ()
