"""*Tickets* as people use it: what is open appears by itself, is taken, given away and closed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from approval_desk import Desk, now, set_up
from playwright.sync_api import Browser, Page, expect
from serving import served
from watching import Watched

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity, Ticket
from cloud.db import bootstrap, open_pool
from cloud.identity.gate import Gate
from cloud.identity.store import act_as

SIZES = {"desktop": (1280, 800), "handheld": (360, 740)}


@pytest.fixture(scope="module")
def desk(cluster: Any, template: str) -> Iterator[Desk]:
    """Serve the pages of a site where something is wrong; the tests of this file share it."""
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        with open_pool(cluster.database(name).app_dsn, "test-tickets") as pool:
            gate = Gate(pool, now)
            with served(gate) as url:
                yield set_up(pool, url, gate)


@pytest.fixture(params=SIZES)
def bob(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[Watched]:
    """Give a page of somebody who handles tickets, at each width."""
    width, height = SIZES[request.param]
    context = browser.new_context(base_url=desk.url, viewport={"width": width, "height": height})
    watched = Watched(context.new_page())
    watched.page.goto(desk.login_link("bob"))
    yield watched
    context.close()
    assert not watched.complaints


def noticed(desk: Desk, page: Page, summary: str, severity: Severity, **more: Any) -> Ticket:
    key = f"{summary}/{page.evaluate('innerWidth')}"
    notice = Notice(key, "gateway_offline", severity, summary, "leeds", {"backlog_rows": 120}, **more)
    with desk.gate.pool.connection() as conn:
        act_as(conn, desk.actors["bob"])
        alerts.notice(conn, [notice])
        (found,) = [row for row in alerts.open_tickets(conn, desk.actors["bob"]) if row.dedup_key == key]
    return found


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_a_ticket_appears_by_itself_is_taken_given_away_and_closed(bob: Watched, desk: Desk) -> None:
    page = bob.page
    page.goto("/tickets")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    mild = noticed(desk, page, "Door dock-1 is slow", Severity.INFO)
    bad = noticed(
        desk, page, "Gateway dock-l1 is offline", Severity.CRITICAL, due_after=timedelta(minutes=-5)
    )
    row = page.locator(f'[data-row="{bad.ticket_id}"]')
    expect(row).to_contain_text("overdue by 5 min")
    order = [int(found.get_attribute("data-row") or 0) for found in page.locator("[data-row]").all()]
    assert order.index(bad.ticket_id) < order.index(mild.ticket_id)
    assert fits(page)
    row.get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("Backlog rows")
    page.get_by_role("button", name="I know, it is mine").click()
    expect(page.locator(".figures")).to_contain_text("bob")
    assert fits(page)
    page.goto("/tickets?whose=mine")
    expect(page.locator(f'[data-row="{bad.ticket_id}"]')).to_contain_text("known")
    page.goto(f"/tickets/{bad.ticket_id}")
    page.get_by_label("Person").fill("ada")
    page.get_by_role("button", name="Give it to them").click()
    expect(page.locator(".figures")).to_contain_text("ada")
    page.get_by_role("combobox").select_option("Another reason (say which)")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("expected a note that says which")
    assert len(bob.complaints) == 1
    bob.complaints.clear()
    page.get_by_role("combobox").select_option("Fixed")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Kept")
    expect(page.get_by_role("heading", name="Do something about it")).to_have_count(0)
    page.goto("/tickets?state=resolved")
    expect(page.locator(f'[data-row="{bad.ticket_id}"]')).to_contain_text("bob")
    assert fits(page)


@pytest.mark.parametrize("bob", ["handheld"], indirect=True)
def test_what_was_closed_meanwhile_says_so(bob: Watched, desk: Desk) -> None:
    page = bob.page
    ticket = noticed(desk, page, "Clock of dock-l1 is off", Severity.WARNING)
    page.goto(f"/tickets/{ticket.ticket_id}")
    with desk.gate.pool.connection() as conn:
        act_as(conn, desk.actors["bob"])
        alerts.resolve(conn, [ticket.dedup_key])
    page.get_by_role("button", name="I know, it is mine").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing was changed: it was over before")
    expect(page.locator(".figures")).to_contain_text("It was right again by itself")
