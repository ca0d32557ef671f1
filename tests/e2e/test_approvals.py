"""*Approvals* as people use it: the queue, one decision with its grounds, yes and no, at both widths."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from approval_desk import Desk, now, set_up
from playwright.sync_api import Browser, Page, expect
from serving import served
from watching import Watched

from cloud.db import bootstrap, open_pool
from cloud.identity.gate import Gate

SIZES = {"desktop": (1280, 800), "handheld": (360, 740)}


@pytest.fixture(scope="module")
def desk(cluster: Any, template: str) -> Iterator[Desk]:
    """Serve the pages of a site at which people decide; the tests of this file share it."""
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        with open_pool(cluster.database(name).app_dsn, "test-approvals") as pool:
            gate = Gate(pool, now)
            with served(gate) as url:
                yield set_up(pool, url, gate)


@pytest.fixture(params=SIZES)
def bob(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[Watched]:
    """Give an approver's page at each width; it fails the test if the browser complained."""
    yield from entered(browser, desk, "bob", SIZES[request.param])


@pytest.fixture
def ada(browser: Browser, desk: Desk) -> Iterator[Watched]:
    """Give the page of somebody who asks."""
    yield from entered(browser, desk, "ada", SIZES["handheld"])


def entered(browser: Browser, desk: Desk, name: str, size: tuple[int, int]) -> Iterator[Watched]:
    context = browser.new_context(base_url=desk.url, viewport={"width": size[0], "height": size[1]})
    watched = Watched(context.new_page())
    watched.page.goto(desk.login_link(name))
    yield watched
    context.close()
    assert not watched.complaints


def subject(page: Page, number: int) -> str:
    return f"variance/{number}/{page.evaluate('innerWidth')}"


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_an_approver_opens_what_waits_and_says_no_with_a_reason(bob: Watched, desk: Desk) -> None:
    page = bob.page
    page.goto("/approvals")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    decision = desk.ask(subject(page, 1))
    row = page.locator(f'[data-row="{decision.decision_id}"]')
    expect(row).to_contain_text("52.30 GBP", timeout=10_000)
    assert fits(page)
    page.screenshot(path=f"/tmp/decisions_pg/queue_{page.evaluate('innerWidth')}.png", full_page=True)
    row.get_by_role("link").click()
    page.screenshot(path=f"/tmp/decisions_pg/one_{page.evaluate('innerWidth')}.png", full_page=True)
    assert fits(page)
