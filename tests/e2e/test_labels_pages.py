"""*Labels* in a real browser: a label looked at and printed, a template changed and taken back."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from day_of_work import Site
from playwright.sync_api import Browser, Page, expect
from serving import OWN, ROOT

from cloud.identity import service
from cloud.identity.actor import Role
from cloud.identity.domain import Grant


def shoot(page: Page, what: str) -> None:
    if shots := os.environ.get("SHOTS"):
        width = page.evaluate("window.innerWidth")
        page.screenshot(path=Path(shots) / f"labels_{what}_{width}.png", full_page=True)


@pytest.fixture(params=[1280, 360])
def page(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    """Give a supervisor's page, in the dark on a handheld."""
    width: int = request.param
    name = f"label-keeper-of-{width}"
    with site.gate.pool.connection() as conn:
        service.add_user(conn, ROOT, name=name, password=None, grants=[Grant(Role.SUPERVISOR, OWN)])
        link = service.make_login_link(conn, ROOT, name=name, now=site.gate.clock())
    scheme = "dark" if width < 1000 else "light"
    context = browser.new_context(
        base_url=site.url, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"/login/link?token={link}")
    yield page
    for path in ("/labels", "/labels?kind=item&find=tea", f"/labels/templates/{OWN}/bin"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    context.close()


def test_a_label_is_looked_at_and_printed_and_its_template_changed_and_taken_back(page: Page) -> None:
    page.goto("/labels?kind=bin")
    expect(page.locator("svg.label")).to_be_visible()
    expect(page.get_by_text("With example values.")).to_be_visible()
    page.get_by_label("Location").fill("A-01-1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("As it prints")).to_be_visible()
    expect(page.locator("svg.label text").first).to_have_text("A-01-1")
    shoot(page, "bin")
    with page.expect_download() as download:
        page.get_by_role("button", name="PDF").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    page.goto("/labels?kind=item&find=tea")
    page.get_by_role("link", name="TEA").first.click()
    page.get_by_label("Quantity").fill("24")
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("svg.label")).to_contain_text("24")
    page.goto("/labels?kind=sscc")
    shoot(page, "sscc")
    page.get_by_placeholder("376104250021234569").fill("376104250021234560")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("alert")).to_contain_text("expected the check digit 9")
    expect(page.get_by_placeholder("376104250021234569")).to_have_value("376104250021234560")

    page.goto("/labels?kind=bin")
    page.get_by_role("link", name="bin", exact=True).click()
    zpl = page.get_by_role("textbox", name="Template")
    before = zpl.input_value()
    zpl.fill("^XA~JR^XZ")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("alert")).to_contain_text("~JR is not allowed")
    page.get_by_role("textbox", name="Template").fill(before.replace("110", "90"))
    page.get_by_label("Reason").fill("smaller letters")
    page.get_by_role("button", name="Save as version").click()
    expect(page.get_by_role("cell", name="smaller letters").first).to_be_visible()
    shoot(page, "template")
    page.get_by_role("button", name="Have version 0 again").click()
    expect(page.get_by_text("version 0 again", exact=True).first).to_be_visible()
    expect(page.get_by_role("textbox", name="Template")).to_have_value(before)
