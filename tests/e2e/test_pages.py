"""The pages as a person sees them, at desktop and handheld width."""

import re

from day_of_work import PASSWORD, Site
from playwright.sync_api import Browser, Page, expect
from watching import Watched

PATHS = ("/live", "/stock", "/stock?item=tea", "/stock/1", "/quarantine", "/quarantine/1")


def is_wider_than_the_screen(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


def test_no_page_scrolls_sideways(watched: Watched) -> None:
    for path in PATHS:
        watched.page.goto(path)
        assert not is_wider_than_the_screen(watched.page), path


def test_live_says_it_is_live_and_shows_what_gateways_do(watched: Watched) -> None:
    page = watched.page
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    expect(page.get_by_text("offline", exact=True)).to_be_visible()
    expect(page.get_by_text("portal-3")).to_be_visible()
    assert page.locator("svg.spark").count() >= 3


def test_what_a_gateway_sends_appears_without_a_reload(watched: Watched, site: Site) -> None:
    page = watched.page
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    width = page.evaluate("innerWidth")
    site.send_one_more("LANTERN", width)
    expect(page.locator("td.num.side", has_text=f"{width:,}")).to_be_visible()


def test_stock_leads_down_to_the_evidence_of_a_movement(watched: Watched) -> None:
    page = watched.page
    page.goto("/stock?site=madrid")
    page.get_by_label("Item", exact=True).fill("lantern")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"/stock\?item=lantern&site=madrid$"))
    page.locator("td a.row").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("LANTERN at")
    page.locator("td a.row").first.click()
    expect(page.get_by_text("Batch SHA-256")).to_be_visible()


def test_stock_of_the_morning_is_what_had_come_by_then(watched: Watched) -> None:
    page = watched.page
    page.goto("/stock?site=madrid&item=LANTERN&as_of=2026-03-02T09:10:00")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("400")
    page.goto("/stock?site=madrid&as_of=2026-03-29T02:30:00")
    expect(page.get_by_role("alert")).to_contain_text("the clocks skipped that hour")


def test_the_whole_way_works_by_keyboard(watched: Watched) -> None:
    page = watched.page
    page.goto("/stock")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("name", "item")
    page.keyboard.type("mug")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr").first).to_contain_text("MUG-BLUE")
    page.locator("td a.row").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("MUG-BLUE at")


def test_what_came_in_is_shown_and_never_run(watched: Watched) -> None:
    page = watched.page
    page.goto("/quarantine/1")
    expect(page.locator("pre")).to_contain_text("<script>x</script>")
    assert page.locator("main script").count() == 0


def test_dark_mode_follows_the_system(browser: Browser, site: Site) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(base_url=site.url, color_scheme=scheme)
        page = context.new_page()
        page.goto("/login")
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert len(grounds) == 2


def test_a_person_logs_in_comes_back_to_the_page_and_logs_out(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    page.goto("/stock?item=tea")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/stock?item=tea")
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/login")
    page.goto("/stock")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    context.close()


def test_a_login_link_works_once(browser: Browser, site: Site) -> None:
    link = site.login_link()
    first, second = browser.new_context(), browser.new_context()
    page = first.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Live")
    other = second.new_page()
    other.goto(link)
    expect(other.get_by_role("alert")).to_contain_text("used already")
    first.close()
    second.close()


def test_a_period_is_looked_at_and_its_close_asked_for(watched: Watched) -> None:
    page = watched.page
    page.goto("/periods?site=madrid")
    page.get_by_role("link", name="2026-02").click()
    expect(page.get_by_text("not closed", exact=True)).to_be_visible()
    page.goto("/periods/madrid/2026-02?figure=1")
    expect(page.get_by_role("heading", name="Lines")).to_be_visible()
    waiting = page.get_by_text("A close waits for another person's approval")
    if not waiting.is_visible():
        page.get_by_label("Reason").select_option("figures_due")
        page.get_by_role("button", name="Ask for the close").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Close 2026-02 of madrid")
        page.goto("/periods/madrid/2026-02")
    expect(waiting).to_be_visible()


def test_an_item_shows_where_it_was_and_what_changed_why(watched: Watched) -> None:
    page = watched.page
    page.goto("/items/LANTERN?site=madrid&as_of=2026-03-02T09:10:00")
    expect(page.locator("dl.figures dd").first).to_contain_text("400")
    page.get_by_role("link", name="What changed").click()
    page.get_by_label("Occurred by (Europe/Madrid)").first.fill("2026-03-02T14:40:00")
    page.get_by_role("button", name="Compare").click()
    page.locator("td a.row").first.click()
    expect(page.get_by_text("the sum of these movements")).to_be_visible()
    expect(page.locator("tbody tr").first).to_be_visible()
