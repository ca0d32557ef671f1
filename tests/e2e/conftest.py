"""A real Chromium before a served application that has a day of work behind it."""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "integration" / "api"))

from day_of_work import Site, work
from dock_day import dock_day
from serving import served
from watching import Watched

from cloud.db import open_pool
from cloud.identity.gate import Gate
from tests.patience import PATIENCE_S

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
UNSEEN = "WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"
"""What opens below an address bar: two renderers of each window, half of what a test's browser computes."""
UNWANTED = (
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,MediaRouter,"
    "NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,TcpPortRandomizationWin,"
    "ThirdPartyStoragePartitioning"
)
"""What Playwright turns off by an argument of that name, of which the last counts."""
CHEAPLY = ["--no-sandbox", "--renderer-process-limit=1", f"--disable-features={UNWANTED},{UNSEEN}"]
NOW = datetime(2026, 3, 2, 14, 0, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed on this machine")
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHEAPLY)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(cluster: Any, template: str) -> Iterator[Site]:
    """Serve the pages of a database with two sites at work; the tests of this folder share it."""
    with (
        cluster.clone(template) as database,
        open_pool(database.app_dsn, "test-pages") as pool,
        open_pool(database.ingest_dsn, "test-ingest") as ingest,
    ):
        work(pool, ingest, NOW)
        dock_day(pool, ingest, NOW)
        gate = Gate(pool, lambda: NOW)
        with served(gate) as url:
            yield Site(url, gate, ingest)


SIZES = {"desktop": (1280, 800), "handheld": (360, 740)}


@pytest.fixture(params=SIZES)
def watched(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Watched]:
    """Give a logged-in page at each width; it fails the test if the browser complained."""
    width, height = SIZES[request.param]
    context = browser.new_context(base_url=site.url, viewport={"width": width, "height": height})
    watched = Watched(context.new_page())
    watched.page.goto(site.login_link())
    yield watched
    context.close()
    assert not watched.complaints
