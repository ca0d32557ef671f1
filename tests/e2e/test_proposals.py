"""*Proposals* as people use it: from what to order to goods received, each step by who may do it."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import served
from watching import Watched

from cloud.db import bootstrap, open_pool
from cloud.documents.order_papers import OrderPaper
from cloud.documents.orders import register_order
from cloud.identity import service as identity
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from tests.integration.replenishment.buying import BUYER, NOW, SITE, TODAY, Buying, open_buying

SIZES = {"desktop": (1280, 800), "handheld": (360, 740)}
ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)
PEOPLE = {"bea": "buyer@leeds", "ann": "approver@leeds", "ada": "inventory_controller@leeds"}


class Shop:
    """Where the pages are, and a way in for each person."""

    def __init__(self, url: str, gate: Gate, buying: Buying) -> None:
        self.url, self.gate, self.buying = url, gate, buying
        for name, grant in PEOPLE.items():
            buying.run(
                lambda conn, name=name, grant=grant: identity.add_user(
                    conn, ROOT, name=name, password=None, grants=[Grant.parse(grant)]
                )
            )

    def login_link(self, name: str) -> str:
        with self.gate.pool.connection() as conn:
            token = identity.make_login_link(conn, ROOT, name=name, now=self.gate.clock())
        return f"{self.url}/login/link?token={token}"


@pytest.fixture(scope="module")
def shop(cluster: Any, template: str) -> Iterator[Shop]:
    """Serve the pages of a site that buys; the tests of this file share it."""
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        with (
            open_pool(cluster.database(name).app_dsn, "test-proposals") as pool,
            open_buying(pool, ("TEA", "CUP", "POT", "JAR")) as buying,
        ):
            stock_up(buying)
            gate = Gate(pool, lambda: NOW)
            with served(gate) as url:
                yield Shop(url, gate, buying)


def stock_up(buying: Buying) -> None:
    """Want tea of a supplier, cups of nobody, pots whose price nobody knows, and jars that come too late."""
    for item in ("TEA", "CUP", "POT", "JAR"):
        buying.stock(item, "90")
    buying.supplier("ACME", name="Acme Trading")
    buying.sells("ACME", "TEA", min_order="48", pack="12", code="=T-1", price="2.50")
    buying.sells("ACME", "POT", price=None, lead_time_days=None)
    buying.sells("ACME", "JAR")
    far = {"line": "1", "item": "JAR", "quantity": "500", "price": "2.50", "due_on": TODAY + timedelta(80)}
    paper = {"site": SITE, "id": "PO-FAR", "supplier": "ACME", "sent_at": NOW - timedelta(3), "lines": [far]}
    buying.run(lambda conn: register_order(conn, BUYER, OrderPaper.model_validate(paper), now=NOW))
    buying.forecast({"TEA": (20.0, 6.0), "CUP": (12.0, 9.0), "POT": (10.0, 2.0), "JAR": (14.0, 3.0)})
    assert buying.propose()["new"] == 4


@pytest.fixture(params=SIZES)
def bea(request: pytest.FixtureRequest, browser: Browser, shop: Shop) -> Iterator[Watched]:
    """Give the buyer's page at each width; it fails the test if the browser complained."""
    yield from entered(browser, shop, "bea", SIZES[request.param])


def entered(
    browser: Browser, shop: Shop, name: str, size: tuple[int, int], **options: Any
) -> Iterator[Watched]:
    context = browser.new_context(
        base_url=shop.url, viewport={"width": size[0], "height": size[1]}, **options
    )
    watched = Watched(context.new_page())
    watched.page.goto(shop.login_link(name))
    yield watched
    context.close()
    assert not watched.complaints


def confirmed(page: Page, reference: str, **line: str) -> str:
    """Record what the supplier confirmed of an order's only line; gives the decision that waits."""
    form = page.locator("form[action$='/confirmation']")
    form.get_by_label("Supplier's number").fill(reference)
    form.get_by_label("Quantity in all").fill(line["quantity"])
    form.get_by_label("Price of one").fill(line["price"])
    form.get_by_role("button").click()
    row = page.locator("tr", has_text=reference)
    expect(row).to_contain_text("waits for approval")
    assert fits(page)
    return str(row.get_by_role("link").get_attribute("href"))


def approve_change(browser: Browser, shop: Shop, decision: str) -> None:
    """Approve what a supplier confirmed; the order shows it then."""
    for watched in entered(browser, shop, "ann", SIZES["handheld"]):
        page = watched.page
        page.goto(decision)
        expect(page.get_by_role("heading", level=1)).to_contain_text(
            "price 3 instead of 2.5: 20 % more, tolerated are 2 %"
        )
        page.get_by_role("button", name="Approve and do it").click()
        expect(page.get_by_role("status")).to_contain_text("Approved and done")
        page.goto("/orders/leeds/PO-000001")
        expect(page.locator("tr", has_text="AB-7")).to_contain_text("approved")
        expect(page.locator("tr", has_text="TEA").first).to_contain_text("372 ordered")
        assert fits(page)


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_proposals_open_into_their_arithmetic_at_both_widths(bea: Watched) -> None:
    page = bea.page
    page.goto("/proposals")
    expect(page.locator("tr", has_text="CUP")).to_contain_text("to be chosen")
    assert fits(page)
    page.get_by_role("link", name="TEA").first.click()
    expect(page.get_by_text("Order-up-to level", exact=True)).to_be_visible()
    expect(page.get_by_text("default, nobody chose it").first).to_be_visible()
    expect(page.get_by_role("img", name="Expected stock from 2026-03-04")).to_be_visible()
    assert fits(page)
    page.goto("/proposals")
    page.get_by_role("link", name="JAR").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hurry PO-FAR")
    expect(page.get_by_text("covers nothing now")).to_be_visible()
    assert fits(page)


def test_a_proposal_becomes_an_order_that_another_person_approves_and_its_goods_are_received(
    browser: Browser, shop: Shop
) -> None:
    for watched in entered(browser, shop, "bea", SIZES["desktop"]):
        page = watched.page
        page.goto("/proposals")
        page.get_by_role("link", name="TEA").first.click()
        change = page.locator("form[action$='/change']")
        change.get_by_label("Quantity").fill("24")
        change.get_by_label("Reason").select_option("budget")
        change.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text(
            "quantity 24: expected at least 48, the least order"
        )
        watched.complaints.clear()  # the browser tells a refused form as an error of the network
        page.get_by_role("button", name="Accept", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("waits for somebody else's approval")
        page.get_by_role("link", name="It waits for somebody else's approval").click()
        expect(page.get_by_role("button", name="Approve and do it")).to_have_count(0)
        decision = page.url
    for watched in entered(browser, shop, "ann", SIZES["handheld"]):
        page = watched.page
        page.goto(decision)
        expect(page.get_by_role("heading", level=1)).to_contain_text("Order 372 each of TEA from ACME")
        page.get_by_role("button", name="Approve and do it").click()
        expect(page.get_by_role("status")).to_contain_text("Approved and done")
    for watched in entered(browser, shop, "bea", SIZES["desktop"]):
        page = watched.page
        page.goto("/proposals")
        page.get_by_role("link", name="PO-000001").click()
        with page.expect_download() as exported:
            page.get_by_role("link", name="XLSX").click()
        with zipfile.ZipFile(io.BytesIO(exported.value.path().read_bytes())) as book:
            sheet = book.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet
        assert b"=T-1" in sheet
        page.get_by_role("button", name="It was sent").click()
        expect(page.get_by_text("Sent 04 Mar")).to_be_visible()
        changed = confirmed(page, "AB-7", quantity="360", price="3")
        page.goto(changed)
        expect(page.get_by_role("button", name="Approve and do it")).to_have_count(0)
    approve_change(browser, shop, changed)
    for watched in entered(browser, shop, "ada", SIZES["handheld"]):
        page = watched.page
        page.goto("/orders/leeds/PO-000001")
        page.get_by_label("Delivery note").fill("DN-7")
        page.get_by_label("Put at").fill("STAGING")
        page.get_by_label("Received sound").fill("350")
        page.get_by_label("Damaged").fill("4")
        page.get_by_role("button", name="Receive").click()
        expect(page.get_by_text("DN-7")).to_be_visible()
        expect(page.locator("tr", has_text="TEA").first).to_contain_text("6")
        assert fits(page)
    assert shop.buying.on_hand("TEA") == {
        ("A-01", None): 90,
        ("STAGING", None): 350,
        ("STAGING", "damaged"): 4,
    }
