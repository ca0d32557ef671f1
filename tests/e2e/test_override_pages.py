"""*Overrides*, *Accuracy* and *Models*: one person adjusts a forecast, another approves, and all see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from serving import served
from watching import Watched

from cloud.db import Connection, bootstrap, open_pool
from cloud.forecasting import store
from cloud.forecasting.arima import Fitted, Order
from cloud.forecasting.chosen import service as chosen
from cloud.forecasting.chosen.domain import SeriesModel, Standing
from cloud.forecasting.chosen.fitting import DatedFit
from cloud.forecasting.registry import service as registry
from cloud.forecasting.registry.domain import Because, Trained
from cloud.forecasting.reviewing.opening import History, open_reviews
from cloud.identity import service as identity
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from tests.integration.forecasting.judging import JOB, TODAY, cost, made
from tests.integration.ledger.scenario import Ledger

ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)
PEOPLE = {"pat": "planner@leeds", "ann": "approver@leeds"}
SIZES = {"desktop": (1280, 800), "handheld": (360, 740)}
FITTED = Fitted(
    Order((1, 0, 1), harmonics=1),
    ("promotion",),
    slopes=(0.42, 0.1, 0.0),
    parameters=(0.1, 0.5, 0.2, 0.04),
    cycle=0,
    scale=70.0,
    smear=1.02,
    greatest=180.0,
    known=104,
    aicc=61.4,
    noise_chance=0.41,
    normal_chance=0.2,
    spread=0.2,
    coefficients={"promotion": (0.42, 0.08)},
)
FIRST, LAST = TODAY + timedelta(7), TODAY + timedelta(20)


@dataclass
class Office:
    """Where the pages are, and a way in for each person."""

    url: str
    gate: Gate

    def enter(self, browser: Browser, name: str, size: str) -> Watched:
        width, height = SIZES[size]
        context = browser.new_context(base_url=self.url, viewport={"width": width, "height": height})
        watched = Watched(context.new_page())
        with self.gate.pool.connection() as conn:
            token = identity.make_login_link(conn, ROOT, name=name, now=self.gate.clock())
        watched.page.goto(f"{self.url}/login/link?token={token}")
        return watched


@pytest.fixture(scope="module")
def office(cluster: Any, template: str) -> Iterator[Office]:
    """Serve the pages of a site with forecasts, reviews and models; the tests of this file share it."""
    with cluster.fresh_name() as name:
        cluster.administer("CREATE DATABASE {} TEMPLATE {} OWNER dockledger_owner", name, template)
        bootstrap(cluster.admin_dsn, name)
        database = cluster.database(name)
        ledger = Ledger(database.owner_dsn, database.ingest_dsn, database.app_dsn, database.auditor_dsn)
        ledger.register()
        run_id, ids = made(ledger, daily=[10.0, 4.0, *[1.0] * 28])
        cost(ledger, "I-1", "2.5")
        ledger.as_app(lambda conn: _judged(conn, run_id, ids))
        ledger.close()
        with open_pool(database.app_dsn, "test-overrides") as pool:
            with pool.connection() as conn:
                for person, grant in PEOPLE.items():
                    identity.add_user(conn, ROOT, name=person, password=None, grants=[Grant.parse(grant)])
            gate = Gate(pool, lambda: datetime.now(UTC))
            with served(gate) as url:
                yield Office(url, gate)


def _judged(conn: Connection, run_id: int, ids: dict[str, int]) -> None:
    act_as(conn, JOB)
    for item_id in list(ids.values())[:6]:
        origins = [TODAY - timedelta(7 * back + 1) for back in range(1, 14)]
        store.add_backtest(
            conn,
            run_id=run_id,
            site="leeds",
            item_ids=[item_id] * 26,
            origins=origins * 2,
            horizon_days=[7] * 13 + [28] * 13,
            forecasts=[70.0] * 13 + [280.0] * 13,
            naives=[60.0] * 13 + [250.0] * 13,
            lows=[50.0] * 13 + [200.0] * 13,
            highs=[90.0] * 13 + [360.0] * 13,
            actuals=[75.0] * 12 + [95.0] + [300.0] * 12 + [None],
            are_in_wide=[True] * 25 + [None],
        )
    errors = np.random.default_rng(4).normal(size=(len(ids), 26))
    errors[0, -1] = 9.0
    history = History(list(ids.values()), errors, np.ones(errors.shape), np.zeros(len(ids), dtype=int), 7)
    told = open_reviews(conn, run_id, "leeds", TODAY - timedelta(1), history)
    trained = Trained(
        name="combination",
        trained_from=TODAY - timedelta(728),
        trained_until=TODAY - timedelta(1),
        series=30,
        parameters={},
        weights={"ses": 0.6, "theta": 0.4},
        state=b"state",
        inputs_sha256="a" * 64,
        code_version="0.1.0",
    )
    registry.register(conn, JOB, run_id, "leeds", trained, because=Because.FIRST)
    due = registry.retrain_due(
        conn, "leeds", name="combination", last_day=TODAY, code_version="0.1.0", evidence=told
    )
    registry.skip(conn, JOB, run_id, "leeds", due)
    with_all = {"cells": 900, "wape": 0.31, "cum_wape": 0.2, "bias": 0.01}
    without = {"promotion": {**with_all, "wape": 0.42, "worse_by": 0.355}}
    without["holiday"] = {**with_all, "wape": 0.312, "worse_by": 0.006}
    facts = {"horizon_days": 28, "origins": 27, "series": 30, "with_all": with_all, "without": without}
    registry.tell(conn, JOB, run_id, "leeds", kind="ablated", because="asked", evidence=facts)
    model = SeriesModel(
        ids["I-1"],
        "arima",
        Standing.IN_FORCE,
        "better by both: squared error -18.2% (t 2.9), stock cost -9.1% (t 2.1)",
        [DatedFit(TODAY - timedelta(1), FITTED).told()],
        {"stock_cost": {"gain": 0.091}},
    )
    told_of = {"judged_until": TODAY, "inputs_sha256": "a" * 64, "code_version": "0.1.0"}
    chosen.keep(conn, JOB, run_id, "leeds", [model], **told_of)


def fits(page: Page) -> bool:
    return not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_one_person_adjusts_another_approves_and_the_forecast_shows_both(
    browser: Browser, office: Office
) -> None:
    asking = office.enter(browser, "pat", "desktop")
    page = asking.page
    page.goto("/forecast/leeds/I-1")
    expect(page.get_by_text("Nobody adjusts it")).to_be_visible()
    expect(page.locator(".notice", has_text="Odd:")).to_contain_text("last error outside its band")
    expect(page.locator(".notice", has_text="Stage of life:")).to_contain_text("10 weeks ago")
    page.get_by_role("link", name="Adjust it").press("Enter")
    expect(page.get_by_label("Item", exact=True)).to_have_value("I-1")
    page.get_by_label("From", exact=True).fill(FIRST.isoformat())
    page.get_by_label("To, its last day").fill(LAST.isoformat())
    page.get_by_label("How much").fill("3")
    page.get_by_role("button", name="Show what it would do").press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("you will have to confirm it")
    page.get_by_role("combobox", name="Reason").select_option("promotion")
    page.get_by_label("Evidence", exact=True).fill("Mail of the account manager")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("[role=alert]")).to_contain_text("140.0 each by 4.2: less than 10 %")
    expect(page.get_by_text("I know better")).to_be_visible()
    page.get_by_label("How much").fill("60")
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_role("heading", name="System and adjusted")).to_be_visible()
    drawings = page.locator("svg[role=img]")
    expect(drawings).to_have_count(2)
    assert "the system expects 910 each, with the adjustment 994" in (
        drawings.first.get_attribute("aria-label") or ""
    )
    expect(page.locator(".figures")).to_contain_text("210.00 EUR")
    assert fits(page)
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("[role=status]")).to_contain_text("It waits for somebody else's approval")
    number = page.url.split("/overrides/")[1].split("?")[0]
    page.goto("/forecast/leeds/I-1")
    expect(page.locator("#overrides-title").locator("xpath=../..")).to_contain_text("waits for approval")

    approving = approved(browser, office)

    page.goto(f"/overrides/{number}")
    expect(page.locator(".facts")).to_contain_text("the next forecast run hands it over")
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator("[role=status]")).to_contain_text("the system's forecast counts")
    expect(page.locator(".title")).to_contain_text("ended early")
    for watched in (asking, approving):
        watched.page.context.close()
    complaints = [text for text in asking.complaints + approving.complaints if "409" not in text]
    assert complaints == []


def approved(browser: Browser, office: Office) -> Watched:
    """Let the approver say yes on a handheld, and look at the forecast."""
    approving = office.enter(browser, "ann", "handheld")
    other = approving.page
    other.goto("/approvals")
    other.get_by_role("link", name="Forecast of I-1 at leeds").click()
    expect(other.get_by_role("heading", level=1)).to_contain_text("60 % more (140.0 to 224.0 each)")
    other.get_by_role("button", name="Approve and do it").press("Enter")
    expect(other.locator("[role=status]").first).to_contain_text("Approved and done")
    other.goto("/forecast/leeds/I-1")
    panel = other.locator("section", has=other.get_by_role("heading", name="Overrides"))
    expect(panel).to_contain_text("approved, begins later")
    expect(panel).to_contain_text("from the next run on")
    expect(panel.get_by_role("table", name="Summed demand, without and with")).to_be_visible()
    assert fits(other)
    return approving


@pytest.mark.parametrize("size", SIZES)
def test_accuracy_reviews_and_models_are_read_at_every_width(
    browser: Browser, office: Office, size: str
) -> None:
    watched = office.enter(browser, "pat", size)
    page = watched.page
    page.goto("/accuracy?site=leeds")
    expect(page.locator(".figures").first).to_contain_text("7 days ahead")
    expect(page.locator("#reviews-title").locator("xpath=../..")).to_contain_text("1.5 expected")
    table = page.locator("section", has=page.get_by_role("heading", name="Review tickets"))
    expect(table.locator("tbody tr").first).to_contain_text("I-1")
    expect(page.get_by_role("heading", name="By demand pattern")).to_be_visible()
    with page.expect_download() as download:
        table.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.startswith("forecast-reviews_leeds_")
    page.get_by_label("but at most, a week").fill("20")
    page.get_by_label("Owner of the tickets").fill("user:pat")
    page.get_by_role("button", name="Set").press("Enter")
    expect(page.get_by_text("Set by pat")).to_be_visible()
    for path, title in (
        ("/models", "Models"),
        ("/overrides?state=all", "Overrides"),
        ("/overrides/new", "Adjust"),
    ):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        assert fits(page), path
    page.goto("/models?site=leeds")
    expect(page.locator("#events-title").locator("xpath=../..")).to_contain_text("Not trained anew")
    own = page.get_by_role("table", name="Series with models of their own")
    expect(own.locator("tbody tr").first).to_contain_text("Ljung-Box 0.41")
    expect(page.get_by_role("table", name="What drivers add")).to_contain_text("+35.5%")
    page.get_by_label("Combination with LightGBM").check()
    page.get_by_label("Most valuable series").fill("20")
    page.get_by_role("button", name="Set").press("Enter")
    expect(page.get_by_text("Set by pat")).to_be_visible()
    expect(page.get_by_label("Combination with LightGBM")).to_be_checked()
    page.get_by_label("Item").fill("I-2")
    page.get_by_label("Why").fill("our largest customer's")
    page.get_by_role("button", name="Choose").press("Enter")
    expect(own).to_contain_text("pinned by pat: our largest customer's")
    assert fits(page)
    page.goto("/accuracy")
    assert fits(page)
    page.context.close()
    assert watched.complaints == []
