"""Logins, locks, sessions and keys, by the clock."""

from datetime import timedelta

import httpx
import pytest
from serving import NOW, OWN, PASSWORD, ROOT, Clock, People

from cloud.db import ConnectionPool
from cloud.identity import service, sessions
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant, LockedOutError, LoginRefusedError
from cloud.identity.gate import SESSION_COOKIE


def log_in(pool: ConnectionPool, password: str, *, name: str = "ada", minutes: float = 0) -> sessions.Login:
    with pool.connection() as conn:
        return sessions.log_in(conn, name=name, password=password, now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("name", ["ada", "nobody-of-this-name"])
def test_the_sixth_wrong_password_is_not_even_looked_at(
    pool: ConnectionPool, people: People, name: str
) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefusedError, match="name or password is wrong"):
            log_in(pool, "wrong", name=name)
    with pytest.raises(LockedOutError, match="too many attempts"):
        log_in(pool, PASSWORD, name=name)


def test_a_lock_ends_by_itself_and_a_right_password_forgets_the_wrong_ones(
    pool: ConnectionPool, people: People
) -> None:
    for _ in range(5):
        with pytest.raises(LoginRefusedError):
            log_in(pool, "wrong")
    assert log_in(pool, PASSWORD, minutes=1).actor.id == "user:ada"
    with pytest.raises(LoginRefusedError, match="name or password"):
        log_in(pool, "wrong", minutes=1)


def test_a_refused_login_is_in_the_audit_trail(pool: ConnectionPool, people: People) -> None:
    with pytest.raises(LoginRefusedError):
        log_in(pool, "wrong")
    with pool.connection() as conn:
        last = conn.execute(
            "SELECT action, target FROM audit_event ORDER BY audit_id DESC LIMIT 1"
        ).fetchone()
    assert last == ("login_refused", "ada")


def test_a_barred_person_is_out_at_once(pool: ConnectionPool, people: People) -> None:
    login = log_in(pool, PASSWORD)
    with pool.connection() as conn:
        service.bar_user(conn, ROOT, name="ada", at=NOW)
    with pool.connection() as conn:
        assert sessions.resume(conn, token=login.token, now=NOW) is None
    with pytest.raises(LoginRefusedError):
        log_in(pool, PASSWORD)


def test_a_session_ends_idle_after_two_hours_and_in_any_case_after_twelve(
    pool: ConnectionPool, people: People
) -> None:
    token = log_in(pool, PASSWORD).token

    def is_alive(hours: float) -> bool:
        with pool.connection() as conn:
            return sessions.resume(conn, token=token, now=NOW + timedelta(hours=hours)) is not None

    assert [is_alive(hours) for hours in (1.9, 3.8, 5.7, 7.6, 9.5, 11.4, 12.1)] == [True] * 6 + [False]
    token = log_in(pool, PASSWORD).token
    assert not is_alive(2.1)


def test_a_role_revoked_is_gone_with_the_next_request(
    pool: ConnectionPool, people: People, client: httpx.Client
) -> None:
    cookies = {"Cookie": f"{SESSION_COOKIE}={log_in(pool, PASSWORD).token}"}
    assert client.get("/stock", headers=cookies).status_code == 200
    with pool.connection() as conn:
        service.change_grants(
            conn,
            ROOT,
            name="ada",
            revoke=[Grant.parse(f"supervisor@{OWN}"), Grant.parse(f"inventory_controller@{OWN}")],
        )
    assert client.get("/stock", headers=cookies).status_code == 403


def test_a_change_by_cookie_needs_the_sessions_csrf_token(
    pool: ConnectionPool, people: People, client: httpx.Client
) -> None:
    token = log_in(pool, PASSWORD).token
    headers = {"Cookie": f"{SESSION_COOKIE}={token}", "Idempotency-Key": "k"}
    body = {"site": OWN, "code": "NEW-1", "kind": "bin"}
    forged = client.post("/v1/locations", json=body, headers=headers)
    assert (forged.status_code, forged.json()["type"]) == (403, "urn:dockledger:problem:no-csrf-token")
    headers["X-CSRF-Token"] = csrf_token(token)
    assert client.post("/v1/locations", json=body, headers=headers).status_code == 201
    assert client.post("/logout", headers=headers).status_code == 403


def test_a_login_form_of_another_site_is_refused(client: httpx.Client, people: People) -> None:
    form = {"name": "ada", "password": PASSWORD}
    assert client.post("/login", data=form, headers={"Origin": "https://evil.example"}).status_code == 403


def test_a_key_ends_when_revoked_or_expired(
    pool: ConnectionPool, people: People, client: httpx.Client, clock: Clock
) -> None:
    headers = people.headers("auditor")
    assert client.get("/v1/items", headers=headers).status_code == 200
    with pool.connection() as conn:
        service.revoke_api_key(conn, ROOT, key_id=people.keys["auditor"].split("_")[1], now=NOW)
    assert client.get("/v1/items", headers=headers).status_code == 401
    clock.now = NOW + timedelta(days=31)
    assert client.get("/v1/items", headers=people.headers("planner")).status_code == 401


def test_no_secret_is_stored_as_it_is(pool: ConnectionPool, people: People) -> None:
    login = log_in(pool, PASSWORD)
    with pool.connection() as conn:
        stored = "".join(
            str(conn.execute(f"SELECT array_agg(t::text) FROM {table} AS t").fetchone())
            for table in ("app_user", "session", "api_key", "login_link", "audit_event")
        )
    for secret in (PASSWORD, login.token, people.keys["auditor"]):
        assert secret not in stored
