"""*Doors* and *Dock exceptions* as people at a dock use them, at desktop and handheld width."""

import re
from datetime import timedelta

from day_of_work import Gateway, Site
from dock_day import HOSTILE, crossed, sscc
from playwright.sync_api import Locator, Page, Route, expect
from serving import OWN, ROOT
from watching import Watched

from cloud.identity.store import act_as
from cloud.master.store import add_gateway

PATHS = ("/doors", "/doors?portal=dock-1", "/dock-exceptions", "/dock-exceptions?state=answered")


def hold(site: Site, serial: int, **fields: object) -> str:
    """Let a gateway that was not there before hold one crossing; gives its SSCC."""
    now = site.gate.clock()
    with site.gate.pool.connection() as conn:
        act_as(conn, ROOT)
        add_gateway(conn, OWN, f"arch-{serial}")
    passage = crossed(now - timedelta(seconds=serial % 50), "undecided", "held", serial=serial, **fields)
    Gateway(f"arch-{serial}", OWN, site.ingest).send(passage, at=now)
    return sscc(serial)


def serial_of(page: Page, number: int) -> int:
    """Give a serial that no other test or width uses."""
    return 10_000 * number + int(page.evaluate("innerWidth"))


def card(page: Page, unit: str) -> Locator:
    return page.locator(".dock-card", has_text=unit)


def test_no_dock_page_scrolls_sideways(watched: Watched) -> None:
    page = watched.page
    for path in PATHS:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, path
    page.goto("/doors?portal=dock-1")
    page.locator(".passage-picture").first.click()
    expect(page.get_by_role("heading", name="Radio picture")).to_be_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_doors_show_crossings_as_they_happen(watched: Watched, site: Site) -> None:
    page = watched.page
    page.goto("/doors")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    unit = hold(site, serial_of(page, 1), portal="dock-9")
    passage = page.locator(".passage", has_text=unit)
    expect(passage).to_be_visible()
    expect(passage).to_contain_text("71 % sure")
    expect(passage).to_contain_text("needs an answer")
    assert passage.locator("g.series").count() >= 2
    assert passage.locator("svg.radiogram").get_attribute("aria-label").startswith("Signal strength over 3")


def test_doors_narrow_to_one_door_and_one_outcome(watched: Watched) -> None:
    page = watched.page
    page.goto("/doors")
    page.get_by_label("Door", exact=True).fill("dock-2")
    page.get_by_label("Outcome").select_option("evidence")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"portal=dock-2&outcome=evidence"))
    expect(page.locator(".passage")).to_have_count(1)
    expect(page.locator(".passage")).to_contain_text("A neighbouring door saw it")
    table = page.request.get("/doors.csv?portal=dock-2&outcome=evidence").text().splitlines()
    assert [line.split(",")[2:4] for line in table[1:]] == [["dock-2", "urn:epc:id:sscc:0614141.0000000021"]]


def test_a_crossing_leads_to_what_it_posted(watched: Watched) -> None:
    page = watched.page
    page.goto("/doors?portal=dock-1&outcome=posted")
    page.locator(".passage", has_text="GTIN").locator("a").first.click()
    expect(page.get_by_role("heading", name="What it posted")).to_be_visible()
    expect(page.locator(".legend").first).to_contain_text("r1:1")
    page.locator("td a.row").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 each of")


def test_an_answer_by_keys_is_confirmed_after_the_commit(watched: Watched, site: Site) -> None:
    page = watched.page
    unit = hold(site, serial_of(page, 3))
    page.goto("/dock-exceptions")
    asked = card(page, unit)
    asked.focus()
    page.keyboard.press("1")
    expect(asked.locator("[data-outcome]")).to_contain_text("In: in the ledger at position")
    page.goto("/dock-exceptions?state=answered")
    row = page.locator("tbody tr", has_text=unit)
    expect(row).to_contain_text("ada")
    row.locator("a.row").click()
    expect(page.get_by_text("STAGING").first).to_be_visible()
    page.get_by_role("button", name="Take back as misread").click()
    expect(page.get_by_role("heading", name="Which way did it go?")).to_be_visible()
    page.get_by_role("button", name="Did not move").click()
    expect(page.get_by_role("status").filter(has_text="was answered")).to_contain_text("by you")


def test_a_new_card_comes_and_one_answered_elsewhere_goes_without_a_reload(
    watched: Watched, site: Site
) -> None:
    page = watched.page
    page.goto("/dock-exceptions")
    expect(page.locator("[data-live-state]")).to_have_text("Live")
    unit = hold(site, serial_of(page, 4))
    expect(card(page, unit)).to_be_visible()
    name = card(page, unit).get_attribute("data-row")
    other = page.context.new_page()
    other.goto(f"/doors/{name}")
    other.get_by_role("button", name="Did not move").click()
    expect(other.get_by_role("status").filter(has_text="was answered")).to_be_visible()
    expect(card(page, unit)).to_have_count(0)


def test_who_comes_second_is_told_who_answered(watched: Watched, site: Site) -> None:
    page = watched.page
    unit = hold(site, serial_of(page, 5))
    page.goto("/dock-exceptions")
    expect(card(page, unit)).to_be_visible()
    name = card(page, unit).get_attribute("data-row")
    stay = "document.querySelector('[data-dock]').addEventListener('fresh', stop, true)"
    page.evaluate(f"const stop = (event) => event.stopImmediatePropagation(); {stay}")
    other = page.context.new_page()
    other.goto(f"/doors/{name}")
    other.get_by_role("button", name="Did not move").click()
    expect(other.get_by_role("status").filter(has_text="was answered")).to_be_visible()
    other.close()
    card(page, unit).get_by_role("button", name="Out").click()
    expect(card(page, unit).locator("[data-outcome]")).to_contain_text(
        "was answered 'did not move' by user:ada"
    )
    watched.complaints[:] = [text for text in watched.complaints if "409" not in text]


def test_an_answer_survives_a_gap_in_the_network_and_is_posted_once(watched: Watched, site: Site) -> None:
    page = watched.page
    unit = hold(site, serial_of(page, 6))
    page.goto("/dock-exceptions")
    asked = card(page, unit)
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

    page.route("**/answer", lose)
    asked.get_by_role("button", name="Out").click()
    expect(asked.locator("[data-outcome]")).to_contain_text("is kept here and is sent by itself")
    page.reload()
    expect(asked.locator("[data-outcome]")).to_contain_text("Out: in the ledger at position")
    page.goto("/dock-exceptions?state=answered")
    expect(page.locator("tbody tr", has_text=unit)).to_have_count(1)
    assert (len(keys), len(set(keys))) == (3, 1)
    watched.complaints[:] = [text for text in watched.complaints if "ERR_INTERNET_DISCONNECTED" not in text]


def test_later_evidence_is_proposed_and_shown(watched: Watched) -> None:
    page = watched.page
    page.goto("/dock-exceptions")
    asked = card(page, sscc(11))
    expect(asked.locator(".notice")).to_contain_text("Later evidence suggests in")
    expect(asked.locator(".notice")).to_contain_text("A-02-1")
    expect(asked.locator("button.primary")).to_contain_text("In")
    expect(asked.get_by_text("over 4 h")).to_be_visible()


def test_hostile_texts_are_shown_and_never_run(watched: Watched) -> None:
    page = watched.page
    for path in ("/doors", "/dock-exceptions"):
        page.goto(path)
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        expect(page.locator("[data-live-state]")).to_have_text("Live")
        assert page.locator("img[src=x]").count() == 0
    card(page, HOSTILE).locator("a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    assert page.locator("img[src=x]").count() == 0


def test_without_scripts_the_form_alone_answers(watched: Watched, site: Site) -> None:
    page = watched.page
    unit = hold(site, serial_of(page, 7))
    page.goto("/dock-exceptions")
    name = card(page, unit).get_attribute("data-row")
    context = page.context.browser.new_context(
        base_url=site.url, java_script_enabled=False, viewport=page.viewport_size
    )
    plain = context.new_page()
    plain.goto(site.login_link())
    plain.goto("/dock-exceptions")
    plain.locator(f'[data-row="{name}"]').get_by_role("button", name="Did not move").click()
    expect(plain.get_by_role("status").filter(has_text="was answered")).to_contain_text("by you")
    context.close()
