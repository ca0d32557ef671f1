"""*Picking* and *Available* in a real browser: a wave released, picked and called off, the rest promised."""

import os
from pathlib import Path

from day_of_work import Site
from playwright.sync_api import expect
from serving import OTHER, ROOT
from watching import Watched

from cloud.allocation.following import JOB, follow
from cloud.allocation.work import LineOfTask, task
from cloud.documents.papers import DocumentPaper
from cloud.documents.service import register_document
from cloud.ledger.domain import CloudStatement, EffectiveRow, PostingKind
from cloud.ledger.service import post
from contracts.occurrence import TimeBasis
from contracts.records import DocumentRef, Identifier, Movement, Side

ITEM = "LANTERN"


def ordered(site: Site, name: str, quantity: int) -> None:
    line = {"line": "1", "identifier": {"scheme": "sku", "value": ITEM}, "quantity": str(quantity)}
    paper = {"site": OTHER, "type": "outbound_order", "id": name, "due_on": "2026-03-06", "lines": [line]}
    with site.gate.pool.connection() as conn:
        register_document(conn, ROOT, DocumentPaper.model_validate(paper))


def picked(site: Site, name: str, line: LineOfTask, quantity: int) -> None:
    """Let a handheld pick a part of a task's line, and claims be told."""
    now = site.gate.clock()
    moved = Movement.model_validate(
        {
            "seq": 1,
            "occurred_at_claimed": now,
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "actor": "kim",
            "identifier": Identifier(scheme="sku", value=ITEM),
            "quantity_seen": quantity,
            "source": Side(location=line.from_location),
            "destination": Side(location=line.to_location),
            "documents": (DocumentRef(type="task", id=name, line=str(line.number)),),
        }
    )
    statement = CloudStatement(OTHER, EffectiveRow(moved, now, TimeBasis.CLAIMED))
    with site.gate.pool.connection() as conn:
        post(conn, ROOT, kind=PostingKind.STATEMENT, statements=[statement])
    with site.gate.pool.connection() as conn:
        follow(conn, JOB, now=now)


def test_a_wave_is_released_picked_and_called_off_and_the_rest_may_be_promised(
    watched: Watched, site: Site
) -> None:
    page = watched.page
    assert page.viewport_size is not None
    width = page.viewport_size["width"]
    order = f"SO-{width}"
    ordered(site, order, 30)
    page.goto("/picking")
    page.get_by_label("Site").select_option(OTHER)
    page.get_by_label("Bring to").fill("B-03-4")
    page.get_by_label("Orders").fill(order)
    page.get_by_label("Gateway").fill("dock-l1")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("status").filter(has_text="is released")).to_be_visible()
    page.get_by_role("row").filter(has_text=order).get_by_role("link").first.click()
    name = page.url.rpartition("/")[2]
    with site.gate.acting(ROOT) as conn:
        lines = task(conn, ROOT, name=name)[1]
    picked(site, name, lines[0], 7)
    page.reload()
    expect(page.get_by_role("cell", name="7 of 30 each").first).to_be_visible()
    shoot(watched, f"task_{width}")
    page.get_by_role("button", name="Call off").click()
    expect(page.get_by_role("status")).to_contain_text("is called off")
    page.goto("/picking")
    expect(page.get_by_role("row").filter(has_text=order)).to_contain_text("called off")
    shoot(watched, f"picking_{width}")
    page.goto(f"/availability?site={OTHER}")
    shoot(watched, f"availability_{width}")
    page.get_by_role("link", name=ITEM).click()
    expect(page.get_by_role("img", name="may be promised at once")).to_be_visible()
    expect(page.get_by_role("cell", name=f"{order} / 1")).to_be_visible()
    shoot(watched, f"promise_{width}")


def shoot(watched: Watched, name: str) -> None:
    """Take a picture if somebody asks for it; nothing may be wider than the screen."""
    page = watched.page
    assert page.viewport_size is not None
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], name
