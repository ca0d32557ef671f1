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
from cloud.decisions.domain import Decision
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
def handheld(browser: Browser, desk: Desk) -> Iterator[Watched]:
    """Give the same approver's page at the width of a handheld only."""
    yield from entered(browser, desk, "bob", SIZES["handheld"])


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


def opened(page: Page, desk: Desk, number: int, **changes: Any) -> Decision:
    """Let Ada ask for something, and open it."""
    decision = desk.ask(subject(page, number), **changes)
    page.goto(f"/approvals/{decision.decision_id}")
    return decision


def test_an_approver_opens_what_waits_and_says_no_with_a_reason(bob: Watched, desk: Desk) -> None:
    page = bob.page
    page.goto("/approvals")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    decision = desk.ask(subject(page, 1))
    row = page.locator(f'[data-row="{decision.decision_id}"]')
    expect(row).to_contain_text("52.30 GBP")
    assert fits(page)
    row.get_by_role("link").click()
    for text in ("What will be done", "2026-03-02 13:12:07 GMT", "Movements within uncertainty", "1204"):
        expect(page.locator("main")).to_contain_text(text)
    expect(page.get_by_role("link", name="/variances?site=leeds")).to_be_visible()
    assert fits(page)
    page.get_by_role("combobox").select_option("Another reason (say which)")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a note that says which")
    (refusal,) = bob.complaints
    assert "status of 422" in refusal
    bob.complaints.clear()
    page.get_by_role("combobox").select_option("Count again first")
    page.get_by_label("Note, if none").fill("the pallet was moved meanwhile")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("status")).to_contain_text("Rejected; nothing was done")
    expect(page.locator("main")).to_contain_text("Count again first: the pallet was moved meanwhile")
    page.goto("/approvals?state=decided")
    expect(page.locator(f'[data-row="{decision.decision_id}"]')).to_contain_text("bob")
    assert fits(page)
    table = page.request.get("/approvals.csv?state=decided").text()
    assert f"{decision.decision_id},rejected,count_adjustment,leeds,{subject(page, 1)},TEA-500" in table


def test_a_stale_yes_ends_in_a_page_that_says_what_changed(bob: Watched, desk: Desk) -> None:
    page = bob.page
    decision = opened(page, desk, 2)
    desk.change(decision, book="204", difference="-14")
    page.get_by_role("button", name="Approve and do it").click()
    expect(page.get_by_role("alert")).to_contain_text("It has changed since you looked; nothing was done")
    changes = page.get_by_role("alert").locator("tbody tr")
    expect(changes).to_have_count(3)
    for row, texts in enumerate((("52.30 GBP", "73.22 GBP"), ("200", "204"), ("10", "14"))):
        for text in texts:
            expect(changes.nth(row)).to_contain_text(text)
    expect(page.get_by_role("alert")).to_contain_text("A movement of 4 arrived late")
    assert fits(page)
    assert desk.find(decision).state.value == "submitted"
    page.get_by_role("combobox").select_option("Not plausible")
    page.get_by_role("button", name="Reject").click()
    assert desk.find(decision).state.value == "rejected"


def test_of_two_screens_the_slower_is_told_who_was_faster(handheld: Watched, desk: Desk) -> None:
    page = handheld.page
    decision = opened(page, desk, 3)
    desk.reject(decision, by="bob")
    page.get_by_role("button", name="Approve and do it").click()
    expect(page.get_by_role("status")).to_contain_text(
        "Your answer changed nothing: this was decided before, by you"
    )


def test_an_unknown_value_is_said_so_everywhere(handheld: Watched, desk: Desk) -> None:
    page = handheld.page
    decision = opened(page, desk, 4, value=None, currency=None)
    expect(page.locator(".figures")).to_contain_text("No cost is known, which counts as above every limit")
    page.goto("/approvals")
    expect(page.locator(f'[data-row="{decision.decision_id}"]')).to_contain_text("value unknown")


def test_hostile_words_stay_words(handheld: Watched, desk: Desk) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    evidence = {"page_url": "//evil.example/x", "note": hostile, "again_url": "javascript:alert(1)"}
    page = handheld.page
    opened(page, desk, 5, effect={"summary": hostile, hostile: hostile}, evidence=evidence, note=hostile)
    expect(page.get_by_role("heading", level=1)).to_have_text(hostile)
    assert page.locator("main img").count() == 0
    assert page.locator("main .facts a").count() == 0


def test_the_author_reads_why_not_and_takes_it_back(ada: Watched, desk: Desk) -> None:
    page = ada.page
    decision = opened(page, desk, 6)
    expect(page.locator("#why-not")).to_contain_text("is your own, worth 52.3 GBP")
    expect(page.get_by_role("button", name="Approve and do it")).to_have_count(0)
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("status")).to_contain_text("Taken back; nothing was done")
    assert desk.find(decision).verdict_reason == "withdrawn"


def test_the_queue_is_walked_and_answered_by_keyboard(browser: Browser, desk: Desk) -> None:
    for watched in entered(browser, desk, "bob", SIZES["desktop"]):
        page = watched.page
        decision = desk.ask(subject(page, 7))
        page.goto("/approvals")
        for _ in range(50):
            page.keyboard.press("j")
            if page.evaluate("document.activeElement.id") == f"open-{decision.decision_id}":
                break
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"/approvals/{decision.decision_id}"))
        page.keyboard.press("a")
        expect(page.get_by_role("button", name="Approve and do it")).to_be_focused()
        page.keyboard.press("r")
        expect(page.get_by_role("combobox")).to_be_focused()
        assert desk.find(decision).state.value == "submitted"


def test_a_form_works_without_scripts_and_in_the_dark(browser: Browser, desk: Desk) -> None:
    context = browser.new_context(
        base_url=desk.url,
        viewport={"width": 360, "height": 740},
        java_script_enabled=False,
        color_scheme="dark",
    )
    page = context.new_page()
    page.goto(desk.login_link("bob"))
    decision = desk.ask("variance/8")
    page.goto(f"/approvals/{decision.decision_id}")
    page.get_by_role("combobox").select_option("Not needed")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("status")).to_contain_text("Rejected")
    context.close()
    assert desk.find(decision).verdict_reason == "not_needed"


def test_a_reader_sees_everything_and_answers_nothing(browser: Browser, desk: Desk) -> None:
    for watched in entered(browser, desk, "kim", SIZES["handheld"]):
        opened(watched.page, desk, 9)
        expect(watched.page.locator("main")).to_contain_text("An approver of leeds answers this")
        expect(watched.page.locator("main form")).to_have_count(0)
