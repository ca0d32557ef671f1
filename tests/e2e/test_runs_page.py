"""*Runs* in a real browser: from the list to what one run rests on, at desktop and handheld width."""

from day_of_work import Site
from playwright.sync_api import expect
from serving import OWN
from watching import Watched

from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs

PLANNING = Actor("job:planning", frozenset({Role.PLANNER}), all_sites=True)


def planned(site: Site) -> int:
    """Let a forecast run and finish; the pages of a site at work show it."""
    with site.gate.pool.connection() as conn:
        run_id = runs.begin(
            conn,
            PLANNING,
            kind="forecast",
            site=OWN,
            inputs={"demand_lines": 69_542, "demand_until": "2026-03-01"},
            parameters={"levels": [0.05, 0.5, 0.95]},
        )
        act_as(conn, PLANNING)
        runs.finish(conn, run_id, {"items": 60, "judged": {"naive_wape": 0.49, "wape": 0.43}})
    return run_id


def test_a_run_opens_into_its_inputs_by_keyboard_and_fits_the_screen(watched: Watched, site: Site) -> None:
    page, run_id = watched.page, planned(site)
    page.goto("/runs")
    expect(page.get_by_text("No scheduler has run here")).to_be_visible()
    link = page.get_by_role("link", name=f"Forecast {run_id}")
    link.focus()
    for path in ("/runs", f"/runs/{run_id}"):
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, path
        if path == "/runs":
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=1)).to_have_text(f"Forecast, run {run_id}")
    expect(page.get_by_text("69542")).to_be_visible()
    expect(page.get_by_text("0.05, 0.5, 0.95")).to_be_visible()
    expect(page.get_by_text("active gateways")).to_be_visible()
