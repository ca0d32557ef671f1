"""*Forecast* as a planner uses it, at desktop and handheld width, by keyboard too."""

import re
from datetime import timedelta

import pytest
from day_of_work import Site
from forecasts_made import LAST_DAY, made
from playwright.sync_api import expect
from serving import MUG, OWN, ROOT, TEA
from watching import Watched

from cloud.events import service as events
from cloud.events.domain import Kind
from cloud.events.papers import EventPaper


@pytest.fixture(scope="module", autouse=True)
def _forecasts(site: Site) -> None:
    with site.gate.pool.connection() as conn:
        made(conn, late_days=9, more=110)
    sale = EventPaper(
        site=OWN,
        item=TEA,
        kind=Kind.PROMOTION,
        name="spring sale",
        from_day=LAST_DAY - timedelta(days=16),
        to_day=LAST_DAY - timedelta(days=11),
        attributes={"depth": 0.2},
    )
    with site.gate.pool.connection() as conn:
        events.add(conn, ROOT, sale, now=site.gate.clock())


def test_a_planner_finds_an_item_and_reads_why(watched: Watched) -> None:
    page = watched.page
    page.goto("/live")
    page.get_by_role("link", name="Planning").click()
    page.get_by_role("link", name="Forecast", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Forecast", exact=True)).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("9 days before its run")
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("link", name="Back to the first page")).to_be_visible()
    page.get_by_role("textbox", name="Item").fill(TEA.lower())
    page.get_by_role("combobox", name="Order").select_option("gain")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page).to_have_url(re.compile("order=gain"))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("better than naive")
    page.get_by_role("link", name=TEA).click()
    expect(page.get_by_role("heading", name=TEA)).to_be_visible()
    drawings = page.locator("svg[role=img]")
    expect(drawings).to_have_count(2)
    assert "29 weeks behind" in (drawings.first.get_attribute("aria-label") or "")
    expect(
        page.get_by_role("table", name="Demand summed over the days ahead").locator("tbody tr")
    ).to_have_count(7)
    expect(page.get_by_role("table", name="Forecasts of 7 days").locator("tbody tr")).to_have_count(13)
    page.get_by_role("table", name="Error by how far ahead").get_by_role("link", name="14").click()
    expect(page.get_by_role("table", name="Forecasts of 14 days").locator("tbody tr")).to_have_count(12)
    legend = page.locator(".legend").first
    expect(legend).to_contain_text("masked, left out")
    expect(legend).to_contain_text("some days left out")
    expect(legend).to_contain_text("promotion")
    page.get_by_text("Week by week", exact=True).click()
    weeks = page.get_by_role("table").filter(has=page.get_by_role("columnheader", name="Left out"))
    expect(weeks.locator("tr", has_text="7 days masked")).to_have_count(1)
    expect(weeks.locator("tr", has_text="2 days out of stock")).to_have_count(1)
    expect(weeks.locator("tr", has_text="spring sale")).to_have_count(2)
    reasons = page.locator(".facts").first
    expect(reasons).to_contain_text("exponential smoothing 75%, theta 25% from 20 past forecasts of its own")
    expect(reasons).to_contain_text("the latest days move the next week by -2.5")
    expect(reasons).to_contain_text("(flood)")
    expect(reasons).to_contain_text("1.90 (95 %: 1.60 to 2.20)")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    assert download.value.suggested_filename.startswith(f"forecast-{TEA}_{OWN}_")


def test_an_item_of_one_week_says_that_it_knows_little(watched: Watched) -> None:
    page = watched.page
    page.goto("/forecast?order=insufficient")
    expect(page.locator("tbody tr").first).to_contain_text("insufficient data")
    page.get_by_role("link", name=MUG).click()
    expect(page.locator(".notice").first).to_contain_text("1 of the 8 weeks are known")
    expect(page.get_by_text("Nothing to judge yet", exact=True)).to_be_visible()


def test_no_forecast_page_scrolls_sideways(watched: Watched) -> None:
    page = watched.page
    for path in ("/forecast", f"/forecast/{OWN}/{TEA}", f"/forecast/{OWN}/{MUG}"):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, path
