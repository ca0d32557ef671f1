"""Runs, jobs and slots through the API and on their pages."""

from datetime import timedelta

import httpx
import pytest
from serving import NOW, OTHER, OWN, PASSWORD, People

from cloud.db import ConnectionPool
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs

PLANNING = Actor("job:planning", frozenset({Role.PLANNER}), all_sites=True)
READER = f"operator@{OWN}"

JOBS = """
    INSERT INTO job (job, trigger, is_slotted, known_since, next_at, holder, lease_until, runs,
        failures, last_at)
    VALUES ('counting', 'every 1.5 s', false, %(now)s, NULL, 'host:1:ab', '2999-01-01Z', 40, 2, %(now)s),
        ('forecast/Europe/Madrid', 'daily at 02:30 Europe/Madrid', true, %(now)s, %(next)s, NULL, NULL, 0, 0,
            NULL)
    """


@pytest.fixture
def run_ids(pool: ConnectionPool, people: People) -> list[int]:
    """Give a run that is done and one that failed at the own site, and one that runs at another."""
    del people
    begun = []
    for site in (OWN, OWN, OTHER):
        with pool.connection() as conn:
            given = {"inputs": {"demand_lines": 12, "until": NOW}, "parameters": {"levels": [0.5, 0.95]}}
            begun.append(runs.begin(conn, PLANNING, kind="forecast", site=site, slot=NOW, **given))
            act_as(conn, PLANNING)
            if len(begun) == 1:
                runs.fail(conn, begun[0], ValueError("no history of <b>TEA-500</b>"))
            elif len(begun) == 2:
                runs.finish(conn, begun[1], {"forecasts": 3})
    return begun


@pytest.fixture
def slots(pool: ConnectionPool) -> None:
    """Keep what schedulers would: a loop, a job, and five of its slots."""
    with pool.connection() as conn:
        conn.execute(JOBS, {"now": NOW, "next": NOW + timedelta(days=1)})
        for days in range(5):
            slot = NOW - timedelta(days=days)
            conn.execute(
                "INSERT INTO job_run (job, slot, started_at, finished_at, state, attempts, outcome) VALUES "
                "('forecast/Europe/Madrid', %s, %s, %s, %s, %s, '{\"forecasts\": 3}')",
                (
                    slot,
                    slot + timedelta(minutes=9),
                    slot + timedelta(minutes=10),
                    "missed" if days == 3 else "done",
                    0 if days == 3 else 1,
                ),
            )


def test_a_run_tells_what_it_rests_on_to_those_of_its_site(
    client: httpx.Client, people: People, run_ids: list[int]
) -> None:
    headers = people.headers(READER)
    listed = client.get("/v1/runs", headers=headers).json()["items"]
    assert [(run["run_id"], run["state"]) for run in listed] == [(run_ids[1], "done"), (run_ids[0], "failed")]
    first = client.get("/v1/runs", headers=headers, params={"limit": 1}).json()
    second = client.get("/v1/runs", headers=headers, params={"limit": 1, "after": first["next"]}).json()
    assert [run["error"] for run in second["items"]] == ["ValueError: no history of <b>TEA-500</b>"]
    whole = client.get(f"/v1/runs/{run_ids[1]}", headers=headers)
    told = whole.json()
    assert (told["inputs"], told["parameters"]) == (
        {"demand_lines": 12, "until": "2026-03-02T14:00:00Z"},
        {"levels": [0.5, 0.95]},
    )
    assert told["outcome"] == {"forecasts": 3}
    assert told["duration_s"] >= 0
    assert list(told["completeness"]) == [OWN]
    again = client.get(f"/v1/runs/{run_ids[1]}", headers=headers | {"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304
    assert client.get(f"/v1/runs/{run_ids[2]}", headers=headers).status_code == 404


def test_slots_come_in_pages_and_say_how_late_they_were(
    client: httpx.Client, people: People, slots: None
) -> None:
    headers = people.headers(READER)
    jobs = client.get("/v1/jobs", headers=headers).json()["items"]
    assert [(job["job"], job["condition"]) for job in jobs] == [
        ("counting", "running"),
        ("forecast/Europe/Madrid", "done"),
    ]
    seen, params = [], {"limit": 2}
    while True:
        told = client.get("/v1/jobs/slots", headers=headers, params=params).json()
        seen += [(slot["slot"][:10], slot["state"], slot["duration_s"]) for slot in told["items"]]
        if told["next"] is None:
            break
        params["after"] = told["next"]
    assert seen == [
        ("2026-03-02", "done", 60.0),
        ("2026-03-01", "done", 60.0),
        ("2026-02-28", "done", 60.0),
        ("2026-02-27", "missed", None),
        ("2026-02-26", "done", 60.0),
    ]
    for after in ("nonsense", "WyJhIiwiYiIsImMiXQ", "WyIyMDI2LTAzLTAyIiwiYiIsIjIwMjYtMDMtMDIiXQ"):
        answer = client.get("/v1/jobs/slots", headers=headers, params={"after": after})
        assert answer.status_code == 422, answer.text
    for odd in ("\0", "x" * 129):
        assert client.get("/v1/jobs/slots", headers=headers, params={"job": odd}).status_code == 422
        assert client.get("/v1/runs", headers=headers, params={"kind": odd}).status_code == 422
    assert client.get("/v1/runs/99999999999999999999", headers=headers).status_code == 422


def test_pages_show_jobs_and_runs_and_escape_what_errors_say(
    client: httpx.Client, people: People, run_ids: list[int], slots: None
) -> None:
    client.post("/login", data={"name": "ada", "password": PASSWORD})
    page = client.get("/runs").text
    assert "Counting" in page
    assert "9 min 0 s late" in page
    assert "no history of &lt;b&gt;TEA-500&lt;/b&gt;" in page
    assert f'href="/runs/{run_ids[1]}"' in page
    assert f'href="/runs/{run_ids[2]}"' not in page
    assert f'href="/runs/{run_ids[0]}"' not in client.get("/runs", params={"state": "done"}).text
    shown = client.get(f"/runs/{run_ids[1]}").text
    assert "Demand lines" in shown
    assert "0.5, 0.95" in shown
    assert client.get(f"/runs/{run_ids[2]}").status_code == 404


def test_metrics_tell_of_jobs_that_fail_or_do_not_run(
    client: httpx.Client, people: People, slots: None, pool: ConnectionPool
) -> None:
    with pool.connection() as conn:
        conn.execute("UPDATE job SET failing_since = %s WHERE job = 'counting'", (NOW,))
        conn.execute("UPDATE job SET next_at = %s WHERE is_slotted", (NOW - timedelta(minutes=10),))
    told = client.get("/metrics", headers=people.headers(READER)).text
    assert 'dockledger_job_failing{job="counting"} 1.0' in told
    assert 'dockledger_job_failing{job="forecast/Europe/Madrid"} 0.0' in told
    assert 'dockledger_job_overdue_seconds{job="counting"} 0.0' in told
    assert 'dockledger_job_overdue_seconds{job="forecast/Europe/Madrid"} 600.0' in told
