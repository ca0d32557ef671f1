"""That a paper's number is taken is told beside everything else that is wrong with it, in one answer."""

from typing import Any

import httpx
from serving import OTHER, OWN, TEA
from test_all_faults import PROBLEM, Post, came, delivery, post, told

__all__ = ["post"]  # a fixture

GOODS = {"identifier": {"scheme": "sku", "value": TEA}, "quantity": "5"}
UNKNOWN = {"identifier": {"scheme": "sku", "value": "NIL"}, "quantity": "5"}
UNREADABLE = GOODS | {"quantity": "1,5"}


def places(answer: httpx.Response) -> tuple[int, list[str]]:
    return answer.status_code, [place for place, _ in told(answer)]


def test_a_receipt_of_a_number_that_is_taken_is_told_its_other_faults_too(post: Post) -> None:
    assert post("receipts", delivery(came(1))).status_code == 201
    wrong = [came(1, location="NOWHERE"), came(2, received="x")]
    assert places(post("receipts", delivery(*wrong))) == (
        422,
        ["receipt", "lines.0.location", "lines.1.received"],
    )
    assert places(post("receipts", delivery(wrong[0]))) == (422, ["receipt", "lines.0.location"])
    mended = post("receipts", delivery(came(1)))
    assert (mended.status_code, mended.json()["type"]) == (409, f"{PROBLEM}:done-already")


def test_an_order_of_an_id_that_is_taken_is_told_its_other_faults_too(post: Post) -> None:
    post("suppliers", {"supplier": "ACME", "name": "Acme", "currency": "EUR"}, who="buyer")
    line = {"line": "1", "item": TEA, "quantity": "5", "due_on": "2026-04-01"}
    order = {"site": OWN, "id": "PO-1", "supplier": "ACME", "sent_at": "2026-03-02T06:00:00Z"}

    def sends(*lines: object, **more: str) -> httpx.Response:
        return post("purchase-orders", order | {"lines": lines} | more, who="buyer")

    assert sends(line).status_code == 201
    assert sends(line).status_code == 201, "the same again"
    other = line | {"line": "2", "item": "NIL"}
    assert places(sends(line, other)) == (422, ["id", "lines.1.item"])
    assert places(sends(line, other | {"quantity": "x"})) == (422, ["id", "lines.1.quantity", "lines.1.item"])
    assert places(sends(line | {"quantity": "x"}, supplier="NOBODY")) == (
        422,
        ["id", "supplier", "lines.0.quantity"],
    )
    assert places(sends(line | {"quantity": "x"})) == (422, ["lines.0.quantity"]), "it may be the same"
    assert sends(line | {"quantity": "6"}).json()["type"] == f"{PROBLEM}:document-conflict"


def test_a_transfer_of_a_number_that_is_taken_is_told_its_other_faults_too(post: Post) -> None:
    def sends(*lines: object, to: str = OTHER) -> httpx.Response:
        body = {"from_site": OWN, "to_site": to, "id": "T-1", "lines": lines}
        return post("transfers", body, who="inventory_controller")

    assert sends({"line": "1"} | GOODS).status_code == 201
    assert places(sends({"line": "1"} | UNKNOWN)) == (422, ["id", "lines.0.identifier"])
    assert places(sends({"line": "1"} | UNREADABLE)) == (422, ["lines.0.quantity"]), "it may be the same"
    assert places(sends({"line": "2"} | GOODS, {"line": "1"} | UNREADABLE)) == (
        422,
        ["id", "lines.1.quantity"],
    )
    assert places(sends({"line": "1"} | GOODS, to="nowhere")) == (422, ["id", "to_site"])
    assert sends({"line": "1"} | GOODS).status_code == 201, "the same again"
    other = sends({"line": "1"} | GOODS | {"quantity": "6"})
    assert other.json()["type"] == f"{PROBLEM}:document-conflict"


def test_a_transfer_that_was_called_off_is_no_answer_to_the_same_again(post: Post) -> None:
    body = {"from_site": OWN, "to_site": OTHER, "id": "T-1", "lines": [{"line": "1"} | GOODS]}

    def sends() -> httpx.Response:
        return post("transfers", body, who="inventory_controller")

    assert sends().status_code == 201
    assert (
        post(f"transfers/{OWN}/T-1/cancel", None, who="inventory_controller").json()["state"] == "cancelled"
    )
    again = sends()
    assert (again.status_code, again.json()["type"]) == (409, f"{PROBLEM}:document-conflict")
    assert f"there is a transfer 'T-1' at site {OWN!r}" in again.json()["detail"]


def test_an_asn_of_an_id_that_is_taken_is_told_its_other_faults_too(post: Post) -> None:
    def sends(*lines: object, **more: object) -> httpx.Response:
        return post("documents", {"site": OWN, "type": "asn", "id": "A-1", "lines": lines} | more)

    unit = {"units": ["106141412345678908"]}
    first = {"line": "1"} | GOODS
    assert sends(first | unit).status_code == 201
    assert sends(first | unit).status_code == 201, "the same again"
    other = {"line": "2"} | UNKNOWN
    assert places(sends(first | unit, other)) == (422, ["id", "lines.1.identifier"])
    assert places(sends(first | unit, {"line": "2"} | UNREADABLE)) == (422, ["id", "lines.1.quantity"])
    assert places(sends({"line": "1"} | UNREADABLE | unit)) == (422, ["lines.0.quantity"]), (
        "it may be the same"
    )
    assert places(sends({"line": "1"} | UNREADABLE, partner="B")) == (422, ["id", "lines.0.quantity"])
    two = {"units": ["106141412345678915", *unit["units"]], "quantity": "10"}
    both = sends(other, first | two, id="A-2")
    assert places(both) == (422, ["lines.1.units.1", "lines.0.identifier"]), "of another"
    (elsewhere, _) = both.json()["errors"]
    assert (elsewhere["value"], elsewhere["message"]) == (
        "'106141412345678908'",
        "asn 'A-2': unit 106141412345678908 is declared by asn 'A-1' too: expected once a year",
    )
    assert sends(first | unit, id="A-2").json()["type"] == f"{PROBLEM}:document-conflict"
    assert sends(first, id="A-1").json()["type"] == f"{PROBLEM}:document-conflict"


def test_a_visit_of_an_id_that_is_taken_is_told_which_papers_there_are_not_too(post: Post) -> None:
    portal = {"site": OWN, "portal": "dock-1", "gateway": "dock-m1"}
    sides = {"inside_location": "STAGING", "outside_location": "@clearing/dock-1"}
    assert post("portals", portal | sides).status_code == 201
    came = {"site": OWN, "type": "asn", "id": "A-1", "lines": [{"line": "1"} | GOODS]}
    assert post("documents", came).status_code == 201
    visit: dict[str, Any] = {"site": OWN, "visit": "V-1", "door": "dock-1", "direction": "inbound"}
    visit |= {"from_at": "2026-03-02T06:00:00Z", "documents": [{"type": "asn", "id": "A-1"}]}
    assert post("visits", visit).status_code == 201
    other = post("visits", visit | {"documents": [{"type": "asn", "id": "NONE"}], "door": "dock-9"})
    taken, door, paper = other.json()["detail"].splitlines()
    assert (other.status_code, taken.startswith("visit 'V-1' is registered at site 'madrid' with")) == (
        422,
        True,
    )
    assert door == "visit 'V-1': there is no door 'dock-9' at site 'madrid'"
    assert paper == "visit 'V-1': there is no asn 'NONE' at site 'madrid'"
    moved = post("visits", visit | {"from_at": "2026-03-02T07:00:00Z"})
    assert moved.json()["type"] == f"{PROBLEM}:document-conflict"
