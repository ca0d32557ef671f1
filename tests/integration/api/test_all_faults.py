"""All that is wrong with a document is told at once: what cannot be read and what the book denies."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from serving import MUG, OWN, TEA, People

from tests.patience import PATIENCE_S

CONTROLLER = "inventory_controller@madrid"
Post = Callable[..., httpx.Response]


@pytest.fixture
def post(client: httpx.Client, people: People) -> Post:
    keys = count()

    def send(path: str, body: object, *, who: str = CONTROLLER) -> httpx.Response:
        headers = people.headers(who) | {"Idempotency-Key": f"k-{next(keys)}"}
        return client.post(f"/v1/{path}", json=body, headers=headers, timeout=PATIENCE_S)

    return send


def came(line: int | str, item: str = TEA, received: object = "1", **more: Any) -> dict[str, Any]:
    return {
        "line": str(line),
        "identifier": {"scheme": "sku", "value": item},
        "received": received,
        **more,
    }


def delivery(*lines: object, **more: Any) -> dict[str, Any]:
    return {"site": OWN, "receipt": "R-1", "location": "STAGING", "lines": lines} | more


def listed(item: str = TEA, location: str = "A-01-1", quantity: object = "1", **more: Any) -> dict[str, Any]:
    return {"item": item, "location": location, "quantity": quantity, **more}


def stock_list(*lines: object, **more: Any) -> dict[str, Any]:
    return {"site": OWN, "observed_at": "2026-02-01T00:00:00Z", "lines": lines} | more


def told(answer: httpx.Response) -> list[tuple[str, str]]:
    """Give place and message of each fault."""
    assert answer.headers["content-type"] == "application/problem+json"
    errors = answer.json()["errors"]
    return [(each["place"].removeprefix("body."), each["message"]) for each in errors]


EXACT = (
    "must be a whole number or a string of at most 14 digits before and 6 after the point, "
    "never a binary float"
)
NOTHING = "nothing received, damaged or rejected: leave out what did not come"
A_LEVEL = "the GTIN of a packaging level of the item"
PROBLEM = "urn:dockledger:problem"
WRITTEN = ("receipt", "reconciliation", "movement", "identifier", "audit_event", "idempotency_key")


def rows(database: Any) -> list[Any]:
    """Count what a document could have left behind."""
    with psycopg.connect(database.admin_dsn) as conn:
        counted = [sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)) for table in WRITTEN]
        return [conn.execute(statement).fetchall() for statement in counted]


def test_a_delivery_is_told_what_cannot_be_read_and_what_the_book_denies_in_one_answer(
    post: Post, database: Any
) -> None:
    post("documents", {"site": OWN, "type": "asn", "id": "ASN-1", "lines": [
        {"line": "1", "identifier": {"scheme": "sku", "value": TEA}, "quantity": "5"}]})  # fmt: skip
    against = {"type": "asn", "id": "ASN-1", "line": "1"}
    with psycopg.connect(database.admin_dsn) as conn:
        conn.execute("INSERT INTO item (code) VALUES ('BARE')")  # its code names it once a paper does
    before = rows(database)
    answer = post("receipts", delivery(
        came(1),
        came(2, received="1,5", location="NOWHERE"),
        came(3, unit_seen="05012345678900"),
        came(4, lot="a\nb", received=0),
        came(5, MUG, of=against),
        {"line": "6", "received": "1", "of": against | {"line": "9"}},
        came(3, of=against | {"id": "ASN-2"}, location="NOWHERE"),
        7,
        came(9, recieved="2", unit="1"),
        came(10, "BARE"),
        visit="V-1", is_last="perhaps",
    ))  # fmt: skip
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == f"{PROBLEM}:document-not-possible"
    first = "asn 'ASN-1' line '1'"
    no_place = f"there is no place 'NOWHERE' at site '{OWN}'"
    assert told(answer) == [
        ("is_last", "Input should be a valid boolean, unable to interpret input"),
        ("visit", f"there is no visit 'V-1' at site '{OWN}'"),
        ("lines.1.received", f"Value error, quantity '1,5' {EXACT}"),
        ("lines.1.location", f"line '2': {no_place}"),
        ("lines.2.unit_seen", f"line '3': unit_seen '05012345678900': expected 'base' or {A_LEVEL}"),
        ("lines.3.lot", "String should match pattern '^[^\\x00-\\x1f\\x7f-\\x9f]*$'"),
        ("lines.3", f"Value error, line '4': {NOTHING}"),
        ("lines.4.identifier", f"line '5': got item '{MUG}', expected item '{TEA}' as {first} says"),
        ("lines.5.of", "line '6': there is no line '9' in asn 'ASN-1': expected one like 1"),
        ("lines.6.line", "Value error, receipt 'R-1': line '3' stands there twice"),
        ("lines.6.location", f"line '3': {no_place}"),
        ("lines.6.of", "line '3': there is no line '1' in asn 'ASN-2': there is no such document"),
        ("lines.7", "Input should be a valid dictionary or object to extract fields from"),
        ("lines.8.unit", "Value error, unit '1': expected an SSCC of 18 digits or urn:epc:id:grai:…"),
        ("lines.8.recieved", "Extra inputs are not permitted"),
    ]  # fmt: skip
    assert problem["errors"][3]["value"] == "'NOWHERE'"
    assert rows(database) == before
    mended = post("receipts", delivery(came(1), came(2, received="1.5", location="A-01-1")))
    assert mended.status_code == 201


def test_a_stock_list_is_told_what_cannot_be_read_and_what_the_book_denies_in_one_answer(
    post: Post, database: Any
) -> None:
    before = rows(database)
    answer = post("reconciliations", stock_list(
        listed(),
        listed("NIL", quantity="one"),
        listed(location="NOWHERE", disposition="mouldy"),
        listed(quantity="-1"),
        {"location": "NOWHERE", "quantity": "1"},
        listed(lot=7),
        listed(quantity="3"),
        observed_at="2026-02-01",
    ))  # fmt: skip
    assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}:count-not-possible")
    found = told(answer)
    assert [place for place, _ in found] == [
        "observed_at",
        "lines.1.quantity",
        "lines.1.item",
        "lines.2.disposition",
        "lines.2.location",
        "lines.3.quantity",
        "lines.3",
        "lines.4.item",
        "lines.4.location",
        "lines.5.lot",
        "lines.6",
    ]
    assert [message for _, message in found if message.startswith("line ")] == [
        "line 2: there is no item 'NIL'",
        f"line 3: there is no place 'NOWHERE' at {OWN}",
        f"line 4: {TEA} at A-01-1 stands in line 1 already",
        f"line 5: there is no place 'NOWHERE' at {OWN}",
        f"line 7: {TEA} at A-01-1 stands in line 1 already",
    ]
    assert rows(database) == before


def test_a_shipment_is_told_what_cannot_be_read_and_what_the_book_denies_in_one_answer(
    post: Post, database: Any
) -> None:
    post("documents", {"site": OWN, "type": "outbound_order", "id": "SO-1", "lines": [
        {"line": "1", "identifier": {"scheme": "sku", "value": TEA}, "quantity": "5"}]})  # fmt: skip
    of = {"type": "outbound_order", "id": "SO-1", "line": "1"}
    before = rows(database)
    answer = post("shipments", {"site": OWN, "shipment": "S-1", "carrier": "", "lines": [
        {"line": "1", "of": of, "quantity": "4", "location": "NOWHERE", "disposition": "damaged"},
        {"line": "2", "of": of, "quantity": "2", "location": "A-01-1"},
        {"line": "3", "of": of, "quantity": "1,5", "unit_seen": "05012345678900", "unit": "4006381333931"},
        {"line": "4", "of": {"type": "outbound_order", "id": "SO-1"}, "quantity": "1"},
        {"line": "5", "of": of | {"line": "9"}, "quantity": "1", "location": "A-01-1", "with_unit": True},
        {"line": "1", "of": of, "quantity": "1", "location": "A-01-1", "unit_seen": "05012345678900"},
    ]})  # fmt: skip
    assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}:document-not-possible")
    assert [place for place, _ in told(answer)] == [
        "carrier",
        *("lines.0.location", "lines.0.disposition"),
        "lines.1.quantity",
        *("lines.2.quantity", "lines.2.unit"),
        *("lines.3.of.line", "lines.3.location"),
        *("lines.4", "lines.4.of"),
        *("lines.5.line", "lines.5.unit_seen"),
    ]
    assert dict(told(answer))["lines.1.quantity"] == (
        f"line '2': 2 of item '{TEA}': expected at most 1, which are open of outbound_order 'SO-1' line '1'"
    )
    assert rows(database) == before


def test_documents_and_drafts_of_transfers_are_told_all_at_once_too(post: Post, database: Any) -> None:
    named = {"scheme": "sku", "value": TEA}
    lines = [
        {"line": "1", "identifier": named, "quantity": "1"},
        {"line": "2", "identifier": named | {"value": "NIL"}, "quantity": "x"},
        {"line": "1", "identifier": named, "quantity": "1", "unit_seen": "05012345678900"},
        {"line": "4", "identifier": {"scheme": "gtin", "value": "1"}, "quantity": "1", "lot": ""},
        {"line": "5", "quantity": "1", "unit_seen": "05012345678900"},
    ]
    places = ["lines.1.quantity", "lines.1.identifier", "lines.2.line", "lines.2.unit_seen"]
    places += ["lines.3.lot", "lines.3", "lines.4.identifier"]
    before = rows(database)
    document = {"site": OWN, "type": "invoice", "id": "A-1", "lines": lines}
    transfer = {"from_site": OWN, "to_site": "york", "id": "T-1", "due_on": "soon", "lines": lines}
    for path, body, head in (
        ("documents", document, ["type"]),
        ("transfers", transfer, ["due_on", "to_site"]),
    ):
        answer = post(path, body)
        assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}:document-not-possible")
        assert [place for place, _ in told(answer)] == head + places, path
    assert dict(told(answer))["lines.1.identifier"] == (
        "transfer 'T-1', line '2': sku 'NIL' names no item: register its item first"
    )
    assert rows(database) == before


def test_what_the_book_alone_denies_is_told_by_line_too(post: Post) -> None:
    answer = post(
        "receipts", delivery(came(1, location="NOWHERE"), came(2), occurred_at="2027-01-01T00:00:00Z")
    )
    assert (answer.status_code, answer.json()["type"]) == (
        422,
        f"{PROBLEM}:document-not-possible",
    )
    assert [place for place, _ in told(answer)] == ["lines.0.location", "occurred_at"]
    assert answer.json()["detail"].splitlines()[0] == (
        f"receipt 'R-1': line '1': there is no place 'NOWHERE' at site '{OWN}'"
    )
    answer = post("reconciliations", stock_list(listed(), listed("NIL")))
    assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}:count-not-possible")
    assert told(answer) == [("lines.1.item", "line 2: there is no item 'NIL'")]
    assert answer.json()["detail"] == "line 2: there is no item 'NIL'"


def test_a_place_of_the_whole_delivery_is_told_once_and_a_check_tells_all_as_well(post: Post) -> None:
    lines = [came(1), came(2, location="A-01-1"), came(3, received="x")]
    for path in ("receipts", "receipts/check"):
        answer = post(path, delivery(*lines, location="NOWHERE"))
        places = [place for place, _ in told(answer)]
        assert (answer.status_code, places) == (422, ["location", "lines.2.received"]), path
    checked = post("receipts/check", delivery(*lines[:2], location="NOWHERE"))
    assert (checked.status_code, checked.json()) == (
        201,
        {"faults": [f"there is no place 'NOWHERE' at site '{OWN}'"]},
    )


def test_a_number_that_is_taken_and_an_order_that_is_the_last_are_faults_beside_the_others(
    post: Post,
) -> None:
    assert post("receipts", delivery(came(1))).status_code == 201
    of = {"type": "purchase_order", "id": "PO-1", "line": "1"}
    answer = post("receipts", delivery(came(1, of=of), came(2, received="x"), is_last=True))
    assert [place for place, _ in told(answer)] == ["receipt", "is_last", "lines.0.of", "lines.1.received"]


def test_where_the_site_or_the_lines_cannot_be_read_faults_of_form_are_told_alone(post: Post) -> None:
    for path, body, place in (
        ("receipts", delivery(came(1, "NIL"), came(2, received="x"), site="no such site"), "site"),
        ("receipts", delivery(came(1)) | {"lines": "none"}, "lines"),
        ("receipts", delivery(), "lines"),
        ("receipts", [], ""),
        ("reconciliations", stock_list(listed("NIL"), listed(quantity="x"), site=7), "site"),
    ):
        answer = post(path, body)
        assert (answer.status_code, answer.json()["type"]) == (422, f"{PROBLEM}:invalid-request")
        assert answer.json()["errors"][0]["place"] == ".".join(filter(None, ("body", place)))


def test_who_may_not_is_told_that_and_not_what_the_book_says(post: Post) -> None:
    for path, body in (
        ("receipts", delivery(came(1, "NIL", location="NOWHERE"), came(2, received="x"))),
        ("reconciliations", stock_list(listed("NIL"), listed(quantity="x"))),
    ):
        answer = post(path, body, who="auditor")
        assert (answer.status_code, answer.json()["errors"]) == (403, []), path


@pytest.mark.parametrize("path", ["receipts", "reconciliations"])
def test_thousands_of_faults_of_both_kinds_are_told_in_seconds_and_the_words_of_the_answer_stay_few(
    post: Post, path: str
) -> None:
    """Every fourth line cannot be read, every fourth names what there is not, every fourth both."""
    lines: list[dict[str, Any]] = []
    for number in range(20_000):
        place = "NOWHERE" if number % 4 in {1, 2} else "A-01-1"
        amount = "1,5" if number % 4 in {2, 3} else "1"
        if path == "receipts":
            lines.append(came(number, received=amount, location=place))
        else:
            lines.append(listed(location=place, quantity=amount, lot=f"L-{number}"))
    began = time.perf_counter()
    answer = post(path, delivery(*lines) if path == "receipts" else stock_list(*lines))
    took_s = time.perf_counter() - began
    faults = told(answer)
    amounts = [place for place, _ in faults if place.endswith(("quantity", "received"))]
    places = [place for place, _ in faults if place.endswith("location")]
    assert (len(faults), len(amounts), len(places)) == (20_000, 10_000, 10_000)
    assert places[:4] == [f"lines.{number}.location" for number in (1, 2, 5, 6)]
    assert len(answer.json()["detail"].splitlines()) == 21
    assert answer.json()["detail"].endswith("and 19,980 more: see errors")
    assert len(answer.content) < 8_000_000
    assert took_s < 30


def test_lines_that_all_have_a_fault_of_form_are_told_of_the_book_all_the_same(post: Post) -> None:
    answer = post("receipts", delivery(came(1, received="x", location="NOWHERE"), came(2, received="x")))
    places = [place for place, _ in told(answer)]
    assert places == ["lines.0.received", "lines.0.location", "lines.1.received"]


def test_what_is_no_such_document_at_all_is_not_told_fault_by_fault(post: Post) -> None:
    strange = {f"x{number}": 0 for number in range(6)}
    answer = post("receipts", delivery(*(came(number) | strange for number in range(20_000))))
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 1)
    assert "faults, more than 100000 are not told one by one" in answer.json()["detail"]
