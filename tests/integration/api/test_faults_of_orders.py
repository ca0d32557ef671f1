"""All that is wrong with an order, with what came of it, and with merged items is told at once, too."""

from typing import Any

import psycopg
from serving import MUG, OWN, TEA
from test_all_faults import PROBLEM, Post, came, delivery, listed, post, rows, stock_list, told

__all__ = ["post"]  # a fixture


def test_an_order_and_what_came_of_it_are_told_all_at_once_too(post: Post, database: Any) -> None:
    post("suppliers", {"supplier": "ACME", "name": "Acme", "currency": "EUR"}, who="buyer")
    line = {"line": "1", "item": TEA, "quantity": "5", "due_on": "2026-04-01"}
    order = {
        "site": OWN,
        "id": "PO-1",
        "supplier": "ACME",
        "sent_at": "2026-03-02T06:00:00Z",
        "lines": [line],
    }
    before = rows(database)
    late = order | {"supplier": "NOBODY", "sent_at": "2099-01-01T00:00:00Z"}
    answer = post("purchase-orders", late | {"lines": [
        line | {"item": "NIL"},
        line | {"item": "NIL", "quantity": "1,5", "line": "2"},
        line | {"due_on": "soon"},
        {"line": "4", "quantity": "1", "due_on": "2026-04-01"},
    ]}, who="buyer")  # fmt: skip
    assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}:document-not-possible")
    assert [place for place, _ in told(answer)] == [
        "sent_at",
        "supplier",
        "lines.0.item",
        *("lines.1.quantity", "lines.1.item"),
        *("lines.2.due_on", "lines.2.line"),
        "lines.3.item",
    ]
    assert dict(told(answer))["lines.1.item"] == "line '2': there is no item 'NIL': register it first"
    assert rows(database) == before
    answer = post(
        "purchase-orders", order | {"supplier": "NOBODY", "lines": [line | {"item": "NIL"}]}, who="buyer"
    )
    assert [place for place, _ in told(answer)] == ["supplier", "lines.0.item"], "of the book alone"
    assert post("purchase-orders", order, who="buyer").status_code == 201
    before = rows(database)
    note = {"receipt": "DN-1", "location": "NOWHERE", "occurred_at": "2026-03-01T00:00:00Z", "lines": [
        {"line": "1", "received": "1"},
        {"line": "2", "received": "1"},
        {"line": "1", "received": "x"},
        {"line": "1\x04", "received": "0"},
    ]}  # fmt: skip
    path = f"purchase-orders/{OWN}/PO-1/receipts"
    answer = post(path, note)
    assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}:document-not-possible")
    of_book = ["occurred_at", "location", "lines.1.line"]
    assert [place for place, _ in told(answer)] == [
        *of_book,
        *("lines.2.received", "lines.2.line"),
        "lines.3.line",
        "lines.3",
    ]
    assert dict(told(answer))["lines.1.line"] == (
        "line '2': there is no line '2' in purchase_order 'PO-1': expected one like 1"
    )
    assert rows(database) == before
    answer = post(path, note | {"lines": note["lines"][:2]})
    assert [place for place, _ in told(answer)] == of_book, "of the book alone"
    assert rows(database) == before
    assert post(f"purchase-orders/{OWN}/PO-2/receipts", note).status_code == 404


def test_what_does_not_come_out_in_the_unit_of_a_merged_item_is_told_beside_other_faults(
    post: Post, database: Any
) -> None:
    """Three of TEA were one of TRIO before: one of TEA is a third of it, six are two."""
    came_then = delivery(came(1, "TRIO", location="A-01-1"), occurred_at="2026-01-05T00:00:00Z")
    assert post("receipts", came_then).status_code == 201
    with psycopg.connect(database.admin_dsn) as conn:
        row = conn.execute(
            "SELECT i.code FROM item i JOIN identifier d USING (item_id) WHERE d.value = 'TRIO'"
        )
        ((code,),) = row.fetchall()
    merge = {"item": code, "into": TEA, "numerator": 3}
    assert post("item-merges", merge, who="inventory_controller").status_code == 201
    before = rows(database)
    answer = post("reconciliations", stock_list(listed(), listed("NIL"), listed(MUG, quantity="x")))
    assert [place for place, _ in told(answer)] == ["lines.0.item", "lines.1.item", "lines.2.quantity"]
    answer = post("reconciliations", stock_list(listed("NIL"), listed()))
    assert told(answer)[1:] == [
        ("lines.1.item", "line 2: not exact in the base unit of an item that was merged into this one")
    ]
    answer = post("reconciliations", stock_list(listed("NIL"), listed(quantity="6")))
    assert [place for place, _ in told(answer)] == ["lines.0.item"]
    assert rows(database) == before


def test_a_site_that_gives_out_no_ssccs_is_told_beside_other_faults(post: Post) -> None:
    lines = [came(1), came(2, new_unit="a", location="NOWHERE"), came(3, new_unit="b", received="x")]
    without = f"site '{OWN}' has no series of SSCCs: set its company prefix (`dockledger units series`)"
    for sent, places in (
        (lines, ["lines.1.location", "lines.1.new_unit", "lines.2.received"]),
        (lines[:2], ["lines.1.location", "lines.1.new_unit"]),
        ([came(1, new_unit="a")], ["lines.0.new_unit"]),
    ):
        answer = post("receipts", delivery(*sent))
        assert (answer.status_code, [place for place, _ in told(answer)]) == (422, places)
        assert dict(told(answer))[places[-1] if len(places) < 3 else places[1]].startswith(without)
    series = {"site": OWN, "company_prefix": "9521141"}
    assert post("sscc-series", series).status_code == 201
    assert [place for place, _ in told(post("receipts", delivery(*lines)))] == [
        "lines.1.location",
        "lines.2.received",
    ]
