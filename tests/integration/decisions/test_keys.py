"""A key is no other person: whom it acts for does not approve what it asks for, and a machine nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from deciding import ADA, BOB, LEEDS, ROOT, Desk, wanted

import cloud
from cloud.db import ConnectionPool
from cloud.decisions import limits
from cloud.decisions.domain import AboveLimitError, OwnDecisionError, State
from cloud.decisions.limits import LimitPaper
from cloud.identity import sessions
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant, IdentityError
from cloud.identity.service import add_user, bar_user, bind_api_key, create_api_key, list_api_keys
from cloud.identity.store import act_as

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
GRANTS = [Grant.parse(f"{role}@{LEEDS}") for role in ("approver", "inventory_controller")]
SHELL = replace(ROOT, id="system:shell", roles=ROOT.roles | {Role.AUDITOR})


@pytest.fixture(scope="module")
def keys(pool: ConnectionPool) -> dict[str, str]:
    """Make people and keys once; names stay bound for ever."""
    made = {}
    with pool.connection() as conn:
        for name in ("ada", "bob", "root"):
            add_user(conn, ROOT, name=name, password=None, grants=[])
        for name, acts_for in (("ada-desk", "ada"), ("bob-desk", "bob"), ("erp", None)):
            made[name] = create_api_key(
                conn, SHELL, name=name, grants=GRANTS, life=timedelta(9), now=NOW, acts_for=acts_for
            )
    return made


@pytest.fixture
def acting(desk: Desk, keys: dict[str, str]) -> dict[str, Actor]:
    """Give who each key is, as a request finds it."""
    found = {
        name: desk.run(lambda conn, key=key: sessions.actor_of_key(conn, key=key, now=NOW))  # type: ignore[misc]
        for name, key in keys.items()
    }
    return {name: actor for name, actor in found.items() if actor is not None}


def test_nobody_approves_their_own_under_a_keys_name(desk: Desk, acting: dict[str, Actor]) -> None:
    key = acting["ada-desk"]
    assert (key.id, key.person, key.is_machine) == ("key:ada-desk", "user:ada", False)
    for author, approver in ((ADA, key), (key, ADA), (key, key)):
        decision = desk.submitted(wanted(f"variance/{author.id}/{approver.id}"), author)
        assert decision.persons == ["user:ada"]
        with pytest.raises(OwnDecisionError, match="your own"):
            desk.apply(approver, decision)
        with desk.pool.connection() as conn:
            act_as(conn, approver)
            with pytest.raises(psycopg.errors.RestrictViolation, match="their own"):
                conn.execute(
                    "UPDATE decision SET state = 'approved', approver = %s, approved_as = 'approver'"
                    " WHERE decision_id = %s",
                    (approver.id, decision.decision_id),
                )
            conn.rollback()
        by_another = desk.apply(acting["bob-desk"], decision)
        assert (by_another.state, by_another.approver) == (State.APPLIED, "key:bob-desk")
        assert by_another.approving_person == "user:bob"


def test_a_machines_key_asks_and_approves_nothing(desk: Desk, acting: dict[str, Actor]) -> None:
    machine = acting["erp"]
    assert machine.is_machine
    decision = desk.submitted(wanted("variance/others"), ADA)
    for answer in (desk.apply, desk.reject):
        with pytest.raises(AboveLimitError, match="key:erp acts for no person"):
            answer(machine, decision)
    with desk.pool.connection() as conn:
        act_as(conn, machine)
        with pytest.raises(psycopg.errors.RestrictViolation, match="acts for nobody"):
            conn.execute(
                "UPDATE decision SET state = 'approved', approver = 'key:erp', approved_as = 'approver'"
            )
        conn.rollback()
    asked = desk.submitted(wanted("variance/machine"), machine)
    assert desk.apply(BOB, asked).state is State.APPLIED


def test_a_persons_day_is_one_whatever_keys_they_use(desk: Desk, acting: dict[str, Actor]) -> None:
    desk.run(lambda conn: limits.put_limit(conn, ROOT, LimitPaper("approver", "GBP", Decimal(120))))
    first, second, third = (desk.submitted(wanted(f"variance/{number}")) for number in range(3))
    desk.apply(BOB, first)
    desk.apply(acting["bob-desk"], second)
    with pytest.raises(AboveLimitError, match="after 100 for the same item today"):
        desk.apply(BOB, third)
    with pytest.raises(AboveLimitError, match="after 100 for the same item today"):
        desk.apply(acting["bob-desk"], third)


def test_for_whom_a_key_acts_is_said_once(desk: Desk, keys: dict[str, str]) -> None:
    def create(actor: Actor, name: str, acts_for: str | None = None) -> str:
        return desk.run(
            lambda conn: create_api_key(
                conn, actor, name=name, grants=GRANTS, life=timedelta(9), now=NOW, acts_for=acts_for
            )
        )

    with pytest.raises(IdentityError, match="act for 'ada' and always will"):
        create(SHELL, "ada-desk", "bob")
    with pytest.raises(IdentityError, match="no user 'nobody'"):
        create(SHELL, "other", "nobody")
    with pytest.raises(IdentityError, match="no API key named 'other'"):
        desk.run(lambda conn: bind_api_key(conn, SHELL, name="other", acts_for="ada"))
    create(ROOT, "roots-own")
    create(ROOT, "erp")
    create(SHELL, "wms")
    desk.run(lambda conn: bind_api_key(conn, SHELL, name="wms", acts_for="bob"))
    told = {key.name: key.person for key in desk.run(lambda conn: list_api_keys(conn, SHELL))}
    assert told == {"ada-desk": "ada", "bob-desk": "bob", "erp": None, "roots-own": "root", "wms": "bob"}
    with desk.pool.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("UPDATE api_key_person SET person = 'bob'")


def test_a_key_of_somebody_barred_opens_nothing(desk: Desk, keys: dict[str, str]) -> None:
    desk.run(lambda conn: bar_user(conn, ROOT, name="ada", at=NOW))
    assert desk.run(lambda conn: sessions.actor_of_key(conn, key=keys["ada-desk"], now=NOW)) is None
    desk.run(lambda conn: bar_user(conn, ROOT, name="ada", at=None))
    assert desk.run(lambda conn: sessions.actor_of_key(conn, key=keys["ada-desk"], now=NOW)) is not None


def test_the_upgrade_binds_a_name_only_to_the_one_person_who_made_all_its_keys(
    shared: Any, keys: dict[str, str]
) -> None:
    """Run the migration's own statement on keys of before; it is undone."""
    made = {
        "mine": ["user:ada", "user:ada"],
        "ours": ["user:ada", "user:bob"],
        "half": ["user:ada", "system:shell"],
        "shells": ["system:shell"],
        "gone": ["user:nobody"],
    }
    text = (Path(cloud.__file__).parent / "db/migrations/0360_persons_behind_keys.sql").read_text()
    start = text.index("INSERT INTO api_key_person")
    with psycopg.connect(shared.admin_dsn) as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute("TRUNCATE api_key_person, api_key")
        rows = [(name, by) for name, makers in made.items() for by in makers]
        for number, (name, by) in enumerate(rows):
            conn.execute(
                "INSERT INTO api_key (key_id, key_sha256, name, grants, created_by, expires_at)"
                " VALUES (%s, %s, %s, '{auditor}', %s, now())",
                (f"{number:012x}", number.to_bytes(32, "big"), name, by),
            )
        conn.execute(text[start : text.index(";", start)].encode())
        assert conn.execute("SELECT name, person FROM api_key_person").fetchall() == [("mine", "ada")]
        conn.rollback()
