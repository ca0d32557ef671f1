"""*Gateways* in a real browser: an antenna's power turned down over the air, told back, at both widths."""

import os
from pathlib import Path

import pytest
from day_of_work import Site
from playwright.sync_api import Browser, expect
from serving import OWN, ROOT

from cloud.gateways import service as configs
from cloud.identity import service
from cloud.identity.actor import Role
from cloud.identity.domain import Grant
from contracts.gateway import ConfigOutcome, ReportedConfig

GATEWAY = "dock-m1"
READER = {"id": "r1", "host": "10.0.0.7", "profile": "impinj_r700", "power_dbm": 27, "antennas": [1, 2, 3, 4]}


def says(site: Site, revision: int, outcome: ConfigOutcome, power_dbm: float, *errors: str) -> None:
    report = ReportedConfig(
        revision=revision,
        outcome=outcome,
        reported_at=site.gate.clock(),
        settings={"reader": [READER | {"power_dbm": power_dbm}], "drain_rows_per_s": 5000.0},
        running_revision=revision if outcome is ConfigOutcome.APPLIED else 0,
        origins={"reader": "file agent.toml", "drain_rows_per_s": "file agent.toml"},
        errors=errors,
    )
    with site.ingest.connection() as conn:
        ((gateway_id,),) = conn.execute(
            "SELECT gateway_id FROM gateway WHERE name = %s", (GATEWAY,)
        ).fetchall()
        configs.hear(conn, gateway_id, report, heard_at=site.gate.clock())


@pytest.mark.parametrize("width", [1280, 360])
def test_a_power_is_turned_down_and_what_the_gateway_says_is_shown(
    browser: Browser, site: Site, width: int
) -> None:
    says(site, 0, ConfigOutcome.APPLIED, 27)
    name = f"root-of-{width}"
    with site.gate.pool.connection() as conn:
        service.add_user(conn, ROOT, name=name, password=None, grants=[Grant(Role.ADMIN, OWN)])
        link = service.make_login_link(conn, ROOT, name=name, now=site.gate.clock())
    scheme = "dark" if width < 1000 else "light"
    context = browser.new_context(
        base_url=site.url, viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page = context.new_page()
    page.goto(f"/login/link?token={link}")
    page.goto("/gateways")
    page.get_by_role("link", name=GATEWAY).click()
    page.get_by_label("Place").fill("reader.r1.power_dbm")
    page.get_by_label("Value").fill("24.5")
    page.get_by_label("Reason").first.fill("reads the next door")
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="reader.r1.power_dbm")).to_be_visible()
    expect(page.locator(".title .badge")).to_have_text("waits for an answer")
    with site.gate.pool.connection() as conn:
        wish = configs.history(conn, ROOT, gateway=GATEWAY, limit=1)[0]
    says(site, wish.revision, ConfigOutcome.ROLLED_BACK, 27, "not healthy within 30 s", "r1 is not connected")
    page.reload()
    expect(page.locator(".title .badge")).to_have_text("rolled back")
    expect(page.get_by_text("r1 is not connected").first).to_be_visible()
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / f"gateway_{width}.png", full_page=True)
    page.get_by_role("button", name=f"Set revision {wish.revision} again").click()
    expect(page.get_by_text(f"revision {wish.revision} again")).to_be_visible()
    for path in ("/gateways", f"/gateways/{GATEWAY}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
