"""*Events calendar*: a planner states an event, tries a promotion out, and withdraws what will not be."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import served
from watching import Watched

from cloud.db import bootstrap, open_pool
from cloud.events import public_holidays
from cloud.events.public_holidays import Region
from cloud.identity import service as identity
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from tests.integration.events.promoted import JOB, promoted
from tests.integration.ledger.scenario import Ledger

ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)
PEOPLE = {"pat": "planner@leeds", "ola": "operator@leeds"}
SIZES = {"desktop": (1280, 800), "handheld": (360, 740)}
TODAY = datetime.now(UTC).date()


@dataclass
class Office:
    """Where the pages are, and a way in for each person."""

    url: str
    gate: Gate

    def enter(self, browser: Browser, name: str, size: str) -> Watched:
        width, height = SIZES[size]
        context = browser.new_context(base_url=self.url, viewport={"width": width, "height": height})
        watched = Watched(context.new_page())
        with self.gate.pool.connection() as conn:
            token = identity.make_login_link(conn, ROOT, name=name, now=self.gate.clock())
        watched.page.goto(f"{self.url}/login/link?token={token}")
        return watched


@pytest.fixture(scope="module")
def office(cluster: Any, template: str) -> Iterator[Office]:
    """Serve the pages of a site with promotions behind it and holidays ahead."""
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        database = cluster.database(name)
        ledger = Ledger(database.owner_dsn, database.ingest_dsn, database.app_dsn, database.auditor_dsn)
        ledger.register()
        promoted(ledger, last_day=TODAY - timedelta(days=1))
        with open_pool(database.app_dsn, "test-events") as pool:
            gate = Gate(pool, lambda: datetime.now(UTC))
            with pool.connection() as conn:
                public_holidays.set_region(conn, JOB, "leeds", Region("GB", "ENG"))
                years = {"first_year": TODAY.year, "last_year": TODAY.year + 1}
                public_holidays.add_holidays(conn, JOB, "leeds", **years, now=gate.clock())
                for person, grant in PEOPLE.items():
                    identity.add_user(conn, ROOT, name=person, password=None, grants=[Grant.parse(grant)])
            with served(gate) as url:
                yield Office(url, gate)
        ledger.close()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("size", SIZES)
def test_a_planner_states_an_event_and_takes_it_back(office: Office, browser: Browser, size: str) -> None:
    watched = office.enter(browser, "pat", size)
    page = watched.page
    page.goto("/events?site=leeds")
    expect(page.get_by_role("heading", level=1)).to_have_text("Events calendar")
    expect(page.locator("svg.chart.events rect.event[data-kind=holiday]").first).to_be_visible()
    assert fits(page)
    form = page.locator("section", has=page.get_by_role("heading", name="State an event"))
    form.get_by_label("Name").fill(f"Winter tea {size}")
    form.get_by_label("Item").fill("I-3")
    form.get_by_label("From", exact=True).fill(str(TODAY + timedelta(days=7)))
    form.get_by_label("To, its last day").fill(str(TODAY + timedelta(days=13)))
    form.get_by_label("Price lower by, %").fill("200")
    form.get_by_role("button", name="State it").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("'depth' 2.0: expected 0 to 0.95")
    watched.complaints.clear()  # the browser's word for an answer of 422
    form.get_by_label("Price lower by, %").fill("20 %")
    form.get_by_role("button", name="State it").press("Enter")
    page.get_by_role("link", name=f"Winter tea {size}").click()
    expect(page.get_by_text("20 % off")).to_be_visible()
    assert fits(page)
    page.get_by_label("Reason").fill("the supplier is out of tea")
    page.get_by_role("button", name="Withdraw it").press("Enter")
    expect(page.get_by_text("withdrawn: the supplier is out of tea")).to_be_visible()
    page.goto("/events?site=leeds")
    expect(page.get_by_role("link", name=f"Winter tea {size}")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert "Christmas Day" in download.value.path().read_text(encoding="utf-8-sig")
    page.context.close()
    assert watched.complaints == []


@pytest.mark.parametrize("size", SIZES)
def test_effects_are_told_and_a_promotion_tried_out(office: Office, browser: Browser, size: str) -> None:
    watched = office.enter(browser, "ola", size)
    page = watched.page
    page.goto("/events")
    expect(page.get_by_role("heading", name="State an event")).to_have_count(0)
    page.get_by_role("link", name="Effects and what-if").click()
    page.get_by_label("Site").select_option("leeds")
    page.get_by_label("Item").fill("I-1")
    page.get_by_label("Price lower by, %").fill("20")
    page.get_by_label("From").fill(str(TODAY + timedelta(days=7)))
    page.get_by_label("To, its last day").fill(str(TODAY + timedelta(days=13)))
    page.get_by_role("button", name="Tell").press("Enter")
    plan = page.locator("section", has=page.get_by_role("heading", name="Promotion of I-1"))
    expect(plan.locator("tbody tr").first).to_contain_text("this item")
    expect(plan.locator("tbody tr")).to_have_count(12)
    expect(page.get_by_text("A promotion moves the other items of its category by")).to_be_visible()
    assert fits(page)
    page.context.close()
    assert watched.complaints == []
