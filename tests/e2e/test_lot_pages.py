"""A lot's page: dates that labels say and differ in are seen, and a person says what holds."""

from datetime import date

from day_of_work import Gateway, Site, moved
from playwright.sync_api import expect
from serving import OWN, ROOT
from watching import Watched

from cloud.db import in_transaction
from cloud.identity.store import act_as
from cloud.lots.labelled import note_labels
from cloud.lots.resolver import RESOLVER
from cloud.master.store import add_gateway
from contracts.records import LabelDates, Side

WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def scans(site: Site, lot: str) -> None:
    """Let a handheld receive goods of which two labels say different days, and the ledger note it."""
    now, name = site.gate.clock(), f"handheld-{lot}"
    with site.gate.pool.connection() as conn:
        act_as(conn, ROOT)
        add_gateway(conn, OWN, name)
    came = moved(6, "TEA-500", "@supplier", "STAGING", at=now, actor="kim")
    sides = {"source": Side(location="@supplier", lot=lot), "destination": Side(location="STAGING", lot=lot)}
    told = LabelDates(produced_on=date(2026, 1, 5), best_before=date(2026, 10, 31), use_by=date(2026, 11, 30))
    other = told.model_copy(update={"use_by": date(2026, 12, 31)})
    records = [came.model_copy(update=sides | {"label_dates": dates}) for dates in (told, other)]
    Gateway(name, OWN, site.ingest).send(*records, at=now)
    while in_transaction(site.gate.pool, lambda conn: note_labels(conn, RESOLVER)):
        pass


def test_what_labels_differ_in_is_decided_on_the_lots_page(watched: Watched, site: Site) -> None:
    page = watched.page
    lot = f"L-{page.viewport_size['width'] if page.viewport_size else 0}"
    scans(site, lot)
    page.goto(f"/lots/TEA-500/{lot}")
    dates = page.locator("section", has=page.get_by_role("heading", name="Dates", exact=True))
    expect(page.locator(".title")).to_contain_text("Good until 2026-12-01, that day not included")
    expect(page.locator(".title")).to_contain_text("by label")
    expect(dates).to_contain_text("Its labels differ: use by 2026-11-30, 2026-12-31.")
    expect(dates.locator("tbody tr")).to_have_count(2)
    assert not page.evaluate(WIDE)
    form = page.get_by_role("form", name="Dates of the lot")
    form.locator("[name=expiry]").select_option("on")
    form.locator("[name=reason]").fill("read the case")
    with page.expect_navigation():
        form.get_by_role("button").click()
    field = form.locator("label", has_text="First day it is no longer good")
    expect(field.get_by_role("alert")).to_have_text("expected a day.")
    expect(form.locator("[name=reason]")).to_have_value("read the case")
    watched.complaints.clear()  # the refusal is told as 422
    form.locator("[name=expires_on]").fill("2027-01-01")
    with page.expect_navigation():
        form.get_by_role("button").click()
    expect(page.locator(".title")).to_contain_text("Good until 2027-01-01, that day not included")
    expect(dates.locator("tbody tr", has_text="read the case")).to_contain_text("2027-01-01")
    expect(dates).not_to_contain_text("differ")
    assert not page.evaluate(WIDE)
