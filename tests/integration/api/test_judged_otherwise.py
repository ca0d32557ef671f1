"""What waits is judged once, over HTTP and on the pages, whoever graded it before."""

from datetime import timedelta

import httpx
import pytest
from doors_at_work import send
from serving import NOW, OWN, People
from test_documents import CASE, NETWORK, SUPERVISOR, Desk
from test_scans_on_hold import log_in

from cloud.db import ConnectionPool
from contracts.records import DocumentRef, Side
from contracts.vocabulary import BizStep, Disposition
from tests.integration.documents.dock import ITEM
from tests.integration.ledger.scenario import Outbox, move

LINE = {"line": "1", "identifier": {"scheme": "gtin", "value": CASE}, "quantity": "4", "unit_seen": "base"}
JUDGED = {"site": OWN, "receipt": "R-9", "line": "1", "waits_as": "returned", "verdict": "sellable"}
PLACE = {"location": "A-01-1", "disposition": "returned"}


@pytest.fixture
def desk(client: httpx.Client, people: People) -> Desk:
    """Let four of a customer come back on paper."""
    desk = Desk(client, people)
    tea = ITEM | {"levels": [{"gtin": CASE, "base_units": 1}]}
    notice = {"site": OWN, "type": "customer_return", "id": "RMA-9", "lines": [LINE]}
    of = {"type": "customer_return", "id": "RMA-9", "line": "1"}
    came = {"site": OWN, "receipt": "R-9", "location": "A-01-1"}
    came["lines"] = [{"line": "1", "of": of, "received": "4", "unit_seen": "base"}]
    for path, body, who in (
        ("items", tea, NETWORK),
        ("documents", notice, SUPERVISOR),
        ("receipts", came, SUPERVISOR),
    ):
        answer = desk.post(path, body, who=who)
        assert answer.status_code == 201, answer.text
    return desk


def waiting(client: httpx.Client, people: People) -> list[str]:
    found = client.get("/v1/waiting-goods", params={"site": OWN}, headers=people.headers(SUPERVISOR)).json()
    return [each["quantity"] for each in found["items"]]


def test_a_handhelds_grade_is_shown_as_the_judgement_and_not_judged_again(
    client: httpx.Client, people: People, pool: ConnectionPool, ingest: ConnectionPool, desk: Desk
) -> None:
    graded = move(
        "2",
        Side(location="A-01-1", disposition=Disposition.RETURNED),
        Side(location="A-01-1", disposition=Disposition.SELLABLE),
        item=CASE,
        occurred_at_claimed=NOW - timedelta(minutes=5),
        biz_step=BizStep.INSPECTING,
        actor="gil",
    )
    send(ingest, Outbox("dock-m1", OWN), graded)
    assert waiting(client, people) == ["2.000000"]
    log_in(client, pool)
    page = client.get("/returns", params={"site": OWN}).text
    assert "<strong>2 each of TEA</strong>" in page
    assert "by handheld or hand, of no receipt" in page
    assert "gil" in page.split("Decided last")[1]
    too_many = desk.post("judgements", JUDGED | {"quantity": "4", "reason": "as_new"})
    assert too_many.status_code == 422, too_many.text
    assert "4: expected at most 2, which wait as returned" in too_many.json()["detail"]
    assert desk.post("judgements", JUDGED | {"quantity": "2", "reason": "as_new"}).status_code == 201
    assert waiting(client, people) == []
    for path in ("/returns", "/inspection"):
        told = client.get(path, params={"site": OWN}).text.split("Decided last")[1]
        assert ("gil" in told, "R-9" in told) == (True, True)


def test_a_movement_by_hand_is_told_which_way_judges(
    client: httpx.Client, people: People, desk: Desk
) -> None:
    moved = {
        "site": OWN,
        "identifier": LINE["identifier"],
        "quantity": "2",
        "source": PLACE,
        "destination": {"location": "A-01-1"},
        "reason": "looks_fine",
    }
    refused = desk.post("movements", moved)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:dockledger:problem:not-postable")
    assert refused.json()["detail"] == (
        "goods of 'TEA' of line '1' of receipt 'R-9' wait as returned: grade them on Returns (/returns, "
        "POST /v1/judgements), or by handheld ($GRADE)"
    )
    assert waiting(client, people) == ["4.000000"]
    carried = desk.post(
        "movements", moved | {"destination": {"location": "A-02-1", "disposition": "returned"}}
    )
    assert carried.status_code == 201, carried.text
    assert waiting(client, people) == ["2.000000", "2.000000"]


def test_what_a_handheld_takes_back_of_no_paper_is_graded_on_the_page_and_over_http(
    client: httpx.Client, people: People, pool: ConnectionPool, ingest: ConnectionPool, desk: Desk
) -> None:
    back = move(
        "3",
        "@customer",
        Side(location="A-02-1", disposition=Disposition.RETURNED),
        item=CASE,
        occurred_at_claimed=NOW - timedelta(minutes=5),
        biz_step=BizStep.RECEIVING,
        documents=(DocumentRef(type="customer_return", id="X-77", line="1"),),
    )
    send(ingest, Outbox("dock-m1", OWN), back)
    found = client.get("/v1/waiting-goods", params={"site": OWN}, headers=people.headers(SUPERVISOR)).json()
    assert [(each["receipt"], each["numbers"], each["location"]) for each in found["items"]] == [
        (None, ["X-77"], "A-02-1"),
        ("R-9", [], "A-01-1"),
    ]
    log_in(client, pool)
    page = client.get("/returns", params={"site": OWN}).text
    assert "X-77, by handheld" in page
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": csrf, "item": ITEM["code"], "waits_as": "returned", "quantity": "2", "location": "A-02-1"}
    form |= {"verdict": "sellable", "reason": "opened", "grade": "B"}
    answer = client.post(f"/inspection/{OWN}", data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert "B</td>" in client.get("/returns", params={"site": OWN}).text.split("Decided last")[1]
    goods = {
        "site": OWN,
        "item": ITEM["code"],
        "waits_as": "returned",
        "verdict": "damaged",
        "reason": "other",
    }
    neither = desk.post("judgements", {**goods, "quantity": "1", "receipt": "R-9"})
    assert neither.status_code == 422, neither.text
    told = desk.post("judgements", {**goods, "quantity": "1"})
    assert (told.status_code, told.json()["receipt"], told.json()["item"]) == (201, None, ITEM["code"])
    assert waiting(client, people) == ["4.000000"]


@pytest.mark.parametrize(
    ("days", "told"), [(0, "had expired"), (1, "expires the next day"), (30, "keeps for 29 days only")]
)
def test_inspection_says_for_how_long_goods_keep_that_wait_for_it(
    client: httpx.Client, people: People, pool: ConnectionPool, desk: Desk, *, days: int, told: str
) -> None:
    day = NOW.date() + timedelta(days=days)
    came = {"site": OWN, "receipt": "R-10", "location": "A-01-1", "occurred_at": NOW.isoformat()}
    came |= {"lines": [{"line": "1", "identifier": LINE["identifier"], "received": "4", "lot": "L-1"}]}
    for path, body, who in (
        ("items", {"code": ITEM["code"], "minimum_life_days": 30}, NETWORK),
        ("lots", {"item": ITEM["code"], "lot": "L-1", "expires_on": day.isoformat()}, NETWORK),
        ("receipts", came, SUPERVISOR),
    ):
        answer = desk.post(path, body, who=who)
        assert answer.status_code in {200, 201}, answer.text
    found = client.get("/v1/waiting-goods", params={"site": OWN}, headers=people.headers(SUPERVISOR)).json()
    (waits,) = [each for each in found["items"] if each["receipt"] == "R-10"]
    assert (waits["waits_as"], waits["reason"], waits["days_left"]) == ("inspection", "short_life", days)
    log_in(client, pool)
    page = client.get("/inspection", params={"site": OWN}).text
    assert told in page
    assert told in client.get(f"/receiving/{OWN}/receipts/R-10").text
    assert "as a rule says" not in page
