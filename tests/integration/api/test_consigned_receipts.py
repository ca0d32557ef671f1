"""Goods of another come in as theirs, by API, form and file, are not valued and stay theirs (consignment)."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from serving import NOW, OWN, People
from test_authorisation_matrix import session_of
from test_documents import CASE, EACH, ITEM, NETWORK, NOTICE, SUPERVISOR, Desk

from cloud.db import ConnectionPool
from cloud.documents.receiving.sheet import Delivered, read_delivery
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from cloud.sheets.fields import Conventions

LINE: Final[dict[str, Any]] = {
    "line": "1",
    "of": {"type": "asn", "id": "ASN/1", "line": "1"},
    "received": "2",
    "damaged": "1",
    "reason": "damaged",
    "owner": "acme",
}


def delivery(name: str, **line: Any) -> dict[str, Any]:
    return {"site": OWN, "receipt": name, "location": "STAGE-1", "lines": [LINE | line]}


@pytest.fixture
def desk(client: httpx.Client, people: People) -> Desk:
    """Register an item that costs 2 each and an ASN of twenty cases of it, of `acme`."""
    desk = Desk(client, people)
    notice = NOTICE | {"lines": [NOTICE["lines"][0] | {"units": []}]}
    since = f"{NOW - timedelta(days=9):%Y-%m-%dT00:00:00Z}"
    cost = {"site": OWN, "cost": "2", "currency": "EUR", "valid_from": since}
    for path, body, who in (
        ("items", ITEM, NETWORK),
        ("locations", {"site": OWN, "code": "STAGE-1", "kind": "bin"}, SUPERVISOR),
        ("items/HAM/costs", cost, NETWORK),
        ("documents", notice, SUPERVISOR),
    ):
        told = desk.post(path, body, who=who)
        assert told.status_code == 201, (path, told.text)
    return desk


def lies(desk: Desk) -> set[tuple[str | None, int, int]]:
    """Tell whose goods lie at the site, how many, and of how many of them we are the owner."""
    rows = [row for row in desk.get("stock-by/owner").json()["items"] if row["item"] == "HAM"]
    assert all(Decimal(row["value"] or 0) == 2 * Decimal(row["owned"]) for row in rows)
    return {(row["owner"], int(Decimal(row["quantity"])), int(Decimal(row["owned"]))) for row in rows}


def test_consigned_goods_come_in_under_their_paper_as_their_owners_and_are_not_valued(desk: Desk) -> None:
    assert desk.post("receiving-rules", {"site": OWN, "item": "HAM", "inspects": True}).status_code == 201
    told = desk.post("receipts", delivery("R-1"))
    assert told.status_code == 201, told.text
    assert lies(desk) == {("acme", 72, 0)}
    (line,) = desk.get(f"receipts/{OWN}/R-1/lines").json()["items"]
    assert (line["owner"], line["waiting"], line["of_id"]) == ("acme", "48.000000", "ASN/1")
    judged = {"site": OWN, "receipt": "R-1", "line": "1", "quantity": "48"}
    judged |= {"waits_as": "inspection", "verdict": "sellable", "reason": "sound"}
    told = desk.post("judgements", judged)
    assert told.status_code == 201, told.text
    assert lies(desk) == {("acme", 72, 0)}, "whose they are nobody's judgement changes"
    ours = desk.post("receipts", delivery("R-2", owner=None, received="1", damaged="0", reason=None))
    assert ours.status_code == 201
    (line,) = desk.get(f"receipts/{OWN}/R-2/lines").json()["items"]
    assert (line["owner"], line["open_before"]) == (None, "408.000000"), "of the paper 72 had come"
    assert lies(desk) == {("acme", 72, 0), (None, 24, 24)}
    back = desk.post(f"receipts/{OWN}/R-1/reversals", {"line": "1", "reason": "wrong_document"})
    assert back.status_code == 201, back.text
    assert lies(desk) == {(None, 24, 24)}


def test_an_owner_whom_nobody_knows_is_told_with_the_other_faults(desk: Desk) -> None:
    told = desk.post("receipts", delivery("R-1", owner="acne", location="NOWHERE"))
    assert told.status_code == 422, told.text
    said = told.json()["detail"]
    assert "nobody is known as 'acne'" in said, said
    assert "NOWHERE" in said
    assert lies(desk) == set()
    blind = delivery("R-2", of=None, identifier={"scheme": "gtin", "value": EACH}, owner="else")
    sent = desk.post("receipts", blind | {"partner": "else"})
    assert sent.status_code == 201, f"who sent it is known: {sent.text}"
    assert desk.post("receipts", delivery("R-3", owner="else")).status_code == 201, "whose goods lie here"


def test_the_form_takes_an_owner_for_each_line_and_the_receipt_shows_it(
    desk: Desk, client: httpx.Client, pool: ConnectionPool
) -> None:
    session = session_of(pool, Grant(Role.SUPERVISOR, OWN))
    client.cookies.set(SESSION_COOKIE, session)
    page = client.get(f"/receiving/{OWN}/new", params={"type": "asn", "id": "ASN/1"}).text
    assert page.count('name="owner"') == page.count('name="lot"')
    line = {"of_line": "1", "item": "", "received": "48", "damaged": "", "rejected": "", "reason": ""}
    stated = {"type": "asn", "id": "ASN/1", "receipt": "R-1", "location": "STAGE-1"}
    form = stated | line | {"lot": "", "unit": "", "csrf": csrf_token(session)}
    wrong = client.post(f"/receiving/{OWN}/new", data=form | {"owner": "acne"})
    assert "nobody is known as" in wrong.text
    assert 'value="acne"' in wrong.text, "what was typed stays"
    assert client.post(f"/receiving/{OWN}/new", data=form | {"owner": "acme"}).status_code == 303
    assert lies(desk) == {("acme", 48, 0)}
    receipt = f"/receiving/{OWN}/receipts/R-1"
    assert "of acme</span>" in client.get(receipt).text
    header, row = client.get(f"{receipt}/lines.csv").text.lstrip("\ufeff").split("\r\n")[:2]
    assert dict(zip(header.split(","), row.split(","), strict=True))["owner"] == "acme"


def test_a_file_names_the_owner_of_each_line(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "came.csv"
    path.write_text(f"gtin,received,owner\n{CASE},2,acme\n{CASE},1,\n", encoding="utf-8")
    paper = read_delivery(path, Delivered(OWN, "R-1", "STAGE-1", partner="acme"), conventions=Conventions())
    assert [line.owner for line in paper.lines] == ["acme", None]
    told = desk.post("receipts", paper.model_dump(mode="json"))
    assert told.status_code == 201, told.text
    assert lies(desk) == {("acme", 48, 0), (None, 24, 24)}
