"""*Receiving* and what follows it, as a person at the dock uses them: at a desk and on a handheld."""

import uuid
from datetime import UTC, datetime
from typing import Any

from day_of_work import Site
from playwright.sync_api import expect
from serving import OTHER, OWN, ROOT
from watching import Watched

from cloud.db import Connection, in_transaction
from cloud.documents import service
from cloud.documents.catalogue import put_portal
from cloud.documents.papers import DocumentPaper, PortalPaper
from cloud.master.store import add_gateway


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


def build_door(site: Site, door: str) -> None:
    """Register a door of a gateway of its own."""
    stated = {"site": OWN, "portal": door, "gateway": f"gw-{door}", "inside_location": "STAGING"}
    wanted = PortalPaper.model_validate(stated | {"outside_location": f"@clearing/{door}"})

    def work(conn: Connection) -> None:
        add_gateway(conn, OWN, wanted.gateway)
        put_portal(conn, ROOT, wanted, now=datetime.now(UTC))

    run(site, work)


def test_a_delivery_is_received_by_keyboard_and_a_line_of_it_taken_back(watched: Watched, site: Site) -> None:
    page, asn = watched.page, announce(site)
    page.goto("/receiving")
    page.get_by_role("link", name=asn).click()
    number = f"R-{asn}"
    expect(page.get_by_label("Receipt number")).to_be_focused()
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
    assert asn in page.get_by_role("region", name="Expected").inner_text()
    assert fits(page)
    build_door(site, f"door-{asn}")
    page.get_by_role("link", name=f"Register a vehicle at {OWN}").click()
    page.get_by_label("Visit's number").fill(f"V-{asn}")
    page.get_by_label("Door").select_option(f"door-{asn}")
    page.get_by_label("From (").fill("2026-03-02T08:00")
    page.get_by_label("To", exact=True).fill("2026-03-02T07:00")
    page.get_by_role("checkbox", name=asn).check()
    page.get_by_role("button", name="Register").press("Enter")
    assert "is before from_at" in page.get_by_role("alert").inner_text()
    watched.complaints.clear()
    assert page.get_by_role("checkbox", name=asn).is_checked()
    assert fits(page)
    page.get_by_label("To", exact=True).fill("2026-03-02T09:00")
    page.get_by_role("button", name="Register").press("Enter")
    page.wait_for_url(f"**/receiving?site={OWN}")


def test_what_comes_back_is_graded_and_what_leaves_is_shipped_and_transferred(
    watched: Watched, site: Site
) -> None:
    page, number = watched.page, uuid.uuid4().hex[:6]
    page.goto(f"/returns?site={OWN}")
    page.get_by_role("link", name="Announce a return").click()
    page.get_by_label("Number").fill(f"RMA-{number}")
    page.get_by_role("group", name="Goods 2").get_by_label("Item or GTIN").fill("TEA-500")
    page.get_by_role("button", name="Register").press("Enter")
    assert "line 1, quantity" in page.get_by_role("alert").inner_text()
    watched.complaints.clear()
    assert fits(page)
    assert page.get_by_role("group", name="Goods 1").get_by_label("Item or GTIN").input_value() == "TEA-500"
    page.get_by_role("group", name="Goods 1").get_by_label("Quantity").fill("6")
    page.get_by_role("button", name="Register").press("Enter")
    page.get_by_role("link", name=f"RMA-{number}").click()
    page.get_by_label("Receipt number").fill(f"R-{number}")
    page.get_by_label("Put at").fill("STAGING")
    page.get_by_role("group", name="TEA-500").get_by_label("Sound").fill("6")
    page.get_by_role("button", name="Receive", exact=True).press("Enter")
    page.get_by_role("link", name="6 to grade").click()
    page.goto(f"/returns?site={OWN}")
    goods = page.get_by_role("region", name="TEA-500").filter(has_text=f"R-{number}")
    goods.get_by_label("Quantity").fill("5")
    goods.get_by_label("Because").select_option("as_new")
    goods.get_by_role("button", name="Decide").press("Enter")
    goods = page.get_by_role("region", name="TEA-500").filter(has_text=f"R-{number}")
    assert goods.get_by_label("Quantity").input_value() == "1"
    assert fits(page)
    goods.get_by_label("Is").first.select_option("scrap")
    goods.get_by_label("Because").select_option("defective")
    goods.get_by_role("button", name="Decide").press("Enter")
    page.wait_for_url("**/approvals/*")
    assert f"line 1 of receipt R-{number}" in page.get_by_role("main").inner_text()
    page.goto("/inspection")
    assert "As new" in page.get_by_role("region", name="Decided last").inner_text()
    order = announce(site, "outbound_order", quantity="3")
    page.goto("/shipping")
    page.get_by_role("link", name=order).click()
    page.get_by_label("Shipment number").fill(f"S-{number}")
    page.get_by_label("Taken from").fill("STAGING")
    page.get_by_role("group", name="MUG-BLUE").get_by_label("Leaves now").fill("3")
    page.get_by_role("button", name="Ship", exact=True).press("Enter")
    page.wait_for_url(f"**/shipments/S-{number}")
    assert order in page.get_by_role("table").inner_text()
    page.goto(f"/shipping/{OWN}/new?type=outbound_order&id={order}")
    page.get_by_label("Reason").select_option("out_of_stock")
    page.get_by_role("button", name="Close short").press("Enter")
    assert order not in page.get_by_role("region", name="To leave").inner_text()


def test_a_transfer_is_drafted_and_leaves_for_the_other_site(watched: Watched, site: Site) -> None:
    page, number = watched.page, uuid.uuid4().hex[:6]
    page.goto("/transfers")
    page.get_by_label("Number").fill(f"T-{number}")
    page.get_by_label("From site").fill(OWN)
    page.get_by_label("To site").fill(OTHER)
    page.get_by_role("group", name="Goods 1").get_by_label("Item or GTIN").fill("MUG-BLUE")
    page.get_by_role("group", name="Goods 1").get_by_label("Quantity").fill("12")
    page.get_by_role("button", name="Draft").press("Enter")
    page.get_by_role("link", name="Ship", exact=True).click()
    page.get_by_label("Shipment number").fill(f"ST-{number}")
    page.get_by_label("Taken from").fill("STAGING")
    page.get_by_label("Leaves now").fill("12")
    page.get_by_label("The vehicle has left").check()
    page.get_by_role("button", name="Ship", exact=True).press("Enter")
    page.goto(f"/transfers/{OWN}/T-{number}")
    assert "in transit" in page.locator(".title").inner_text()
    assert fits(page)


def fits(page: Any) -> bool:
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return bool(width <= 0)
