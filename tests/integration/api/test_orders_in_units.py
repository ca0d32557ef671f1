"""Purchase orders in any unit: over HTTP, on the page and from a file; counted in base units."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from rights_to_order import ORDER_FORM
from serving import NOW, OWN, TEA
from test_all_faults import CONTROLLER, Post, post, told
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool
from cloud.documents import service
from cloud.documents.import_file import read_import
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE

__all__ = ["post"]  # a fixture

CASE, PALLET = "09521141123454", "19521141123451"
OF_OTHER = "29521141123458"
NETWORK = Actor("user:net", frozenset({Role.INVENTORY_CONTROLLER, Role.BUYER}), all_sites=True)


@pytest.fixture
def packed(post: Post) -> Post:
    """Say what a case of tea and a pallet of them hold, and what another item's does."""
    post("suppliers", {"supplier": "ACME", "name": "Acme", "currency": "EUR"}, who="buyer")
    levels = [{"gtin": CASE, "holds": 24}, {"gtin": PALLET, "holds": 40, "of": CASE}]
    for item, packs in ((TEA, levels), ("MUG-BLUE", [{"gtin": OF_OTHER, "holds": 6}])):
        answer = post("packaging", {"item": item, "levels": packs}, who="inventory_controller")
        assert answer.status_code == 201, answer.text
    return post


def line(number: int, quantity: str, **more: Any) -> dict[str, Any]:
    return {"line": str(number), "quantity": quantity, "due_on": "2026-04-01"} | more


def by_gtin(value: str) -> dict[str, str]:
    return {"scheme": "gtin", "value": value}


def order(*lines: object, name: str = "PO-U") -> dict[str, Any]:
    sent_at = "2026-03-02T06:00:00Z"
    return {"site": OWN, "id": name, "supplier": "ACME", "sent_at": sent_at, "lines": lines}


def content(answer: httpx.Response) -> list[tuple[str, float, float, str]]:
    lines = answer.json()["content"]
    return [
        (each["item"], float(each["quantity"]), float(each["stated_quantity"]), each["unit_seen"])
        for each in lines
    ]


def test_an_order_in_cases_is_kept_in_base_units_shown_as_it_was_stated_and_received_in_either(
    client: httpx.Client, people: Any, packed: Post
) -> None:
    in_units = order(
        line(1, "10", identifier=by_gtin(CASE), unit_seen=CASE, price="0.5"),
        line(2, "2.5", item=TEA, unit_seen=CASE),
        line(3, "1", item=TEA, unit_seen=PALLET),
        line(4, "7", identifier=by_gtin(CASE)),
    )
    answer = packed("purchase-orders", in_units, who="buyer")
    assert answer.status_code == 201, answer.text
    assert content(answer) == [
        (TEA, 240, 10, CASE),
        (TEA, 60, 2.5, CASE),
        (TEA, 960, 1, PALLET),
        (TEA, 7, 7, "base"),
    ]
    assert float(packed("purchase-orders", in_units, who="buyer").json()["content"][0]["price"]) == 0.5
    other = order(line(1, "240", item=TEA, price="0.5"), *in_units["lines"][1:])
    assert packed("purchase-orders", other, who="buyer").status_code == 409, "stated otherwise"
    of = {"type": "purchase_order", "id": "PO-U"}
    came = [
        {"line": "1", "of": of | {"line": "1"}, "received": "3"},
        {"line": "2", "of": of | {"line": "2"}, "received": "5", "unit_seen": "base"},
    ]
    receipt = {"site": OWN, "receipt": "R-U", "location": "STAGING", "lines": came}
    assert packed("receipts", receipt).status_code == 201
    note = {"receipt": "DN-U", "location": "STAGING", "lines": [{"line": "1", "received": "3"}]}
    assert packed(f"purchase-orders/{OWN}/PO-U/receipts", note).status_code == 201, "in base units"
    shown = client.get(f"/v1/purchase-orders/{OWN}/PO-U", headers=people.headers("buyer")).json()
    assert [float(each["open_quantity"]) for each in shown["content"]] == [165, 55, 960, 7]
    listed = client.get(f"/v1/open-lines?type=purchase_order&site={OWN}", headers=people.headers(CONTROLLER))
    assert [float(each["ordered"]) for each in listed.json()["items"]] == [240, 60, 960, 7]


def test_what_is_no_unit_of_an_items_or_not_exact_in_it_is_told_with_all_else(packed: Post) -> None:
    whole = {"item": TEA, "is_integer_only": True}
    assert packed("packaging", whole, who="inventory_controller").status_code == 201
    wrong = order(
        line(1, "1", item=TEA, unit_seen=OF_OTHER),
        line(2, "1", identifier=by_gtin("09521141123461"), unit_seen=CASE),
        line(3, "1", item=TEA, unit_seen="crate"),
        line(4, "1", item=TEA, identifier=by_gtin(CASE)),
        line(5, "0.0000001", item=TEA),
        line(6, "1", identifier=by_gtin("0952114112345")),
        line(7, "1"),
        line(8, "0.1", item=TEA, unit_seen=CASE),
    )
    answer = packed("purchase-orders", wrong, who="buyer")
    assert answer.status_code == 422
    faults = told(answer)
    assert [place for place, _ in faults] == [
        "lines.0.unit_seen",
        "lines.1.identifier",
        "lines.2.unit_seen",
        "lines.3.item",
        "lines.4.quantity",
        "lines.5",
        "lines.6.item",
        "lines.7.quantity",
    ]
    assert faults[0][1] == (
        f"line '1': unit_seen '{OF_OTHER}' is a packaging of item 'MUG-BLUE', expected of '{TEA}'"
    )
    assert faults[2][1].startswith("line '3': unit_seen 'crate': expected 'base' or the GTIN")
    assert faults[3][1].endswith("line '4': expected item or identifier, to say what it is: got both")
    assert faults[7][1] == f"line '8': 2.4 of item '{TEA}', which is kept in whole units"


def test_a_form_takes_a_gtin_or_a_code_with_a_unit(
    client: httpx.Client, pool: ConnectionPool, packed: Post
) -> None:
    assert packed is not None
    session = session_of(pool, Grant(Role.BUYER, OWN))
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}
    typed = {"item": [CASE[1:], TEA, TEA], "quantity": ["2", "1", "5"], "unit_seen": ["", PALLET, ""]}
    typed |= {"price": [""] * 3, "due_on": ["2026-04-01"] * 3, "csrf": csrf_token(session)}
    refused = client.post(
        "/orders/new", data=ORDER_FORM | typed | {"unit_seen": ["", OF_OTHER, ""]}, headers=cookie
    )
    assert refused.status_code == 422
    assert f'value="{OF_OTHER}"' in refused.text
    assert "is a packaging of item" in refused.text
    done = client.post("/orders/new", data=ORDER_FORM | typed, headers=cookie, follow_redirects=False)
    assert done.status_code == 303, done.text
    answer = client.get(f"/v1/purchase-orders/{OWN}/PO-F", headers=cookie)
    assert content(answer) == [(TEA, 48, 2, CASE), (TEA, 960, 1, PALLET), (TEA, 5, 5, "base")]
    page = client.get(f"/orders/{OWN}/PO-F", headers=cookie).text
    assert f"ordered as 2 of {CASE}" in page
    exported = client.get(f"/orders/{OWN}/PO-F.csv", headers=cookie).text
    assert f",48,each,2,{CASE}," in exported


def test_a_form_takes_a_code_of_digits_unless_its_gtin_is_known_and_the_same_again_is_no_other_order(
    client: httpx.Client, people: Any, pool: ConnectionPool, packed: Post
) -> None:
    ean, unknown = "4006381333931", "4006381333948"
    session = session_of(pool, Grant(Role.BUYER, OWN))
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}

    def types(name: str, item: str) -> httpx.Response:
        form = ORDER_FORM | {"id": name, "item": item, "csrf": csrf_token(session)}
        return client.post("/orders/new", data=form, headers=cookie, follow_redirects=False)

    def ordered(name: str) -> list[tuple[str, float, float, str]]:
        return content(client.get(f"/v1/purchase-orders/{OWN}/{name}", headers=people.headers("buyer")))

    assert types("PO-E", ean).status_code == 422
    made = packed("items", {"code": ean, "levels": []}, who="inventory_controller")
    assert made.status_code == 201, made.text
    assert types("PO-E", ean).status_code == 303
    assert ordered("PO-E") == [(ean, 5, 5, "base")]
    levels = {"item": ean, "levels": [{"gtin": f"0{ean}", "holds": 6}]}
    assert packed("packaging", levels, who="inventory_controller").status_code == 201
    again = types("PO-E", ean)
    assert again.status_code == 303, "as it was registered"
    assert types("PO-G", ean).status_code == 303
    assert ordered("PO-G") == [(ean, 30, 5, f"0{ean}")], "its GTIN is known by now"
    assert f"gtin &#39;0{unknown}&#39; names no item" in types("PO-H", unknown).text
    for site in ("", "nowhere"):
        form = ORDER_FORM | {"site": site, "item": ean, "csrf": csrf_token(session)}
        assert client.post("/orders/new", data=form, headers=cookie).status_code in {403, 422}


def test_a_file_takes_a_gtin_or_a_code_with_a_unit(
    client: httpx.Client, people: Any, pool: ConnectionPool, packed: Post, tmp_path: Path
) -> None:
    assert packed is not None
    path = tmp_path / "orders.csv"
    path.write_text(
        "type,id,line,quantity,gtin,sku,unit_seen,partner,sent_at,due_on\n"
        f"purchase_order,PO-C,1,10,{CASE},,,ACME,2026-03-02T06:00Z,2026-04-01\n"
        f"purchase_order,PO-C,2,2,,{TEA},{CASE},,,2026-04-01\n"
        f"purchase_order,PO-C,3,4,{CASE},,base,,,2026-04-01\n",
        "utf-8",
    )
    papers = read_import(path, site=OWN)
    with pool.connection() as conn:
        assert service.import_all(conn, NETWORK, papers, now=NOW).orders == 1
    answer = client.get(f"/v1/purchase-orders/{OWN}/PO-C", headers=people.headers("buyer"))
    assert content(answer) == [(TEA, 240, 10, CASE), (TEA, 48, 2, CASE), (TEA, 4, 4, "base")]
