"""Effects of a site's events: learned from its demand, and tried out, by service and command."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from cloud.cli import main
from cloud.db import Connection, open_pool
from cloud.events.domain import Kind
from cloud.forecasting.domain import ForecastError
from cloud.forecasting.effects.reading import Expected, site_effects, what_if
from cloud.identity import service as identity
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from tests.integration.api.serving import served
from tests.integration.events.promoted import FACTOR, JOB, promoted
from tests.integration.ledger.scenario import Ledger, open_ledger
from tests.patience import PATIENCE_S

LAST = datetime.now(UTC).date() - timedelta(days=1)
NOW = datetime.now(UTC)
ADMIN = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)


@pytest.fixture(scope="module")
def opened(cluster: Any, template: str) -> Iterator[tuple[Ledger, str]]:
    with cluster.clone(template) as database, open_ledger(database, sites=("leeds", "york")) as ledger:
        promoted(ledger, last_day=LAST)
        yield ledger, database.app_dsn


def tried(ledger: Ledger, **plan: Any) -> list[Expected]:
    wish = {
        "kind": Kind.PROMOTION,
        "attributes": {"depth": 0.2},
        "from_day": LAST + timedelta(days=8),
        "to_day": LAST + timedelta(days=14),
        "item": "I-1",
    } | plan

    def work(conn: Connection) -> list[Expected]:
        return what_if(site_effects(conn, JOB, site="leeds", now=NOW), conn, **wish)

    return ledger.as_app(work)


def test_what_a_promotion_does_is_learned_and_told_for_a_plan(opened: tuple[Ledger, str]) -> None:
    ledger, _ = opened
    found = tried(ledger)
    own, others = found[0], found[1:]
    assert own.item == "I-1"
    assert own.is_own
    assert own.low < FACTOR < own.high < 1.3 * own.low
    assert own.base == pytest.approx(70)
    assert own.expected == pytest.approx(70 * own.factor)
    assert [one.is_own for one in others] == [False] * 11
    assert all(one.low < 1 < one.high for one in others)
    told = ledger.as_app(lambda conn: site_effects(conn, JOB, site="leeds", now=NOW))
    assert {one.effect.name for one in told.effects.learned} == {"promotion", "promotion depth"}
    usual = told.effects.usual_promotion
    assert usual is not None
    assert usual.low < FACTOR < usual.high < 1.15 * usual.low
    assert all(one.course is not None and one.weeks == 72 for one in told.effects.learned)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"item": "NONE"}, "item 'NONE': nothing of it was asked for"),
        ({"from_day": date(2020, 1, 1), "to_day": date(2020, 1, 2)}, "expected days of"),
        ({"kind": Kind.DISRUPTION, "attributes": {}}, "of 'disruption' nothing was learned"),
        ({"attributes": {"depth": 3}}, "'depth' 3: expected 0 to 0.95"),
        ({"category": "tea"}, "an item or a category, and not both"),
    ],
)
def test_a_plan_that_cannot_be_told_is_refused(
    opened: tuple[Ledger, str], plan: dict[str, Any], message: str
) -> None:
    with pytest.raises(ForecastError, match=message):
        tried(opened[0], **plan)


def test_commands_tell_effects_and_plans(
    opened: tuple[Ledger, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", opened[1])

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["forecast", "events", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    plan = ("--from", str(LAST + timedelta(8)), "--to", str(LAST + timedelta(14)), "--kind", "promotion")
    code, out, _ = run("whatif", "--site", "leeds", "--item", "I-1", *plan, "--set", "depth=0.2")
    assert code == 0
    assert out.startswith("I-1: 70.0 each as forecast, 1")
    assert "I-2 (same category)" in out
    code, out, _ = run("effects", "--site", "leeds", "--json")
    told = orjson.loads(out)
    assert {one["name"] for one in told["effects"]} == {"promotion", "promotion depth"}
    assert told["cannibalisation"]["low"] < 1 < told["cannibalisation"]["high"]
    assert "x " in run("effects", "--site", "leeds")[1]
    code, _, err = run("effects", "--site", "york")
    assert (code, err) == (
        1,
        "dockledger: site 'york': no demand is known, from which effects could be learned\n",
    )
    added = (
        "add",
        "--site",
        "york",
        "--name",
        "fair",
        "--from",
        "2026-03-02",
        "--to",
        "2026-03-03",
        "--kind",
    )
    code, out, _ = run(*added, "other")
    assert out.startswith("73.1 2026-03-02 to 2026-03-03 other 'fair', all items at york")
    assert run(*added, "price")[2].startswith("dockledger:")
    assert (
        run("withdraw", "73", "--revision", "1", "--reason", "rain")[1].rstrip().endswith("withdrawn: rain")
    )
    assert run("holidays", "--site", "york")[2].startswith("dockledger: site 'york' states no country")
    feasts = ("holidays", "--site", "york", "--country", "DE", "--region", "BY", "--json")
    assert orjson.loads(run(*feasts)[1])["added"] > 40
    assert len(run("list", "--site", "york", "--json")[1].splitlines()) > 40
    assert "Neujahr" in run("list", "--site", "york")[1] or "New Year" in run("list", "--site", "york")[1]


def test_the_api_tells_effects_and_plans(opened: tuple[Ledger, str]) -> None:
    ledger, dsn = opened
    plan: dict[str, Any] = {
        "site": "leeds",
        "kind": "promotion",
        "item": "I-1",
        "attribute": "depth=0.2",
        "from_day": (LAST + timedelta(days=8)).isoformat(),
        "to_day": (LAST + timedelta(days=14)).isoformat(),
    }
    with (
        open_pool(dsn, "test-effects") as pool,
        served(Gate(pool, lambda: NOW)) as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as client,
    ):
        with pool.connection() as conn:
            grants = [Grant(Role.PLANNER, "leeds")]
            key = identity.create_api_key(
                conn, ADMIN, name="pia", grants=grants, life=timedelta(days=1), now=NOW
            )
        client.headers["Authorization"] = f"Bearer {key}"
        told = client.get("/v1/events/effects", params={"site": "leeds"})
        assert told.status_code == 200
        assert {one["name"] for one in told.json()["effects"]} == {"promotion", "promotion depth"}
        assert told.json()["usual_promotion"]["low"] < FACTOR < told.json()["usual_promotion"]["high"]
        answer = client.get("/v1/events/what-if", params=plan)
        (own, *others) = answer.json()["items"]
        (wanted, *_) = tried(ledger)
        assert (answer.status_code, own["item"], own["is_own"], len(others)) == (200, "I-1", True, 11)
        assert own["expected"] == pytest.approx(wanted.expected)
        for wrong, status, message in (
            ({"attribute": "depth=3"}, 422, "expected 0 to 0.95"),
            ({"attribute": ["depth=0.2", "depth=0.3"]}, 422, "attribute 'depth' stands there twice"),
            ({"attribute": "depth"}, 422, "should match pattern"),
            ({"category": "tea"}, 422, "an item or a category, and not both"),
            ({"from_day": "2020-01-01"}, 422, "expected days of"),
            ({"kind": "comet"}, 422, "promotion"),
            ({"site": "york"}, 403, "no right at site 'york'"),
        ):
            refused = client.get("/v1/events/what-if", params=plan | wrong)
            assert (refused.status_code, message in refused.text) == (status, True), refused.text
