"""`/v1/forecasts` and the *Forecast* pages over a real database."""

import csv
import io
from datetime import date
from decimal import Decimal

import httpx
import pytest
from forecasts_made import LAST_DAY, made
from serving import MUG, NOW, OTHER, OWN, ROOT, TEA, People

from cloud.db import ConnectionPool
from cloud.forecasting.domain import LEVELS
from cloud.identity import service, sessions
from cloud.identity.actor import Role
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE


@pytest.fixture
def headers(pool: ConnectionPool, people: People) -> dict[str, str]:
    with pool.connection() as conn:
        made(conn, more=3)
    return people.headers(f"planner@{OWN}")


def test_forecasts_are_listed_page_by_page_and_given_whole(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    seen, after = [], None
    while True:
        answer = client.get(
            "/v1/forecasts", params={"limit": 2} | ({"after": after} if after else {}), headers=headers
        )
        assert answer.status_code == 200, answer.text
        seen += [row["item"] for row in answer.json()["items"]]
        after = answer.json()["next"]
        if after is None:
            break
    assert seen == sorted(["I-0001", "I-0002", "I-0003", TEA, MUG])
    short = client.get("/v1/forecasts", params={"is_sufficient": False}, headers=headers).json()["items"]
    assert [row["item"] for row in short] == [MUG]
    assert short[0]["wape"] is None
    answer = client.get(f"/v1/forecasts/{OWN}/{TEA}", headers=headers)
    whole = answer.json()
    assert len(whole["mean"]) == 91
    assert [part["days"] for part in whole["cumulative"]] == [1, 7, 10, 14, 28, 56, 91]
    assert list(whole["cumulative"][0]["quantiles"]) == [str(level) for level in LEVELS]
    assert whole["history"][-4] is None
    unknown = [line["horizon_days"] for line in whole["backtest"] if line["actual"] is None]
    assert sorted(unknown) == [7, 14]
    assert len(whole["run"]["sha256"]) == 64
    by_week, days = whole["weeks"], [Decimal(day) for day in whole["days"]]
    assert sum(Decimal(week["expected"]) for week in by_week) == sum(days) == 910
    assert sum(Decimal(part["expected"]) for part in whole["four_weeks"]) == 910
    assert {date.fromisoformat(week["from_day"]).isoweekday() for week in by_week} == {1}
    assert sum(week["days"] for week in by_week) == len(days) == 91
    chosen = client.get("/v1/forecast-buckets", params={"site": OWN, "limit": 1}, headers=headers).json()
    assert chosen["next"] is None
    (choice,) = chosen["items"]
    assert (choice["class_name"], choice["bucket"]) == ("smooth, short review", "four_weeks")
    assert (choice["is_in_force"], choice["evidence"]["cost"]["week"]) == (True, 3.0)
    etag = {**headers, "If-None-Match": answer.headers["etag"]}
    assert client.get(f"/v1/forecasts/{OWN}/{TEA}", headers=etag).status_code == 304
    for path, status in WRONG.items():
        answer = client.get(path, headers=headers)
        assert (path, answer.status_code) == (path, status)
        assert status == 200 or answer.json()["detail"]


WRONG = {
    "/v1/forecasts?after=nonsense": 422,
    "/v1/forecasts?limit=0": 422,
    "/v1/forecasts?search=%00": 422,
    "/v1/forecasts?site=%00": 403,
    "/v1/forecasts?search=%25_%5C": 200,
    f"/v1/forecasts/{OWN}/unknown": 404,
    f"/v1/forecasts/{OWN}/a%00b": 422,
    f"/v1/forecasts/{OTHER}/{TEA}": 403,
    "/v1/forecasts/%0a/x": 422,
    "/v1/forecast-buckets?after=nonsense": 422,
    f"/v1/forecast-buckets?site={OTHER}": 403,
}
"""Questions, and how they are answered."""


def test_pages_list_order_explain_and_export(
    client: httpx.Client, headers: dict[str, str], pool: ConnectionPool
) -> None:
    del headers
    with pool.connection() as conn:
        service.add_user(conn, ROOT, name="pia", password=None, grants=[Grant(Role.PLANNER, OWN)])
        link = service.make_login_link(conn, ROOT, name="pia", now=NOW)
    with pool.connection() as conn:
        client.cookies.set(SESSION_COOKIE, sessions.log_in_by_link(conn, token=link, now=NOW).token)
    for order in ("item", "volume", "wape", "gain", "bias", "insufficient"):
        listed = client.get("/forecast", params={"order": order})
        assert listed.status_code == 200
        assert TEA in listed.text
    assert client.get("/forecast", params={"item": "nothing like it"}).text.count("Nothing matches") == 1
    assert client.get("/forecast", params={"after": "nan|x|y"}).status_code == 422
    assert client.get("/forecast", params={"after": "inf|x|y"}).status_code == 200
    page = client.get(f"/forecast/{OWN}/{TEA}").text
    assert "better than naive" in page
    assert page.count("<svg") >= 2
    assert "33.3% less than of week" in page
    assert "the last week again (not to be chosen): +350.0 %" in page
    weeks = client.get(f"/forecast/{OWN}/{TEA}?export=weeks").text.splitlines()
    assert weeks[0].endswith("from_day,to_day,days,expected")
    assert sum(Decimal(line.rsplit(",", 1)[1]) for line in weeks[1:]) == 910
    assert LAST_DAY.isoformat() in page
    assert "Insufficient data" in client.get(f"/forecast/{OWN}/{MUG}").text
    assert client.get(f"/forecast/{OWN}/unknown").status_code == 404
    rows = list(csv.reader(io.StringIO(client.get("/forecast.csv").text.removeprefix("\ufeff"))))
    assert len(rows) == 1 + 5
    days = list(
        csv.reader(io.StringIO(client.get(f"/forecast/{OWN}/{TEA}?export=days").text.removeprefix("\ufeff")))
    )
    assert [row[0] for row in days] == ["horizon_days", "1", "7", "10", "14", "28", "56", "91"]
