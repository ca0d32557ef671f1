"""Who said what of a lot's dates, and a form that says otherwise; over HTTP, on the page and by a file."""

from datetime import datetime
from html import unescape
from pathlib import Path

import httpx
import pytest
import xlsxwriter
from serving import OWN, TEA
from test_authorisation_matrix import session_of
from test_shelf_life import Keeper

from cloud.db import ConnectionPool, in_transaction
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from cloud.lots.dates_file import put_dates, read_dates
from cloud.lots.domain import LotError

EVERYWHERE = Actor("user:ina", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)


@pytest.fixture
def keeper(client: httpx.Client, people: object) -> Keeper:
    return Keeper(client, people)  # type: ignore[arg-type]


class Page:
    """A lot's page, as somebody with a session sees it."""

    def __init__(self, client: httpx.Client, pool: ConnectionPool, grant: Grant) -> None:
        session = session_of(pool, grant)
        self.client, self.csrf = client, csrf_token(session)
        self.headers = {"Cookie": f"{SESSION_COOKIE}={session}"}

    def text(self) -> str:
        return unescape(self.client.get(f"/lots/{TEA}/L1", headers=self.headers).text)

    def sends(self, **typed: str) -> httpx.Response:
        form = {"item": TEA, "lot": "L1", "csrf": self.csrf} | typed
        return self.client.post("/lot-dates", data=form, headers=self.headers)


@pytest.fixture
def page(client: httpx.Client, pool: ConnectionPool, keeper: Keeper) -> Page:
    assert keeper.dates(expires_on="2026-09-01", reason="delivery note 7")
    return Page(client, pool, Grant(Role.SUPERVISOR))


def told(keeper: Keeper) -> dict[str, object]:
    asked = {"item": TEA, "lot": "L1"}
    found: dict[str, object] = keeper.client.get("/v1/lot-dates", params=asked, headers=keeper.headers).json()
    return found


def test_a_date_is_corrected_with_why_and_everybody_sees_who_said_what(
    keeper: Keeper, page: Page, pool: ConnectionPool
) -> None:
    seen = page.text()
    assert ("delivery note 7" in seen, "Correct its dates" in seen) == (True, True)
    done = page.sends(expiry="on", expires_on="2026-08-01", produced_on="2026-02-03", reason="read the case")
    assert (done.status_code, done.headers["location"]) == (303, f"/lots/{TEA}/L1#dates-title")
    story = told(keeper)
    assert (story["expires_on"], story["produced_on"], story["expires_by"]) == (
        "2026-08-01",
        "2026-02-03",
        "stated",
    )
    statements = story["statements"]
    assert isinstance(statements, list)
    assert [(each["expires_on"], each["reason"]) for each in statements] == [
        ("2026-08-01", "read the case"),
        ("2026-09-01", "delivery note 7"),
    ]
    assert page.sends(expiry="keeps", reason="it is salt").status_code == 303
    assert (told(keeper)["expires_on"], "it keeps" in page.text()) == (None, True)
    assert page.sends(expiry="follows", reason="none of it").status_code == 303
    assert "as labels and shelf life say" in page.text()
    assert (told(keeper)["expires_by"], told(keeper)["produced_on"]) == (None, None)
    said = "SELECT actor, detail FROM audit_event WHERE action = 'lot_dated' ORDER BY audit_id"
    trail = in_transaction(pool, lambda conn: conn.execute(said).fetchall())
    assert [detail for _, detail in trail][1:] == [
        {"expires_on": "2026-08-01", "produced_on": "2026-02-03", "reason": "read the case"},
        {"expires_on": None, "reason": "it is salt", "taken_back": ["produced_on"]},
        {"reason": "none of it", "taken_back": ["expires_on", "produced_on"]},
    ]
    assert trail[1][0] != trail[0][0]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"expiry": "on", "reason": "x"}, "expected a day."),
        ({"expiry": "on", "expires_on": "31.12.2026", "reason": "x"}, "'31.12.2026': expected a day as"),
        ({"expiry": "keeps", "expires_on": "2026-08-01", "reason": "x"}, "a day, but it is not said that"),
        ({"expiry": "keeps", "produced_on": "soon", "reason": "x"}, "'soon': expected a day as 2026-10-01."),
        ({"expiry": "keeps", "produced_on": "1999-01-01", "reason": "x"}, "expected a day from 2000-01-01"),
        (
            {"expiry": "on", "expires_on": "2026-08-01", "produced_on": "2026-08-01", "reason": "x"},
            "expires_on 2026-08-01: expected after produced_on 2026-08-01.",
        ),
        ({"expiry": "soon", "reason": "x"}, "'soon': expected on, keeps or follows."),
        ({"expiry": "keeps"}, "expected why they are said otherwise."),
        ({"expiry": "keeps", "reason": "x" * 501}, "expected at most 500 characters, got 501."),
        ({"expiry": "keeps", "reason": "x", "seen": "1"}, "somebody said otherwise meanwhile"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_kept(
    keeper: Keeper, page: Page, typed: dict[str, str], why: str
) -> None:
    before = told(keeper)
    if "seen" in typed:
        assert (
            page.sends(expiry="on", expires_on="2026-10-01", reason="another, meanwhile").status_code == 303
        )
        before = told(keeper)
    answer = page.sends(**typed)
    assert answer.status_code == 422
    assert why in unescape(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert told(keeper) == before


def test_whoever_keeps_lots_at_one_site_sees_and_changes_nothing(
    client: httpx.Client, pool: ConnectionPool, keeper: Keeper, page: Page
) -> None:
    here = Page(client, pool, Grant(Role.SUPERVISOR, OWN))
    assert ("delivery note 7" in here.text(), 'action="/lot-dates"' in here.text()) == (True, False)
    assert here.sends(expiry="keeps", reason="x").status_code == 403
    assert page.client.post("/lot-dates", data={"item": TEA, "lot": "NO", "csrf": page.csrf, "reason": "x"},
                            headers=page.headers).status_code == 404  # fmt: skip
    assert told(keeper)["expires_on"] == "2026-09-01"


def test_what_was_stated_is_taken_back_over_the_api(keeper: Keeper) -> None:
    keeper.keeps_for(30)
    assert keeper.dates(expires_on="2026-09-01", produced_on="2026-04-01")
    assert keeper.dates(taken_back=["expires_on"], reason="typed into the wrong lot")
    assert keeper.lot() == ("2026-04-01", "2026-05-01", True)
    assert not keeper.dates(taken_back=["expires_on"])
    assert keeper.sends("lots", item=TEA, lot="L1", taken_back=["lot"]).status_code == 422
    assert keeper.sends("lots", item=TEA, lot="L1", taken_back=[], reason="x").status_code == 422


def test_a_request_that_a_release_before_answered_is_answered_the_same_again(
    keeper: Keeper, pool: ConnectionPool
) -> None:
    headers = keeper.headers | {"Idempotency-Key": "before-and-after"}
    body = {"item": TEA, "lot": "L1", "produced_on": "2026-04-01"}
    first = keeper.client.post("/v1/lots", json=body, headers=headers)
    assert first.status_code == 201
    kept = f'/v1/lots\n{{"item":"{TEA}","lot":"L1","expires_on":null,"produced_on":"2026-04-01"}}'
    as_before = "UPDATE idempotency_key SET request_sha256 = encode(sha256(convert_to(%s, 'UTF8')), 'hex')"
    assert in_transaction(pool, lambda conn: conn.execute(as_before, (kept,)).rowcount) == 1
    again = keeper.client.post("/v1/lots", json=body, headers=headers)
    assert (again.status_code, again.headers.get("idempotent-replayed")) == (201, "true")
    another = keeper.client.post("/v1/lots", json=body | {"reason": "read the case"}, headers=headers)
    assert another.status_code == 422


def test_a_file_states_dates_of_many_lots_or_of_none_and_tells_all_faults_at_once(
    keeper: Keeper, pool: ConnectionPool, tmp_path: Path
) -> None:
    def keeps(file: Path, **how: str) -> int:
        papers = read_dates(file, **how)  # type: ignore[arg-type]
        return in_transaction(pool, lambda conn: put_dates(conn, EVERYWHERE, papers))

    good = tmp_path / "dates.csv"
    good.write_text(
        f"item;lot;expires_on;produced_on\n{TEA};L1;31/12/2026;\n{TEA};L2;none;\n{TEA};L3;;01/02/2026\n"
    )
    with pytest.raises(LotError) as ambiguous:
        keeps(good)
    assert f"{ambiguous.value}".count("say which") + f"{ambiguous.value}".count("--dates dmy") >= 2
    assert keeps(good, dates="dmy") == 3
    assert keeps(good, dates="dmy") == 0
    assert keeper.lot() == (None, "2026-12-31", False)
    with xlsxwriter.Workbook(tmp_path / "dates.xlsx") as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, ["item", "lot", "expires_on", "reason"])
        sheet.write_row(1, 0, [TEA, "L1"])
        sheet.write_datetime(1, 2, datetime(2027, 1, 31, tzinfo=None), day)  # noqa: DTZ001  a day has no zone
        sheet.write_string(1, 3, "corrected")
    assert keeps(tmp_path / "dates.xlsx") == 1
    assert told(keeper)["expires_on"] == "2027-01-31"
    bad = tmp_path / "bad.csv"
    bad.write_text(
        f"item,lot,expires_on,produced_on\n,L1,2026-01-01,\n{TEA},L4,soon,\n{TEA},L5,,\n"
        f"{TEA},L6,2026-01-01 10:00,\n{TEA},L7,2026-01-01,\n{TEA},L7,2026-01-02,\n"
    )
    with pytest.raises(LotError) as wrong:
        keeps(bad)
    assert [line.partition(".csv:")[2] for line in f"{wrong.value}".splitlines()] == [
        "2: item: expected 1 to 128 characters, got 0",
        "3: expires_on: 'soon': expected a day as 2026-10-01",
        "4: expected expires_on or produced_on, got neither",
        "5: expires_on: '2026-01-01 10:00': expected a day as 2026-10-01",
        f"7: lot 'L7' of item {TEA!r} stands there before, in {bad}:6",
    ]
    bad.write_text(f"item,lot,expires_on,produced_on\nNO,L1,2026-01-01,\n{TEA},L1,2026-01-01,2026-02-01\n")
    with pytest.raises(LotError) as refused:
        keeps(bad)
    assert [line.partition(".csv:")[2] for line in f"{refused.value}".splitlines()] == [
        "2: there is no item 'NO'",
        "3: lot 'L1': expires_on 2026-01-01: expected after produced_on 2026-02-01",
    ]
    assert told(keeper)["expires_on"] == "2027-01-31"
