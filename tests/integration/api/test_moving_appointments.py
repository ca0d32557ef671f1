"""Vehicles are registered for any paper and moved to other doors and windows on their pages."""

import httpx
import pytest
from serving import OTHER, OWN
from test_authorisation_matrix import session_of
from test_documents import CASE, DOOR, NOTICE, VEHICLE, Desk, desk

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from tests.integration.documents.dock import sscc

__all__ = ["desk"]  # a fixture

PATH = f"/visits/{OWN}/V-1/appointment"


class Clerk:
    """Somebody at the pages."""

    def __init__(self, client: httpx.Client, pool: ConnectionPool, role: Role) -> None:
        self.client, self.session = client, session_of(pool, Grant(role, OWN))
        self.cookie = {"Cookie": f"{SESSION_COOKIE}={self.session}"}

    def sees(self, path: str) -> httpx.Response:
        return self.client.get(path, headers=self.cookie)

    def sends(self, path: str, **fields: object) -> httpx.Response:
        typed = fields | {"csrf": csrf_token(self.session)}
        return self.client.post(path, data=typed, headers=self.cookie, follow_redirects=False)


@pytest.fixture
def clerk(client: httpx.Client, pool: ConnectionPool) -> Clerk:
    return Clerk(client, pool, Role.SUPERVISOR)


def test_an_appointment_is_moved_on_its_page(
    desk: Desk, clerk: Clerk, client: httpx.Client, pool: ConnectionPool
) -> None:
    desk.post("portals", DOOR | {"portal": "dock-2", "outside_location": "@clearing/dock-2"})
    desk.post("visits", VEHICLE | {"visit": "V-9", "door": "dock-2", "documents": []})
    assert f'href="{PATH}"' in clerk.sees(f"/receiving?site={OWN}").text
    assert 'value="2026-03-02T07:00:00"' in clerk.sees(PATH).text, "by the site's clock"
    wrong = clerk.sends(PATH, door="dock-2", from_at="2026-03-02T09:30", to_at="2026-03-02T09:00")
    told_so = "to 2026-03-02T09:00: expected after from 2026-03-02T09:30"
    assert (wrong.status_code, told_so in wrong.text) == (422, True), "by the clock that it was typed by"
    assert 'value="2026-03-02T09:30"' in wrong.text, "kept as it was typed"
    nowhere = clerk.sends(PATH, door="dock-7", from_at="2026-03-02T09:30")
    assert (nowhere.status_code, "there is no door" in nowhere.text) == (422, True)
    window = {"from_at": "2026-03-02T09:30", "to_at": "2026-03-02T11:00"}
    moved = clerk.sends(PATH, door="dock-2", carrier="DSV", **window)
    assert (moved.status_code, moved.headers["Location"]) == (303, PATH)
    told = [row for row in desk.get(f"appointments?site={OWN}").json()["items"] if row["visit"] == "V-1"]
    assert [(row["door"], row["from_at"], row["to_at"], row["carrier"]) for row in told] == [
        ("dock-2", "2026-03-02T08:30:00Z", "2026-03-02T10:00:00Z", "DSV")
    ]
    assert "V-9" in clerk.sees(PATH).text, "with whom it overlaps"
    operator = Clerk(client, pool, Role.OPERATOR)
    assert f'href="{PATH}"' not in operator.sees(f"/receiving?site={OWN}").text
    assert operator.sees(PATH).status_code == 403
    assert clerk.sees(f"/visits/{OWN}/V-0/appointment").status_code == 404
    desk.post(f"visits/{OWN}/V-9/cancel", {})
    ended = clerk.sees(f"/visits/{OWN}/V-9/appointment")
    assert (ended.status_code, "is cancelled" in ended.text, "Move it" in ended.text) == (200, True, False)
    assert clerk.sends(
        f"/visits/{OWN}/V-9/appointment", door="dock-2", from_at="2026-03-02T09:30"
    ).is_redirect


def test_a_vehicle_is_registered_on_its_page_for_any_paper(desk: Desk, clerk: Clerk) -> None:
    line = {"line": "1", "identifier": {"scheme": "gtin", "value": CASE}, "quantity": "2"}
    draft = {"from_site": OTHER, "to_site": OWN, "id": "T-1", "lines": [line]}
    assert desk.post("transfers", draft, who="inventory_controller").status_code == 201
    loose = {"site": OWN, "type": "customer_return", "id": "RET-1", "lines": [line]}
    assert desk.post("documents", loose).status_code == 201
    assert desk.post("documents", loose | {"type": "supplier_return", "id": "BACK-1"}).status_code == 201
    form = clerk.sees(f"/visits/{OWN}/new?direction=inbound").text
    for name in ("asn/ASN/1", "transfer/T-1", "customer_return/RET-1"):
        assert f'value="{name}"' in form
    assert "transfer/T-1" not in clerk.sees(f"/visits/{OWN}/new?direction=outbound").text
    typed = {"direction": "inbound", "visit": "V-2", "door": "dock-1", "from_at": "2026-03-02T08:00"}
    leaving = typed | {"direction": "outbound"}
    refused = clerk.sends(f"/visits/{OWN}/new", **leaving, document=["supplier_return/BACK-1"])
    assert (refused.status_code, "is in no unit" in refused.text) == (422, True)
    papers = ["asn/ASN/1", "customer_return/RET-1", "transfer/T-1"]
    done = clerk.sends(f"/visits/{OWN}/new", **typed, document=papers)
    assert done.status_code == 303, done.text
    assert desk.get(f"visits/{OWN}/V-2").json()["documents"] == papers
    over_http = VEHICLE | {"visit": "V-3", "direction": "outbound"}
    over_http |= {"documents": [{"type": "supplier_return", "id": "BACK-1"}]}
    answer = desk.post("visits", over_http)
    assert (answer.status_code, "ship what leaves loose on Shipping" in answer.text) == (422, True)


def test_what_a_form_shows_and_nobody_changes_stays_to_the_microsecond(desk: Desk, clerk: Clerk) -> None:
    second_pass = "2026-10-25T01:30:00.123456Z"  # by the site's clock 02:30, for the second time that night
    desk.post("visits", VEHICLE | {"visit": "V-7", "from_at": second_pass, "documents": []})
    path = f"/visits/{OWN}/V-7/appointment"
    assert 'value="2026-10-25T02:30:00"' in clerk.sees(path).text

    def moved(**typed: str) -> tuple[str, str | None]:
        assert clerk.sends(path, door="dock-1", carrier="DSV", **typed).status_code == 303
        told = desk.get(f"visits/{OWN}/V-7").json()
        return told["from_at"], told["to_at"]

    assert moved(from_at="2026-10-25T02:30") == (second_pass, None), "as a browser writes the seconds"
    assert moved(from_at="2026-10-25T02:30:00", to_at="2026-10-25T04:00") == (
        second_pass,
        "2026-10-25T03:00:00Z",
    )
    assert moved(from_at="2026-10-25T02:31")[0] == "2026-10-25T00:31:00Z", "what is typed anew is the first"


def test_over_http_as_in_a_file_what_a_move_leaves_out_of_a_visit_stays(desk: Desk) -> None:
    path = f"appointments/{OWN}/V-1"
    whole = {"door": "dock-1", "from_at": "2026-03-02T06:00:00Z", "to_at": "2026-03-02T08:00:00Z"}

    def moved(**body: object) -> tuple[str, str | None, str | None]:
        answer = desk.post(path, body)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        return told["from_at"], told["to_at"], told["carrier"]

    stands = ("2026-03-02T06:00:00Z", "2026-03-02T08:00:00Z", "DSV")
    assert moved(**whole, carrier="DSV") == stands
    later = {"door": "dock-1", "from_at": "2026-03-02T07:00:00Z"}
    assert moved(**later) == ("2026-03-02T07:00:00Z", *stands[1:])
    refused = desk.post(path, later | {"from_at": "2026-03-02T08:00:00Z"})
    told = "visit 'V-1': to_at 2026-03-02T08:00:00+00:00, which stays: expected after from_at"
    assert (refused.status_code, told in refused.text) == (422, True), refused.text
    assert moved(**later, to_at=None) == ("2026-03-02T07:00:00Z", None, "DSV")
    assert moved(**later, carrier=None) == ("2026-03-02T07:00:00Z", None, None)
    assert desk.post(path, later, key="same").status_code == 201
    assert desk.post(path, later | {"to_at": None}, key="same").status_code == 422, "that is another request"


@pytest.mark.parametrize(
    "typed", ["9999-12-31T23:59", "0001-01-02T00:00", "2200-01-01T01:30", "1999-12-31T20:00"]
)
def test_a_window_lies_in_the_years_of_papers(desk: Desk, clerk: Clerk, typed: str) -> None:
    page = clerk.sends(PATH, door="dock-1", from_at=typed)
    assert (page.status_code, "expected a time from 2000 to 2199" in page.text) == (422, True), page.text
    at = f"{typed}:00Z"
    for body in ({"from_at": at}, {"from_at": "2026-03-02T06:00:00Z", "to_at": at}):
        for where, more in (
            (f"appointments/{OWN}/V-1", {"door": "dock-1"}),
            ("visits", VEHICLE | {"visit": "V-2"}),
        ):
            answer = desk.post(where, more | body)
            assert (answer.status_code, "2000 to 2199" in answer.text) == (422, True), answer.text


def test_a_number_that_leaves_no_room_for_those_of_its_units_is_refused(desk: Desk) -> None:
    units = [sscc(number) for number in range(1, 13)]

    def answer(length: int, named: list[str]) -> httpx.Response:
        line = NOTICE["lines"][0] | {"line": "x" * length, "quantity": "20", "units": named}
        return desk.post("documents", NOTICE | {"id": f"D-{length}-{len(named)}", "lines": [line]})

    for length, named, most in ((127, units[:2], 126), (128, units[:2], 126), (126, units[2:], 125)):
        refused = answer(length, named)
        told = f"expected at most {most} characters" in refused.text
        assert (refused.status_code, told, "x" * length in refused.text) == (422, True, True), refused.text
    for length, named in ((126, units[:2]), (125, units[2:]), (128, [sscc(20)])):
        assert answer(length, named).status_code == 201
        papers = {"documents": [{"type": "asn", "id": f"D-{length}-{len(named)}"}]}
        assert desk.post("visits", VEHICLE | {"visit": f"V-{length}"} | papers).status_code == 201
