"""*Units*, a serial, and *Stock* put together otherwise, as people use them at a desk and on a handheld."""

from dock_day import sscc
from playwright.sync_api import expect
from watching import Watched

CASE = "30614141123453 18"
"""Of the day at the dock: it crossed loose and was posted."""


def test_what_is_scanned_leads_to_its_story(watched: Watched) -> None:
    page = watched.page
    page.goto("/units")
    page.get_by_label("Serial or unit").fill("30614141123454 18")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("alert")).to_contain_text("expected 3 as its last digit")
    page.get_by_label("Serial or unit").fill(CASE)
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("18")
    expect(page.locator(".figure", has_text="Where it is")).to_contain_text("STAGING")
    crossing = page.locator("tbody tr", has_text="98 % sure")
    expect(crossing).to_contain_text("needs an answer")
    assert crossing.locator("g.series").count() >= 2
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    page.goto(f"/units/{sscc(14)}")
    expect(page.locator("tbody tr").first).to_contain_text("STAGING")
    assert not page.evaluate(wide)
    table = page.request.get(f"/serials.csv?of={CASE}").text().splitlines()
    assert [line.split(",")[1] for line in table[1:]] == ["movement", "crossing"]
    page.goto("/items/TEA-500")
    page.get_by_role("link", name="Packaging").click()
    for gtin, holds, of, wrong in (
        ("05012345678924", "1", "each", ""),
        ("15012345678921", "6", "05012345678924", ""),
        ("15012345678921", "8", "each", "From ("),
        ("12", "8", "each", "GTIN"),
        ("15012345678921", "1e99999999", "each", "Holds"),
        ("15012345678921", "half", "each", "Holds"),
    ):
        level = page.get_by_role("form", name="A level")
        level.locator("[name=gtin]").fill(gtin)
        level.locator("[name=holds]").fill(holds)
        level.locator("[name=of]").select_option(label=of)
        with page.expect_navigation():
            level.get_by_role("button").click()
        told = level.locator("label", has_text=wrong).get_by_role("alert")
        expect(told).to_have_count(1 if wrong else 0)
    expect(told).to_have_text("'half': expected an amount as 6, or a part as 1/3.")
    expect(page.locator("svg.packs .pip")).to_have_count(7)
    watched.complaints.clear()  # each refusal is told as 422
    page.goto("/packaging/TEA-500")
    assert not page.evaluate(wide)
    page.goto("/stock")
    page.get_by_role("link", name="By owner").click()
    expect(page.locator("tbody tr").first).to_contain_text("Ours")
    assert not page.evaluate(wide)


def test_a_merge_is_typed_by_keyboard_and_the_focus_is_where_it_is_wrong(watched: Watched) -> None:
    page = watched.page
    page.goto("/items/MUG-BLUE")
    page.locator("summary", has_text="It is another item").focus()
    for keys in ("Enter", "Tab"):
        page.keyboard.press(keys)
    page.keyboard.type("NIL")
    page.keyboard.press("Tab")
    page.keyboard.type("1e9")
    into, ratio = page.locator("input[name=into]"), page.locator("input[name=ratio]")
    for typed, wrong, told in (
        ("1/12", ratio, "'1e9': expected a ratio"),
        ("", into, "there is no item 'NIL'"),
    ):
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(wrong).to_be_focused()
        expect(wrong).to_be_in_viewport()
        expect(page.locator("label", has=wrong).get_by_role("alert")).to_contain_text(told)
        expect(into).to_have_value("NIL")
        tops = [
            page.locator("label", has=each).evaluate("each => each.getBoundingClientRect().top")
            for each in (into, ratio)
        ]
        assert page.viewport_size is not None
        assert tops[0] == tops[1] or page.viewport_size["width"] < 400
        page.keyboard.press("Control+a")
        page.keyboard.type(typed)
    watched.complaints.clear()  # each refusal is told as 422
