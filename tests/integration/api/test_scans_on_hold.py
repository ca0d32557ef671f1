"""What handhelds received beyond what is tolerated, where staff look: over HTTP and on the pages."""

import re
from datetime import timedelta
from decimal import Decimal

import httpx
from doors_at_work import send
from serving import NOW, OWN, People
from test_documents import CASE, NETWORK, NOTICE, SUPERVISOR, Desk

from cloud.db import ConnectionPool
from cloud.documents.receiving.holding import JOB, hold_scanned
from cloud.identity import service, sessions
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from contracts.records import DocumentRef, Side
from tests.integration.documents.dock import ITEM as TEA
from tests.integration.ledger.scenario import Outbox, move

ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)
SCANNED = "/v1/scanned-receipts"


def log_in(client: httpx.Client, pool: ConnectionPool) -> None:
    with pool.connection() as conn:
        service.add_user(conn, ROOT, name="sue", password=None, grants=[Grant(Role.SUPERVISOR, OWN)])
        link = service.make_login_link(conn, ROOT, name="sue", now=NOW)
    with pool.connection() as conn:
        session = sessions.log_in_by_link(conn, token=link, now=NOW)
    client.cookies.set(SESSION_COOKIE, session.token)


def test_scans_beyond_stand_on_hold_where_staff_look_until_somebody_decides(
    client: httpx.Client, people: People, pool: ConnectionPool, ingest: ConnectionPool
) -> None:
    desk = Desk(client, people)
    assert (
        desk.post("items", TEA | {"levels": [{"gtin": CASE, "base_units": 1}]}, who=NETWORK).status_code
        == 201
    )
    line = NOTICE["lines"][0] | {"quantity": "10", "unit_seen": "base", "units": []}
    assert desk.post("documents", NOTICE | {"id": "ASN-7", "lines": [line]}).status_code == 201
    assert desk.post("receiving-rules", {"site": OWN, "over_percent": "10"}).status_code == 201
    came = move(
        "14",
        "@supplier",
        "STAGE-1",
        item=CASE,
        occurred_at_claimed=NOW - timedelta(minutes=5),
        documents=(DocumentRef(type="receipt", id="ASN-7", line="1"),),
    )
    noted = came.model_copy(update={"documents": (DocumentRef(type="receipt", id="DN-1", line="1"),)})
    send(ingest, Outbox("dock-m1", OWN), came, noted)
    headers = people.headers(SUPERVISOR)
    log_in(client, pool)
    (part,) = client.get(SCANNED, params={"site": OWN, "of": "DN-1"}, headers=headers).json()["items"]
    assert (part["type"], part["line"], part["rule"]) == ("blind", None, "blind")

    def told() -> list[tuple[int, ...]]:
        found = client.get(SCANNED, params={"site": OWN, "of": "ASN-7"}, headers=headers).json()["items"]
        return [
            tuple(int(Decimal(each[name])) for name in ("quantity", "beyond", "on_hold", "missed"))
            for each in found
        ]

    page = client.get(f"/receiving/{OWN}/new", params={"type": "asn", "id": "ASN-7"}).text
    assert "3 will be put on hold once gateways have told everything until then" in page
    assert hold_scanned(pool, JOB, NOW)["held"] == 1
    assert told() == [(10, 0, 0, 0), (4, 3, 3, 0)]
    page = client.get(f"/receiving/{OWN}/new", params={"type": "asn", "id": "ASN-7"}).text
    assert "3 on hold" in page
    assert f'href="/inspection?site={OWN}"' in page
    listed = client.get("/receiving", params={"site": OWN}).text
    assert "ASN-7~held" in listed
    kept = client.get(f"/receiving/{OWN}/receipts/ASN-7~held").text
    assert "Of what came under ASN-7: beyond what is tolerated or announced" in kept
    assert "3 on hold" in kept
    waiting = client.get("/inspection", params={"site": OWN}).text
    assert "ASN-7~held" in waiting
    found = client.get("/v1/waiting-goods", params={"site": OWN}, headers=headers).json()["items"]
    assert [(each["receipt"], each["waits_as"], int(Decimal(each["quantity"]))) for each in found] == [
        ("ASN-7~held", "hold", 3)
    ]
    moves = client.get("/v1/movements", params={"site": OWN, "item": TEA["code"]}, headers=headers).json()[
        "items"
    ]
    held = next(each for each in moves if each["reason"] == "over")
    story = client.get(f"/movements/{held['gateway']}/{held['epoch']}/{held['seq']}").text
    assert '<a href="/movements/dock-m1/00000000000000aa/1">' in story
    judged = {"site": OWN, "receipt": "ASN-7~held", "line": "1", "waits_as": "hold", "quantity": "3"}
    answer = desk.post("judgements", judged | {"verdict": "sellable", "reason": "accepted_over"})
    assert answer.status_code == 201, answer.text
    assert told()[-1] == (4, 3, 0, 0)


def test_scans_that_a_rule_has_inspected_stand_in_inspection_where_staff_look(
    client: httpx.Client, people: People, pool: ConnectionPool, ingest: ConnectionPool
) -> None:
    desk = Desk(client, people)
    item = TEA | {"levels": [{"gtin": CASE, "base_units": 1}]}
    assert desk.post("items", item, who=NETWORK).status_code == 201
    line = NOTICE["lines"][0] | {"quantity": "10", "unit_seen": "base", "units": []}
    assert desk.post("documents", NOTICE | {"id": "ASN-7", "lines": [line]}).status_code == 201
    rule = {"site": OWN, "item": TEA["code"], "over_percent": "0", "inspects": True}
    assert desk.post("receiving-rules", rule).status_code == 201
    five = {"item": CASE, "occurred_at_claimed": NOW - timedelta(minutes=5)}
    under = (DocumentRef(type="receipt", id="ASN-7", line="1"),)
    send(ingest, Outbox("dock-m1", OWN), move("14", "@supplier", "STAGE-1", documents=under, **five))
    log_in(client, pool)
    headers = people.headers(SUPERVISOR)
    page = client.get(f"/receiving/{OWN}/new", params={"type": "asn", "id": "ASN-7"}).text
    assert "4 will be put on hold once gateways have told everything until then" in page
    assert "10 will be inspected once gateways have told everything until then" in page
    assert hold_scanned(pool, JOB, NOW)["held"] == 2
    page = client.get(f"/receiving/{OWN}/new", params={"type": "asn", "id": "ASN-7"}).text
    assert "10 in inspection" in page
    assert "4 on hold" in page
    kept = client.get(f"/receiving/{OWN}/receipts/ASN-7~held").text
    assert "10 to inspect" in kept
    waiting = client.get("/inspection", params={"site": OWN}).text
    assert "as a rule says, scanned by handheld" in waiting
    found = client.get("/v1/waiting-goods", params={"site": OWN}, headers=headers).json()["items"]
    assert [(each["line"], each["waits_as"], int(Decimal(each["quantity"]))) for each in found] == [
        ("1", "hold", 4),
        ("2", "inspection", 10),
    ]
    judged = {"site": OWN, "receipt": "ASN-7~held", "line": "2", "waits_as": "inspection", "quantity": "10"}
    assert desk.post("judgements", judged | {"verdict": "sellable", "reason": "sound"}).status_code == 201
    told = client.get(SCANNED, params={"site": OWN, "of": "ASN-7"}, headers=headers).json()["items"]
    assert [(int(Decimal(each["on_hold"])), int(Decimal(each["in_inspection"]))) for each in told] == [
        (0, 0),
        (4, 0),
    ]


def test_goods_of_another_on_hold_are_called_so_and_judged_as_theirs_on_the_page(
    client: httpx.Client, people: People, pool: ConnectionPool, ingest: ConnectionPool
) -> None:
    desk = Desk(client, people)
    item = TEA | {"levels": [{"gtin": CASE, "base_units": 1}]}
    assert desk.post("items", item, who=NETWORK).status_code == 201
    line = NOTICE["lines"][0] | {"quantity": "10", "unit_seen": "base", "units": []}
    assert desk.post("documents", NOTICE | {"id": "ASN-7", "lines": [line]}).status_code == 201
    assert desk.post("receiving-rules", {"site": OWN, "over_percent": "0"}).status_code == 201
    minute, under = NOW - timedelta(minutes=5), (DocumentRef(type="receipt", id="ASN-7", line="1"),)
    source, stage = Side(location="@supplier", owner="ACME"), Side(location="STAGE-1", owner="ACME")
    came = move("13", source, stage, item=CASE, occurred_at_claimed=minute, documents=under)
    send(ingest, Outbox("dock-m1", OWN), came)
    assert hold_scanned(pool, JOB, NOW)["held"] == 1
    log_in(client, pool)
    headers, asked = people.headers(SUPERVISOR), {"site": OWN}
    (found,) = client.get("/v1/waiting-goods", params=asked, headers=headers).json()["items"]
    assert (found["owner"], Decimal(found["quantity"])) == ("ACME", 3)
    page = client.get("/inspection", params=asked).text
    assert "owned by ACME" in page
    form = page.split(f'action="/inspection/{OWN}"')[1].split("</form>")[0]
    data = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    data |= {"quantity": "3", "verdict": "sellable", "reason": "accepted_over"}
    answer = client.post(f"/inspection/{OWN}", data=data, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert client.get("/v1/waiting-goods", params=asked, headers=headers).json()["items"] == []
    moves = client.get("/v1/movements", params=asked | {"item": TEA["code"]}, headers=headers).json()["items"]
    (judged,) = (each for each in moves if each["reason"] == "accepted_over")
    assert (judged["source"]["owner"], judged["destination"]["owner"]) == ("ACME", "ACME")
