"""Overrides, reviews, accuracy and models through the API, the command and the tables that pages export."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from forecasts_made import made
from rights_to_judge import OVERRIDE, judge_something
from serving import MUG, NOW, OTHER, OWN, TEA, People

from cloud.cli import main
from cloud.db import ConnectionPool
from cloud.forecasting.reviewing.opening import History, open_reviews
from cloud.identity import service, sessions
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from cloud.identity.store import act_as
from tests.integration.forecasting.judging import JOB

ROOT = Actor("system:test", frozenset({Role.ADMIN}), all_sites=True)


@pytest.fixture
def headers(pool: ConnectionPool, people: People) -> dict[str, str]:
    """Leave forecasts of 42 items, two of them odd, an override that waits, and versions of a model."""
    with pool.connection() as conn:
        run_id = made(conn, more=40)
    judge_something(pool)
    with pool.connection() as conn:
        act_as(conn, JOB)
        ids = dict(conn.execute("SELECT code, item_id FROM item ORDER BY code").fetchall())
        errors = np.random.default_rng(2).normal(size=(len(ids), 26))
        errors[[list(ids).index(TEA), list(ids).index("I-0007")], -1] = (12.0, -11.0)
        rows = History(list(ids.values()), errors, np.ones(errors.shape), np.zeros(len(ids), dtype=int), 7)
        open_reviews(conn, run_id, OWN, NOW.date() - timedelta(1), rows)
    return people.headers(f"planner@{OWN}")


def pages(client: httpx.Client, path: str, headers: dict[str, str], limit: int) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        asked = {"limit": str(limit)} | ({"after": after} if after else {})
        answer = client.get(path, params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        seen += answer.json()["items"]
        after = answer.json()["next"]
        if after is None:
            return seen


def test_what_people_and_triggers_judge_is_read_and_changed_through_the_api(
    client: httpx.Client, headers: dict[str, str], people: People
) -> None:
    def post(path: str, body: dict[str, Any], key: str) -> httpx.Response:
        return client.post(path, json=body, headers=headers | {"Idempotency-Key": key})

    small = post("/v1/forecast-overrides", OVERRIDE | {"amount": "2"}, "a")
    assert (small.status_code, small.json()["type"]) == (409, "urn:dockledger:problem:override-too-small")
    asked = post("/v1/forecast-overrides", OVERRIDE, "b")
    assert asked.status_code == 201, asked.text
    made_one = asked.json()
    assert (made_one["standing"], made_one["in_words"], made_one["value"]) == ("waiting", "80 % more", None)
    again = post("/v1/forecast-overrides", OVERRIDE, "b")
    assert again.json()["override_id"] == made_one["override_id"]
    assert again.headers["idempotent-replayed"] == "true"
    overlapping = post("/v1/forecast-overrides", OVERRIDE, "c")
    assert (overlapping.status_code, "stands on" in overlapping.json()["detail"]) == (409, True)
    wrong = post("/v1/forecast-overrides", OVERRIDE | {"to_day": "2026-01-01"}, "d")
    assert (wrong.status_code, "expected not before from_day" in wrong.json()["detail"]) == (422, True)
    listed = pages(client, "/v1/forecast-overrides", headers, 1)
    assert [row["item"] for row in listed] == [TEA, TEA, MUG]
    path = f"/v1/forecast-overrides/{made_one['override_id']}"
    taken = post(f"{path}/withdraw", {"note": "it is off"}, "e")
    assert taken.json()["standing"] == "withdrawn"
    assert client.get(path, headers=headers).json()["standing"] == "withdrawn"
    assert post(f"{path}/withdraw", {}, "f").status_code == 409
    assert client.get("/v1/forecast-overrides/value-added?by=author", headers=headers).json() == []

    (review,) = pages(client, "/v1/forecast-reviews", headers, 5)
    assert review["expected"] == pytest.approx(0.05 * review["judged"])
    odd = pages(client, "/v1/forecast-reviews/items", headers, 1)
    assert {row["item"] for row in odd[:2]} == {TEA, "I-0007"}
    assert len(odd) == review["flagged"]
    assert odd[0]["ticket_id"] is not None
    set_to = post(
        "/v1/forecast-reviews/settings", {"site": OWN, "most_per_week": 1, "owner": "user:ada"}, "g"
    )
    assert set_to.json()["most_per_week"] == 1
    settings = client.get("/v1/forecast-reviews/settings", params={"site": OWN}, headers=headers).json()
    assert (settings["owner"], settings["nominal"]) == ("user:ada", "0.05000")
    parts = client.get("/v1/forecast-accuracy", headers=headers).json()
    assert {(row["part"], row["horizon_days"]) for row in parts} >= {("all", 7), ("class", 7), ("site", 7)}
    whole = next(row for row in parts if (row["part"], row["horizon_days"]) == ("all", 7))
    assert whole["windows"] == 12
    assert whole["coverage_wide"] == pytest.approx(11 / 12)
    assert whole["idle"] == pytest.approx(0)
    assert whole["value_added"] == pytest.approx(1 - whole["wape"] / whole["naive_wape"])

    versions = pages(client, "/v1/models", headers, 1)
    assert [row["role"] for row in versions] == ["retired", "champion"]
    events = pages(client, "/v1/models/events", headers, 2)
    assert [row["kind"] for row in events] == ["withdrawn", "challenged", "trained"]
    assert post(f"/v1/models/{versions[0]['version_id']}/withdraw", {}, "h").status_code == 409
    other = people.headers(f"planner@{OTHER}")
    assert client.get(path, headers=other).status_code == 404
    assert client.get("/v1/forecast-overrides", headers=other).json()["items"] == []
    for bad in ("/v1/forecast-reviews/items?after=x", "/v1/models?after=bm8", "/v1/forecast-overrides/0"):
        assert client.get(bad, headers=headers).status_code == 422


def test_who_challenges_and_which_series_are_tried_is_said_through_the_api(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    def post(path: str, body: dict[str, Any], key: str) -> httpx.Response:
        return client.post(path, json=body, headers={**headers, "Idempotency-Key": f"challenge-{key}"})

    wish = {"site": OWN, "challengers": ["boosted"], "series_by_value": 5}
    assert post("/v1/models/settings", wish, "i").json()["challengers"] == ["boosted"]
    shown = client.get("/v1/models/settings", params={"site": OWN}, headers=headers).json()
    assert (shown["series_by_value"], shown["every_days"], shown["budget_s"]) == (5, 28, 120)
    for number, (item, choice) in enumerate(((TEA, "pinned"), (MUG, "left_out"))):
        paper = {"site": OWN, "item": item, "choice": choice}
        assert post("/v1/models/series", paper, f"j{number}").json()["choice"] == choice
    series = pages(client, "/v1/models/series", headers, 1)
    assert sorted((row["item"], row["choice"], row["standing"]) for row in series) == sorted(
        [(TEA, "pinned", None), (MUG, "left_out", None)]
    )
    assert post("/v1/models/settings", {"site": OWN, "challengers": ["oracle"]}, "k").status_code == 422
    assert post("/v1/models/series", {"site": OWN, "item": "x", "choice": "pinned"}, "l").status_code == 422


def test_pages_export_what_they_show_and_say_what_is_wrong_beside_the_form(
    client: httpx.Client, headers: dict[str, str], pool: ConnectionPool
) -> None:
    del headers
    with pool.connection() as conn:
        service.add_user(conn, ROOT, name="pia", password=None, grants=[Grant(Role.PLANNER, OWN)])
        link = service.make_login_link(conn, ROOT, name="pia", now=NOW)
    with pool.connection() as conn:
        session = sessions.log_in_by_link(conn, token=link, now=NOW)
    client.cookies.set(SESSION_COOKIE, session.token)
    tables = {
        "/overrides.csv": 2,
        "/overrides/value-added.csv?by=reason": 0,
        "/accuracy.csv": 1,
        "/accuracy/reviews.csv": 1,
    }
    for path, least in tables.items():
        rows = list(csv.DictReader(io.StringIO(client.get(path).text.removeprefix("\ufeff"))))
        assert len(rows) >= least, path
    begun = client.get("/overrides/new", params={"site": OWN, "item": TEA})
    csrf = begun.text.split('name="csrf" value="')[1].split('"')[0]
    form = OVERRIDE | {"csrf": csrf}
    refused = client.post("/overrides", data=form | {"amount": "ten"})
    assert (refused.status_code, "amount: Input should be a valid decimal" in refused.text) == (422, True)
    none = client.post("/overrides", data=form | {"item": "", "category": "nothing of it"})
    assert (none.status_code, "no forecast of an item of category" in none.text) == (422, True)
    assert client.post("/overrides", data=form | {"site": OTHER}).status_code == 403
    assert client.post("/overrides", data=form | {"csrf": "x"}).status_code == 403
    shown = client.post("/overrides/preview", data=form | {"reason": "", "evidence": ""})
    assert (shown.status_code, "System and adjusted" in shown.text) == (200, True)
    unset = client.post(
        "/accuracy/setting", data={"site": OWN, "nominal": "90", "due_days": "7", "csrf": csrf}
    )
    assert (unset.status_code, "less than or equal to 0.5" in unset.text) == (422, True)
    told = client.get("/accuracy", params={"site": OWN}).text
    assert "92 %</span> within the 95 %" in told
    assert all(part in told for part in ("The latest days", "+4.2 %", "−0.2 %"))  # noqa: RUF001  a minus
    assert client.get("/accuracy?after=2|x|y").status_code == 422
    assert client.get("/overrides/999").status_code == 404


def test_the_command_asks_lists_and_withdraws(
    headers: dict[str, str],
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del headers
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", database.app_dsn)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["forecast", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    days = ("--from", OVERRIDE["from_day"], "--to", OVERRIDE["to_day"])
    wish = ("override", "add", "--site", OWN, "--item", TEA, *days, "--reason", "weather", "--evidence", "x")
    code, _, err = run(*wish, "--percent", "2")
    assert (code, "confirm_small" in err) == (1, True)
    code, out, _ = run(*wish, "--replace", "200", "--per", "week", "--json")
    assert code == 0
    number = str(json.loads(out)["override_id"])
    code, _, err = run(*wish, "--add", "5")
    assert (code, "expected day or week" in err) == (1, True)
    code, out, _ = run("override", "list", "--site", OWN)
    assert (code, f"{TEA}, {OVERRIDE['from_day']} to" in out, "200 each a week; weather" in out) == (
        0,
        True,
        True,
    )
    code, out, _ = run("override", "withdraw", number)
    assert (code, "withdrawn" in out) == (0, True)
    assert run("override", "value", "--by", "author")[:2] == (0, "")
    code, out, _ = run("reviews", "set", "--site", OWN, "--most-per-week", "20", "--owner", "user:ada")
    assert (code, "at most 20 a week; owner user:ada" in out) == (0, True)
    code, out, _ = run("reviews", "list")
    assert (code, "expected though nothing changed" in out) == (0, True)
    code, out, _ = run("reviews", "items")
    assert (code, f"{OWN} {TEA}: last error outside its band" in out) == (0, True)
    code, out, _ = run("models", "list")
    assert (code, "champion   madrid flat: 2 series" in out) == (0, True)
    code, out, _ = run("models", "events")
    assert (code, "withdrawn flat" in out) == (0, True)
    code, _, err = run("models", "withdraw", "1")
    assert (code, "expected a challenger" in err) == (1, True)
