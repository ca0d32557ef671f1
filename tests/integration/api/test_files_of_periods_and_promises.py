"""Periods, and what may be promised by date, go out as the files of their pages."""

import httpx
from serving import MUG, OWN, People
from test_authorisation_matrix import something_of_all, things_of_own_site
from test_files import one_who_may_all, table_of

from cloud.db import ConnectionPool
from cloud.identity.gate import SESSION_COOKIE


def test_days_to_come_and_periods_are_files_of_what_their_pages_show(
    pool: ConnectionPool, ingest: ConnectionPool, people: People, client: httpx.Client
) -> None:
    del people
    something_of_all(pool, ingest)
    things_of_own_site(pool)
    caller = one_who_may_all(pool)
    client.headers["Cookie"] = f"{SESSION_COOKIE}={caller.session}"
    story = client.get(f"/v1/availability/{OWN}/{MUG}", headers=caller.headers).json()
    header, *rows = table_of(client.get(f"/availability/{OWN}/{MUG}/days.csv"))
    assert header == ["on", "available", "receipts", "orders", "expiring", "projected"]
    days = next(value for value in story.values() if isinstance(value, list) and "projected" in value[0])
    assert [row[0] for row in rows] == [day["on"] for day in days]
    assert [float(row[5]) for row in rows] == [float(day["projected"]) for day in days]
    header, *rows = table_of(client.get(f"/availability/{OWN}/{MUG}/to-come.csv"))
    assert header[:6] == ["type", "id", "line", "partner", "due_on", "quantity"]
    assert client.get(f"/availability/{OWN}/NO-SUCH/days.csv").status_code == 404
    page = client.get("/periods", params={"site": OWN}).text
    header, *rows = table_of(client.get("/periods.csv", params={"site": OWN}))
    assert header == [
        *("period", "first_day", "last_day", "state"),
        *("closed_at", "closed_by", "asked_by", "as_of_position", "revision"),
    ]
    asked = client.get(f"/v1/periods/{OWN}", params={"limit": len(rows)}, headers=caller.headers).json()
    assert [row[3] for row in rows] == [each["state"] for each in asked["items"]]
    assert len(rows) >= 18
    assert all(f">{row[0]}</a>" in page for row in rows[:18])
    assert client.get("/periods.csv", params={"site": "nowhere"}).status_code in {403, 404}
