"""*Demand*: a person sees what waits and why, tries it again or discards it, and what was sent instead."""

from datetime import timedelta
from decimal import Decimal

import pytest
from day_of_work import Site
from playwright.sync_api import expect
from serving import OWN, ROOT
from watching import Watched

from cloud.demand import held, substitutions
from cloud.demand.domain import Faults
from cloud.demand.papers import DemandLinePaper
from cloud.demand.service import import_lines
from cloud.demand.sources import service
from cloud.demand.sources.domain import NewSource, SourceKind, SourceSettings
from cloud.demand.substitutions import Substitution
from cloud.demand.waiting import Holding, Origin, Reason
from cloud.identity.store import act_as

WAITING = "line 2 of order SO-9: the item of gtin '04006381333931' is not registered"


@pytest.fixture(scope="module")
def asked(site: Site) -> Site:
    """Give a source, demand with a substitution, and two things that wait."""
    now = site.gate.clock()
    paper = {
        "site": OWN,
        "source": "shop",
        "document": "W-1",
        "line": "1",
        "identifier": {"scheme": "item", "value": "MUG-BLUE"},
        "quantity": 6,
        "requested_at": (now - timedelta(days=2)).isoformat(),
    }
    line = DemandLinePaper.model_validate(paper).staged(1)
    swap = Substitution(
        1, OWN, "shop", "W-1", "1", "JAR-05", Decimal(4), "MUG-BLUE", Decimal(6), now, "sold out"
    )
    wished = NewSource(OWN, "shop", SourceKind.MQTT, None, SourceSettings(), None, 5)
    with site.gate.pool.connection() as conn:
        service.add_source(conn, ROOT, wished, site=OWN, now=now)
        import_lines(conn, ROOT, [line], faults=Faults(), origin="line", now=now)
        substitutions.record(conn, ROOT, [swap], origin="line", now=now)
    return site


@pytest.fixture
def waiting(asked: Site) -> None:
    """Let two things wait, and all of a source that went wild."""
    now = asked.gate.clock()
    unread = Holding(OWN, "shop", Origin.MESSAGE, "5e" * 32, b"{", Reason.UNREADABLE, "Invalid JSON")
    unknown = Holding(OWN, "orders", Origin.ORDER_LINE, "SO-9/2", b"{}", Reason.UNKNOWN_NAME, WAITING)
    with asked.gate.pool.connection() as conn:
        act_as(conn, ROOT)
        conn.execute("UPDATE demand_held SET state = 'replayed', settled_at = now(), settled_by = 'x'")
        wild = [
            Holding(OWN, "kiosk", Origin.MESSAGE, name * 32, b"[", Reason.UNREADABLE, "Invalid JSON")
            for name in ("6f", "70")
        ]
        held.hold(conn, [unread, unknown, *wild], now=now)


@pytest.mark.usefixtures("waiting")
def test_what_waits_is_seen_and_settled_and_what_was_sent_instead_is_told(watched: Watched) -> None:
    page = watched.page
    page.goto(f"/demand?site={OWN}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Demand")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    table = page.locator("section", has=page.get_by_role("heading", name="Waiting"))
    expect(table.locator("tbody tr")).to_have_count(4)
    expect(table).to_contain_text(WAITING)
    expect(table.get_by_text("if asked")).to_have_count(3)
    swaps = page.locator("section", has=page.get_by_role("heading", name="Shorts and substitutions"))
    row = swaps.locator("tbody tr", has_text="JAR-05")
    expect(row).to_contain_text("\N{MINUS SIGN}100.0%")
    expect(page.get_by_text("published at the broker")).to_be_visible()

    page.get_by_role("group", name="All of kiosk").get_by_role("button", name="Try all again").click()
    expect(page.get_by_text("if asked")).to_have_count(1)
    page.get_by_label("Why nothing of kiosk is demand").fill("a wild till")
    page.get_by_role("button", name="Discard all").press("Enter")
    expect(table.locator("tbody tr")).to_have_count(2)

    table.get_by_role("button", name="Try 5e").press("Enter")
    expect(page.get_by_text("if asked")).to_have_count(0)
    page.get_by_label("Why SO-9/2 is no demand").fill(" ")
    page.get_by_role("button", name="Discard").last.click()
    expect(page.get_by_role("alert")).to_contain_text("expected 1 to 500 printable characters")
    watched.complaints.clear()  # the browser's word for an answer of 422
    page.get_by_label("Why SO-9/2 is no demand").fill("a test order")
    page.get_by_label("Why SO-9/2 is no demand").press("Enter")
    expect(table.locator("tbody tr")).to_have_count(1)
    mask = page.get_by_role("form", name="Mask days")
    mask.get_by_label("Item").fill("nothing")
    mask.get_by_label("From").fill("2026-02-02")
    mask.get_by_label("Reason").fill("a hotel opened")
    mask.get_by_role("button", name="Mask").click()
    expect(page.get_by_role("alert")).to_contain_text("item 'nothing': there is no such item")
    watched.complaints.clear()
    mask.get_by_label("Item").fill("MUG-BLUE")
    mask.get_by_label("From").fill("2026-02-02")
    mask.get_by_label("Kind").select_option("will not come again")
    mask.get_by_label("Reason").fill("a hotel opened")
    mask.get_by_label("Reason").press("Enter")
    masked = page.locator("section", has=page.get_by_role("heading", name="Days that tell nothing"))
    expect(masked.locator("tbody tr")).to_contain_text("MUG-BLUE")
    masked.get_by_label("Why the days from 2026-02-02 tell something").fill("they order every spring")
    masked.get_by_role("button", name="Withdraw").click()
    expect(masked).to_contain_text("Nothing is masked")
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").first.click()
    assert download.value.suggested_filename.startswith("demand_")
