"""What sources publish, as the door hands it over: stored, or held until its reason no longer holds."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asking import NOW, TEA, Demand
from shop import ADMIN, Pulls, pulling

from cloud.cli import main
from cloud.db import Connection
from cloud.demand import held
from cloud.demand.sources import service
from cloud.demand.sources.domain import NewSource, SourceKind, SourceSettings
from cloud.demand.sources.messages import MOST_BYTES, Message, set_aside, take_message
from cloud.demand.sources.replaying import replay_held
from cloud.demand.store import lock_sources
from cloud.demand.waiting import NEVER
from contracts.demand import DemandAnswer
from tests.integration.ledger.scenario import CONTROLLER

LINE = {
    "document": "W-1",
    "line": "1",
    "identifier": {"scheme": "gtin", "value": TEA},
    "quantity": "2",
    "requested_at": "2026-03-02T09:30:00Z",
}


@pytest.fixture(scope="module")
def pulls(furnished: Demand) -> Iterator[Pulls]:
    with pulling(furnished.ledger.app_dsn) as opened:
        yield opened


def add(demand: Demand, name: str, **how: Any) -> int:
    wished = NewSource("leeds", name, SourceKind.MQTT, None, SourceSettings.model_validate(how), None, 5)
    made = demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, wished, site="leeds", now=NOW))
    return made.source_id


def publish(demand: Demand, name: str, payload: bytes | dict[str, Any], site: str = "leeds") -> DemandAnswer:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = Message(f"dl/demand/v1/{site}/{name}/lines", body)
    return demand.ledger.as_app(lambda conn: take_message(conn, message, now=NOW))[1]


def lines(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"schema": 1, "lines": [LINE | change for change in changes]}


def stored(demand: Demand, name: str) -> list[tuple]:
    return demand.ledger.query(
        "SELECT document, line, kind, quantity, channel FROM demand_line WHERE source = %s ORDER BY 1, 2",
        name,
    )


def set_state(demand: Demand, step: Callable[..., object], number: int) -> None:
    demand.ledger.as_app(lambda conn: step(conn, ADMIN, number, now=NOW))


def test_a_shops_own_json_is_read_as_its_settings_say(demand: Demand) -> None:
    add(
        demand,
        "own-json",
        rows="order.items",
        fields={
            "document": "...order.id",
            "line": "no",
            "gtin": "ean",
            "quantity": "n",
            "requested_at": "at",
        },
        constants={"channel": "app"},
    )
    order = {"id": "A-1", "items": [{"no": 1, "ean": TEA, "n": 2.5, "at": "2026-03-02T09:00:00Z"}]}
    assert publish(demand, "own-json", {"order": order}).changed == 1
    assert stored(demand, "own-json") == [("A-1", "1", "requested", 2.5, "app")]
    order["items"] = [{"no": 2, "ean": "1", "n": -1, "at": "?"}]
    wrong = publish(demand, "own-json", {"order": order})
    assert (wrong.status, wrong.reason) == ("held", "unreadable")
    assert [text.split(":")[1].strip() for text in (wrong.message or "").splitlines()] == [
        "gtin",
        "quantity",
        "requested_at",
    ]


@pytest.mark.parametrize(
    ("payload", "reason", "message"),
    [
        (b"", "unreadable", "Invalid JSON"),
        (b"\xff\xfe", "unreadable", "Invalid JSON"),
        (b"[" * 100_000, "unreadable", "Invalid JSON"),
        (b'{"lines": []}', "unreadable", "at least 1 item"),
        (lines({}) | {"schema": 9}, "other_release", "schema 9: this release reads 1 to 1"),
        (lines({"document": "a\0b"}), "unreadable", "lines.0.document"),
        (lines({"document": "\ud800"}), "unreadable", "Invalid JSON"),
        (lines({"quantity": 0}), "unreadable", "lines.0.quantity"),
        (lines({"quantity": 0.5}), "unreadable", "lines.0.quantity"),
        (lines({"requested_at": "yesterday"}), "unreadable", "lines.0.requested_at"),
        (lines({"identifier": {"scheme": "gtin", "value": "123"}}), "unreadable", "lines.0.identifier"),
        (lines({"of": {"document": "W-0", "line": "1"}}), "unreadable", "only what is cancelled"),
        (lines({"identifier": {"scheme": "sku", "value": "NONE"}}), "unknown_name", "names no item"),
        (lines({"requested_at": "2027-01-01T00:00:00Z"}), "faulty", "is in the future"),
        (lines({}, {"quantity": "3"}), "faulty", "stands there twice"),
        (
            lines({"kind": "cancelled", "of": {"document": "W-0", "line": "1"}}),
            "faulty",
            "is not known: send the request first",
        ),
    ],
)
def test_a_message_that_cannot_be_stored_is_held_whole_with_its_bytes(
    demand: Demand, payload: bytes | dict[str, Any], reason: str, message: str
) -> None:
    if not demand.ledger.query("SELECT FROM demand_source WHERE name = 'strange'"):
        add(demand, "strange")
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = publish(demand, "strange", body)
    assert (answer.status, answer.changed, answer.reason) == ("held", 0, reason)
    assert message in (answer.message or "")
    assert publish(demand, "strange", body).reason == reason, "the same again waits once"
    (one,) = demand.ledger.as_app(lambda conn: held.listed(conn, CONTROLLER))
    assert (one.payload, one.name, one.reason) == (body, answer.sha256, reason)
    assert (one.due_at == NEVER) == (reason == "unreadable")
    assert stored(demand, "strange") == []


def test_what_waits_for_its_source_is_stored_once_that_is_there_and_active(
    demand: Demand, pulls: Pulls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert publish(demand, "late", lines({})).reason == "unknown_source"
    assert publish(demand, "late", lines({}), site="mars").reason == "unknown_source"
    demand.ledger.as_owner(lambda conn: conn.execute("UPDATE demand_held SET tries = 100"))
    assert pulls.due(NOW + timedelta(days=1))["replayed"] == 0
    found = demand.ledger.query("SELECT DISTINCT due_at FROM demand_held")
    assert found == [(NOW + timedelta(days=2),)], "for ever, but once a day"
    number = add(demand, "late")
    assert pulls.due(NOW)["replayed"] == 1, "at once, for the source was added"
    assert stored(demand, "late") == [("W-1", "1", "requested", 2, None)]
    set_state(demand, service.pause_source, number)
    assert publish(demand, "late", lines({"line": "2"})).reason == "source_paused"
    assert pulls.due(NOW + timedelta(days=1))["replayed"] == 0
    set_state(demand, service.resume_source, number)
    assert pulls.due(NOW)["replayed"] == 1
    assert [line for _, line, *_ in stored(demand, "late")] == ["1", "2"]

    monkeypatch.setenv("DOCKLEDGER_APP_DSN", demand.ledger.app_dsn)
    assert publish(demand, "late", b"?").reason == "unreadable"
    assert main(["demand", "held", "list", "--source", "late", "--site", "leeds"]) == 0
    told = capsys.readouterr().out
    assert "late                 leeds  held  unreadable: the whole: Invalid JSON" in told
    waiting = told.split()[0]
    assert main(["demand", "held", "retry", waiting]) == 0
    assert pulls.due(datetime.now(NOW.tzinfo))["replayed"] == 0, "it still cannot be read"
    assert main(["demand", "held", "discard", waiting, "--reason", "a test"]) == 0
    assert publish(demand, "late", b"?").reason == "discarded"
    capsys.readouterr()
    assert main(["demand", "held", "list", "--site", "leeds"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["demand", "held", "retry", "999999"]) == 1


def test_what_is_too_large_or_too_much_is_not_kept_and_its_sender_is_told(
    demand: Demand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    add(demand, "loud")
    large = publish(demand, "loud", b" " * (MOST_BYTES + 1))
    assert (large.status, large.reason) == ("refused", "too_large")
    assert large.message == "1048577 bytes: expected at most 1048576; send it in parts"
    monkeypatch.setattr(held, "MOST_WAITING", 2)
    for body in (b"1", b"2"):
        assert publish(demand, "loud", body).status == "held"
    full = publish(demand, "loud", b"3")
    assert (full.status, full.changed, full.reason) == ("refused", 0, "full")
    assert "This one is not kept: send it again" in (full.message or "")
    assert publish(demand, "loud", b"2").status == "held", "what waits already needs no room"
    assert publish(demand, "loud", lines({})).status == "stored", "nor does what can be stored"
    for name in ("nobody", "noone"):
        assert publish(demand, name, b"1").status == "held"
    assert publish(demand, "none", b"1").reason == "full", "what nobody added shares a site's room"
    assert sorted(tickets(demand, "loud", "nobody", "noone", "none")) == [
        ("demand_held", "critical", "Demand of loud is refused"),
        ("demand_held", "critical", "Demand of none is refused"),
        ("demand_held", "warning", "Demand of nobody waits (1)"),
        ("demand_held", "warning", "Demand of noone waits (1)"),
        ("demand_refused", "warning", "Demand of loud was refused"),
    ]
    monkeypatch.setattr(held, "MOST_BYTES_WAITING", 3)
    assert publish(demand, "loud", b"0000").reason == "full"

    monkeypatch.setenv("DOCKLEDGER_APP_DSN", demand.ledger.app_dsn)
    of_loud = ("--site", "leeds", "--source", "loud")
    assert main(["demand", "held", "retry", *of_loud]) == 0
    assert main(["demand", "held", "discard", *of_loud, "--reason", "a wild till"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == ["2 of loud at leeds are tried again", "2 of loud at leeds are discarded"]
    assert publish(demand, "loud", b"3").status == "held", "there is room again"
    assert publish(demand, "loud", b"1").reason == "discarded"
    assert main(["demand", "held", "retry"]) == 1
    assert "a number, or --site and --source" in capsys.readouterr().err


def tickets(demand: Demand, *sources: str) -> list[tuple[str, str, str]]:
    return demand.ledger.query(
        "SELECT kind, severity, split_part(summary, ':', 1) FROM ticket "
        "WHERE kind IN ('demand_held', 'demand_refused') AND resolved_at IS NULL "
        "AND detail ->> 'source' = ANY (%s)",
        list(sources),
    )


def test_what_waits_and_meets_an_error_that_nobody_foresaw_holds_up_no_other(
    demand: Demand, pulls: Pulls
) -> None:
    assert publish(demand, "odd", lines({})).reason == "unknown_source"
    assert publish(demand, "even", lines({})).reason == "unknown_source"
    number = add(demand, "odd")
    add(demand, "even")
    demand.ledger.as_owner(
        lambda conn: conn.execute(
            """UPDATE demand_source SET settings = '{"of a later release": 1}' WHERE source_id = %s""",
            [number],
        )
    )
    assert pulls.due(NOW)["replayed"] == 1
    assert len(stored(demand, "even")) == 1
    (one,) = demand.ledger.as_app(lambda conn: held.listed(conn, CONTROLLER))
    assert (one.source, one.reason, one.tries) == ("odd", "faulty", 1)
    assert one.message.startswith("ValidationError: 1 validation error for SourceSettings")


def test_a_topic_that_names_no_source_is_kept_for_who_sees_all_sites(demand: Demand) -> None:
    message = Message("dl/demand/v1/le eds/x/lines", b"{}")
    address, answer = demand.ledger.as_app(lambda conn: take_message(conn, message, now=NOW))
    assert (address, answer.reason) == (None, "unreadable")
    found = demand.ledger.query("SELECT site_id, source FROM demand_held")
    assert found == [("?", "dl/demand/v1/le eds/x/lines")]


def test_what_waited_never_replaces_what_was_told_later(demand: Demand, pulls: Pulls) -> None:
    add(demand, "order")
    new = {"identifier": {"scheme": "sku", "value": "LATE"}}
    soon = {"line": "2", "quantity": "3"}
    assert publish(demand, "order", lines(soon | new, {"quantity": "5"})).reason == "unknown_name"
    assert publish(demand, "order", lines(soon | new | {"quantity": "4"})).reason == "unknown_name"
    assert publish(demand, "order", lines({"quantity": "8"})).changed == 1
    demand.ledger.query(
        "INSERT INTO identifier (scheme, value, item_id) SELECT 'sku', 'LATE', item_id FROM item "
        "WHERE code = 'TEA' RETURNING 1"
    )
    first, second = demand.ledger.as_app(lambda conn: held.listed(conn, CONTROLLER))
    for one in (second, first):
        demand.ledger.as_app(lambda conn, one=one: held.try_again(conn, CONTROLLER, one.held_id, now=NOW))
    assert pulls.due(NOW)["replayed"] == 2
    assert [(line, quantity) for _, line, _, quantity, _ in stored(demand, "order")] == [("1", 8), ("2", 4)]
    because = "superseded by what came later: 1 of 2 lines: W-1/1"
    told = demand.ledger.query("SELECT settled_because FROM demand_held ORDER BY held_id")
    assert told == [(because,), (None,)]


def test_a_source_that_another_import_holds_lets_its_messages_wait_and_holds_up_no_other(
    demand: Demand, pulls: Pulls
) -> None:
    assert publish(demand, "busy", lines({})).reason == "unknown_source"
    assert publish(demand, "idle", lines({})).reason == "unknown_source"
    add(demand, "busy")
    add(demand, "idle")

    @contextmanager
    def impatient() -> Iterator[Connection]:
        with pulls.pool.connection() as conn:
            conn.execute("SET LOCAL lock_timeout = '50ms'")
            yield conn

    message = Message("dl/demand/v1/leeds/busy/lines", json.dumps(lines({"line": "2"})).encode())
    with pulls.pool.connection() as other:
        lock_sources(other, [("leeds", "busy")])
        with impatient() as conn:
            assert take_message(conn, message, now=NOW)[1].reason == "busy"
        assert replay_held(SimpleNamespace(connection=impatient), NOW) == 1
        assert len(stored(demand, "idle")) == 1
    assert pulls.due(NOW + timedelta(minutes=2))["replayed"] == 2
    assert len(stored(demand, "busy")) == 2


def test_an_answer_never_holds_what_cannot_be_written(demand: Demand) -> None:
    message = Message("dl/demand/v1/leeds/half/lines", b"{}")
    words = "\ud800 and \0"
    _, answer = demand.ledger.as_app(lambda conn: set_aside(conn, message, words, now=NOW))
    assert (answer.status, answer.message) == ("held", "\\ud800 and \\0")
    assert answer.model_dump_json()
