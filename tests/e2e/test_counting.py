"""*Counts* and *Variances and alerts* as people use them: from a count to an adjustment by two people."""

from collections.abc import Iterator
from typing import Any

import pytest
from count_floor import Floor, now, set_up
from playwright.sync_api import Browser, Page, Route, expect
from serving import served
from watching import Watched

from cloud.db import bootstrap, open_pool
from cloud.identity.gate import Gate

MINUS = "\N{MINUS SIGN}"
DESKTOP, HANDHELD = (1280, 800), (360, 740)
SIZES = {"desktop": DESKTOP, "handheld": HANDHELD}


@pytest.fixture(scope="module")
def floor(cluster: Any, template: str) -> Iterator[Floor]:
    """Serve the pages of a warehouse with stock; the tests of this file share it."""
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        with open_pool(cluster.database(name).app_dsn, "test-counting") as pool:
            gate = Gate(pool, now)
            with served(gate) as url:
                yield set_up(pool, url, gate)


@pytest.fixture
def ann(browser: Browser, floor: Floor) -> Iterator[Watched]:
    """Give the handheld of somebody who counts."""
    with floor.enter(browser, "ann", HANDHELD) as watched:
        yield watched


@pytest.fixture
def bob(browser: Browser, floor: Floor) -> Iterator[Watched]:
    """Give the screen of somebody who approves."""
    with floor.enter(browser, "bob", DESKTOP) as watched:
        yield watched


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def count(page: Page, place: str, *lines: tuple[str, str]) -> None:
    """Type a count as a person with a scanner does: Enter after every field."""
    page.goto("/counts")
    page.get_by_label("Bin", exact=True).fill(place)
    page.keyboard.press("Enter")
    for item, quantity in lines:
        page.keyboard.type(item)
        page.keyboard.press("Enter")
        page.keyboard.type(quantity)
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Report").click()


def variance(page: Page, item: str, place: str) -> Any:
    return page.locator("[data-part=variances] tr", has_text=item).filter(has_text=f"{place}, porto")


def test_a_count_is_adjusted_by_two_people(ann: Watched, bob: Watched, floor: Floor) -> None:
    bob.page.goto("/variances")
    expect(bob.page.locator("[data-live-state]")).to_have_text("Live")
    count(ann.page, "A-01", ("TEA-500", "7"), ("05012345678917", "4"))
    expect(ann.page.locator("[data-sent]")).to_contain_text("A-01, 2 lines: in the ledger.")
    shown = variance(bob.page, "TEA-500", "A-01")
    expect(shown).to_contain_text("provisional")
    expect(shown).to_contain_text(f"{MINUS}3")
    expect(shown).to_contain_text(f"{MINUS}12.60 EUR")
    floor.settle()
    expect(shown).to_contain_text("waits for approval")
    expect(variance(bob.page, "RUM-07", "A-01")).to_contain_text("right")
    alert = bob.page.locator("[data-part=tickets] tr", has_text="A-01: TEA-500 3 short")
    alert.get_by_role("button", name="Acknowledge").click()
    expect(bob.page.locator("[data-part=tickets] tr", has_text="A-01: TEA-500")).to_contain_text("bob")

    ann.page.goto("/variances")
    variance(ann.page, "TEA-500", "A-01").get_by_text("waits for approval").click()
    expect(ann.page.get_by_role("heading", level=1)).to_contain_text("TEA-500")
    address = ann.page.url
    expect(ann.page.get_by_role("button", name="Approve")).to_have_count(0)
    refused = ann.page.request.post(
        f"{address}/approve",
        form={"csrf": ann.page.locator("[name=csrf]").first.input_value(), "revision": "1", "note": ""},
    )
    assert refused.status == 403

    bob.page.goto(address)
    bob.page.get_by_role("button", name="Approve").click()
    expect(bob.page.get_by_role("status").first).to_be_visible()
    bob.page.goto("/variances")
    expect(variance(bob.page, "TEA-500", "A-01")).to_contain_text("approved by bob")
    expect(bob.page.locator("[data-part=tickets]")).not_to_contain_text("A-01: TEA-500")
    bob.page.goto("/stock?location=A-01&item=TEA")
    expect(bob.page.locator("tbody tr", has_text="A-01")).to_contain_text("7")


def test_a_count_survives_a_gap_in_the_network_and_is_posted_once(ann: Watched) -> None:
    page = ann.page
    keys = []

    def lose(route: Route) -> None:
        """Lose the request, then the answer to it; the third time nothing."""
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 2:
            route.fetch()
        if len(keys) < 3:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route("**/v1/counts", lose)
    page.goto("/counts")
    page.get_by_label("Bin", exact=True).fill("A-02")
    page.reload()
    expect(page.get_by_label("Bin", exact=True)).to_have_value("A-02")
    page.get_by_label("Item or GTIN").fill("TEA-500")
    page.get_by_label("Quantity").fill("10")
    page.get_by_role("button", name="Report").click()
    expect(page.locator("[data-sent]")).to_contain_text("is kept here and is sent by itself")
    page.reload()
    expect(page.locator("[data-sent]")).to_contain_text("A-02, 1 line: in the ledger.")
    expect(page.locator("[data-part=counts] tbody tr", has_text="A-02")).to_have_count(1)
    assert (len(keys), len(set(keys))) == (3, 1)
    ann.complaints[:] = [text for text in ann.complaints if "ERR_INTERNET_DISCONNECTED" not in text]


def test_what_was_not_reported_is_asked_and_answered(ann: Watched, floor: Floor) -> None:
    page = ann.page
    count(page, "A-03", ("TEA-500", "10"))
    page.locator("[data-sent] a").click()
    open_record = page.locator("tr", has_text="RUM-07").filter(has_text="zero or not counted?")
    expect(open_record).to_contain_text("not reported")
    open_record.get_by_role("button", name="It was zero").click()
    expect(page.get_by_role("status")).to_contain_text("count of zero")
    expect(page.locator("tr", has_text="RUM-07")).to_contain_text("counted again")
    floor.settle()
    page.goto("/variances?location=A-03")
    expect(variance(page, "RUM-07", "A-03").first).to_contain_text(f"{MINUS}4")


def test_a_refused_count_says_why_and_is_mended(ann: Watched) -> None:
    page = ann.page
    count(page, "Z-99", ("TEA-500", "1"))
    told = page.locator("[data-sent]")
    expect(told).to_contain_text("location 'Z-99': there is no such bin at site 'porto'")
    told.get_by_role("button", name="Mend it").click()
    expect(page.get_by_label("Item or GTIN").first).to_have_value("TEA-500")
    page.get_by_label("Bin", exact=True).fill("A-04")
    page.get_by_label("Quantity").first.fill("-1")
    page.get_by_role("button", name="Report").click()
    assert page.evaluate("document.activeElement.validationMessage").startswith("How many?")
    page.get_by_label("Quantity").first.fill("10")
    page.get_by_role("button", name="Report").click()
    expect(told).to_contain_text("A-04, 1 line: in the ledger.")
    ann.complaints[:] = [text for text in ann.complaints if "422" not in text]


@pytest.mark.parametrize("size", SIZES)
def test_counting_pages_fit_and_the_form_works_without_scripts(
    browser: Browser, floor: Floor, size: str
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=floor.url, java_script_enabled=False, viewport={"width": width, "height": height}
    )
    page = context.new_page()
    page.goto(floor.login_link("bob"))
    page.goto("/counts")
    place = f"A-{10 + len(size):02}"
    page.get_by_label("Bin", exact=True).fill(place)
    page.get_by_label("Item or GTIN").nth(0).fill("5012345678900")
    page.get_by_label("Quantity").nth(0).fill("x")
    page.get_by_role("button", name="Report").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a number as 12 or 2.5")
    page.get_by_label("Quantity").nth(0).fill("9.5")
    page.get_by_role("button", name="Report").click()
    expect(page.get_by_role("status")).to_contain_text("nothing was moved")
    expect(page.locator("tr", has_text="TEA-500").first).to_contain_text(f"{MINUS}0.5")
    page.get_by_label("Why").fill("line is down")
    page.get_by_role("button", name="Settle now").click()
    expect(page.get_by_text("forced").first).to_be_visible()
    context.close()
    with floor.enter(browser, "eve", SIZES[size]) as looked:
        for path in ("/counts", "/variances", "/variances?state=beyond"):
            looked.page.goto(path)
            assert fits(looked.page), path
        expect(looked.page.get_by_role("button", name="Report")).to_have_count(0)
        table = looked.page.request.get("/variances.csv?state=beyond").text().splitlines()
        found = [line for line in table if f",{place},{place},TEA-500," in line]
        assert len(found) == 1
        assert ",forced,beyond,9.5,10,-0.5,-0.5,-0.5,-2.1,EUR,user:bob," in found[0]
        with looked.page.expect_navigation():
            looked.page.locator("[data-part=variances] a.row").first.click()
        assert fits(looked.page)
