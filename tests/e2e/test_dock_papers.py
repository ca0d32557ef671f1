"""*Receiving* and what follows it, as a person at the dock uses them: at a desk and on a handheld."""

import uuid
from typing import Any

from day_of_work import Site
from serving import OWN, ROOT
from watching import Watched

from cloud.db import Connection, in_transaction
from cloud.documents import service
from cloud.documents.papers import DocumentPaper


def run(site: Site, work: Any) -> Any:
    return in_transaction(site.gate.pool, work)


def announce(site: Site, kind: str = "asn", *, quantity: str = "40") -> str:
    """Register a document of two lines under a name of its own."""
    name = f"{kind[:3].upper()}-{uuid.uuid4().hex[:6]}"
    lines = [
        {"line": str(n), "identifier": {"scheme": "sku", "value": item}, "quantity": quantity}
        for n, item in enumerate(("TEA-500", "MUG-BLUE"), start=1)
    ]
    stated = {
        "site": OWN,
        "type": kind,
        "id": name,
        "partner": "ACME",
        "due_on": "2026-03-02",
        "lines": lines,
    }

    def work(conn: Connection) -> None:
        service.register_document(conn, ROOT, DocumentPaper.model_validate(stated | {"lines": lines}))

    run(site, work)
    return name


def test_a_delivery_is_received_by_keyboard_and_a_line_of_it_taken_back(watched: Watched, site: Site) -> None:
    page, asn = watched.page, announce(site)
    page.goto("/receiving")
    page.get_by_role("link", name=asn).click()
    number = f"R-{asn}"
    page.keyboard.type(number)
    page.get_by_label("Put at").fill("STAGING")
    page.get_by_role("group", name="TEA-500").get_by_label("Sound").fill("38")
    page.get_by_role("group", name="TEA-500").get_by_label("Damaged", exact=True).fill("1")
    page.get_by_role("group", name="MUG-BLUE").get_by_label("Sound").fill("44")
    page.get_by_label("Put at").fill("NOWHERE")
    page.get_by_role("button", name="Receive", exact=True).press("Enter")
    assert "no place 'NOWHERE'" in page.get_by_role("alert").inner_text()
    watched.complaints.clear()  # the browser names the refusal that the page explains
    assert page.get_by_role("group", name="TEA-500").get_by_label("Sound").input_value() == "38"
    page.get_by_label("Put at").fill("STAGING")
    page.get_by_role("button", name="Receive", exact=True).press("Enter")
    page.wait_for_url(f"**/receipts/{number}")
    told = page.get_by_role("table").inner_text()
    assert "1 short" in told
    assert "4 over" in told
    row = page.get_by_role("row").filter(has_text="MUG-BLUE")
    row.get_by_role("combobox").select_option("wrong_quantity")
    row.get_by_role("button", name="Take back").press("Enter")
    assert "taken back" in page.get_by_role("row").filter(has_text="MUG-BLUE").inner_text()
    page.goto("/receiving")
    assert asn in page.get_by_role("table").first.inner_text()
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0
