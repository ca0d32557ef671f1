"""`dockledger gateway` and `dockledger quarantine` as people type them."""

import json
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from cloud.cli import build_parser
from cloud.db import LastingConnection
from cloud.gateways import service as configs
from cloud.identity.actor import Actor, Role
from cloud.ingest.arrival import Delivery
from cloud.ingest.command_line import SHELL
from cloud.ingest.quarantine import service
from cloud.ingest.quarantine.service import NotReplayableError
from cloud.ingest.registry import service as registry
from cloud.settings import load
from contracts.base import SiteId
from contracts.batch import encode_record
from contracts.gateway import ConfigOutcome, ReportedConfig
from tests.conftest import Broker
from tests.integration.ingest.conftest import Books, extras
from tests.integration.ingest.forge import NOW, Forge, movement
from tests.integration.ingest.processes import Ingest, radio, wait_until


@pytest.fixture(autouse=True)
def environment(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKLEDGER_TEST_DSN", raising=False)
    monkeypatch.setenv("DOCKLEDGER_INGEST_DSN", books.database.ingest_dsn)
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", books.database.app_dsn)


def main(words: list[str]) -> int:
    arguments = build_parser().parse_args(words)
    return int(arguments.run(arguments, load().settings))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]], str]:
    code = main([*words, "--json"])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def test_a_gateway_is_registered_once_and_its_password_shown_once(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    code, [enrolment], _ = run(capsys, "gateway", "add", "dock-1", "--site", "york")
    assert code == 0
    assert enrolment["username"] == "dock-1"
    assert "dl/v1/york/dock-1/records" in enrolment["writes"]  # type: ignore[operator]
    assert books.one("SELECT credential::text FROM gateway WHERE name = 'dock-1'") == "{}"
    code, _, err = run(capsys, "gateway", "add", "dock-1", "--site", "york")
    assert (code, "registered already" in err) == (1, True)
    code, _, err = run(capsys, "gateway", "add", "dock 1", "--site", "york")
    assert (code, "expected 1-64" in err) == (1, True)
    _, listed, err = run(capsys, "gateway", "list")
    assert err == ""
    assert [(row["name"], row["state"]) for row in listed] == [("gw-1", "active"), ("dock-1", "active")]
    assert run(capsys, "gateway", "retire", "nobody")[0] == 1


def test_a_gateways_configuration_is_set_place_by_place_or_from_a_file(
    books: Books, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = ReportedConfig(
        revision=0,
        outcome=ConfigOutcome.APPLIED,
        reported_at=NOW,
        settings={"reader": [{"id": "r1", "host": "10.0.0.7", "power_dbm": 27}], "drain_rows_per_s": 5000.0},
        running_revision=0,
    )
    with books.lasting.connection() as conn:
        configs.hear(
            conn, books.one("SELECT gateway_id FROM gateway WHERE name = 'gw-1'"), report, heard_at=NOW
        )
    word = ("gateway", "config")
    place = ("--set", "reader.r1.power_dbm=24.5", "--reason", "too far")
    code, [first], _ = run(capsys, *word, "set", "gw-1", *place)
    assert (code, first["settings"], first["outcome"]) == (0, ["reader"], "waiting")
    _, [state], _ = run(capsys, *word, "show", "gw-1")
    assert state["differences"] == [{"place": "reader.r1.power_dbm", "before": 27, "after": 24.5}]
    file = tmp_path / "dock.toml"
    file.write_text("drain_rows_per_s = 100.0\n")
    _, [second], _ = run(capsys, *word, "set", "gw-1", "--file", str(file), "--reason", "slow link")
    _, told, _ = run(capsys, *word, "history", "gw-1")
    assert [row["revision"] for row in told] == [second["revision"], first["revision"]]
    _, [third], _ = run(capsys, *word, "again", "gw-1", str(first["revision"]))
    assert third["settings"] == ["reader"]
    _, [line], _ = run(capsys, *word, "list")
    assert (line["state"], line["revision"], line["differences"]) == ("waiting", third["revision"], 1)
    assert main([*word, "show", "gw-1"]) == 0
    assert "differs   reader.r1.power_dbm: runs 27, wished 24.5" in capsys.readouterr().out
    for wrong, said in (
        (("set", "gw-1", "--set", "reader.r9.power_dbm=1", "--reason", "x"), "no table with the id 'r9'"),
        (("set", "gw-1", "--set", "outbox=x", "--reason", "x"), "settings.outbox: expected one of"),
        (("set", "gw-1", "--file", "none.toml", "--reason", "x"), "file 'none.toml' cannot be read"),
        (("again", "gw-1", "7"), "never had the configuration 7"),
    ):
        code, _, err = run(capsys, *word, *wrong)
        assert (code, said in err) == (1, True), err
    assert run(capsys, *word, "set", "gw-1", "--reason", "x")[0] == 2


def test_what_is_done_to_a_gateway_stands_in_the_audit_trail(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    edge = Forge(gateway="dock-1")
    assert run(capsys, "gateway", "add", "dock-1", "--site", "leeds")[0] == 0
    for word in ("pause", "retire", "activate"):
        assert run(capsys, "gateway", word, "dock-1")[0] == 0
    books.take(edge.batch())
    books.command(
        "INSERT INTO gateway_status (gateway_id, presence, heard_at, status)"
        " SELECT gateway_id, 'online', now(), jsonb_build_object('epoch', %s::text)"
        " FROM gateway WHERE name = 'dock-1'",
        "00000000000000ff",
    )
    assert run(capsys, "gateway", "abandon", "dock-1")[0] == 0
    assert run(capsys, "gateway", "abandon", "dock-1")[0] == 0
    trail = books.ask(
        "SELECT actor, action, detail FROM audit_event WHERE target = 'gateway:dock-1' ORDER BY audit_id"
    )
    assert trail == [
        ("system:shell", "gateway_registered", {}),
        *(
            ("system:shell", "gateway_state_changed", {"state": state})
            for state in ("paused", "retired", "active")
        ),
        ("system:shell", "gateway_epochs_abandoned", {"epochs": [edge.epoch]}),
    ]


def test_a_refused_row_that_reads_now_is_replayed_once_under_its_own_identity(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    edge = Forge()
    good = encode_record(movement(1))
    books.take(edge.raw_batch([good, orjson.dumps(orjson.loads(encode_record(movement(2))) | {"seq": 9})]))
    _, [held], _ = run(capsys, "quarantine", "list")
    assert (held["reason"], held["seq"], held["gateway"]) == ("wrong_seq", 2, "gw-1")
    number = str(held["quarantine_id"])
    code, [done], _ = run(capsys, "quarantine", "replay", number)
    assert (code, done["state"]) == (0, "replayed")
    assert books.ask("SELECT seq FROM movement ORDER BY seq") == [(1,), (2,)]
    code, _, err = run(capsys, "quarantine", "replay", number)
    assert (code, "was replayed by system:shell" in err) == (1, True)
    assert books.rows() == 2
    books.check_laws()


def test_a_row_that_is_still_wrong_stays_held(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    edge = Forge()
    books.take(edge.raw_batch([b'{"kind":"teleport","seq":1}']))
    _, [held], _ = run(capsys, "quarantine", "list")
    code, _, err = run(capsys, "quarantine", "replay", str(held["quarantine_id"]))
    assert (code, "still not a record" in err) == (1, True)
    assert books.one("SELECT state FROM quarantine") == "held"


def test_a_held_batch_is_replayed_once_the_registry_admits_it(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    books.take(Forge(gateway="gw-9").batch())
    _, [held], _ = run(capsys, "quarantine", "list", "--reason", "unregistered")
    number = str(held["quarantine_id"])
    assert run(capsys, "quarantine", "replay", number)[0] == 1
    books.register("gw-9")
    assert run(capsys, "quarantine", "replay", number)[0] == 0
    assert books.rows() == 3
    assert run(capsys, "quarantine", "list")[1] == []


def test_a_fork_is_replayed_under_a_new_identity_only(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    edge = Forge()
    twin = edge.fork()
    books.take(edge.batch(), twin.batch([movement(1, item="TWIN")]))
    _, [held], _ = run(capsys, "quarantine", "list", "--gateway", "gw-1")
    number = str(held["quarantine_id"])
    assert run(capsys, "quarantine", "replay", number)[0] == 1
    assert run(capsys, "quarantine", "replay", number, "--under-new-identity")[0] == 0
    assert books.balances()["TWIN", "A-1"] == "1.000000"
    assert run(capsys, "quarantine", "replay", number, "--under-new-identity")[0] == 1
    books.check_laws()


def test_the_gateway_of_a_settled_fork_is_told_that_it_may_let_go(
    books: Books, capsys: pytest.CaptureFixture[str], broker: Broker, ingest: Ingest
) -> None:
    url = broker.admit("leeds", "gw-1")
    capsys.readouterr()
    edge = Forge()
    twin = edge.fork()
    forks = [twin.batch([movement(1, item="TWIN")]), twin.batch([movement(2, item="TWIN")])]
    books.take(edge.batch(), *forks)
    first, second = books.ask("SELECT quarantine_id, sha256 FROM quarantine ORDER BY 1")
    assert run(capsys, "quarantine", "replay", str(first[0]), "--under-new-identity")[0] == 0
    assert run(capsys, "quarantine", "discard", str(second[0]))[0] == 0
    ingest.start()
    with radio(url, edge) as gateway:
        wait_until(
            lambda: (
                {
                    each.sha256
                    for ack in gateway.heard
                    for each in ack.extra
                    if each.status == "partly_quarantined"
                }
                == {first[1], second[1]}
            ),
            "both forks named",
        )
        assert all((ack.epoch, ack.contiguous_no) == (edge.epoch, 1) for ack in gateway.heard)


def test_a_settled_fork_sent_again_may_be_let_go_and_nothing_follows_it(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    edge = Forge()
    twin = edge.fork()
    fork = twin.batch([movement(1, item="TWIN")])
    books.take(edge.batch(), fork)
    number = str(books.one("SELECT quarantine_id FROM quarantine"))
    assert run(capsys, "quarantine", "discard", number)[0] == 0
    assert extras(books.take(fork)) == [(1, "partly_quarantined")]
    assert extras(books.take(twin.batch([movement(2, item="TWIN")]))) == [(2, "conflict")]
    assert books.rows() == 3


def test_roles_held_at_another_site_see_and_settle_nothing_here(books: Books) -> None:
    books.register("gw-y", site="york")
    books.take(Forge().raw_batch([b'{"kind":"teleport","seq":1}']))
    books.take(Delivery("dl/v1", b"of no site", NOW))
    number = int(str(books.one("SELECT quarantine_id FROM quarantine WHERE site_id = 'leeds'")))
    of_york = frozenset((SiteId("york"), role) for role in Role)
    reaching_all = Actor("user:mia", frozenset({Role.DEVICE}), all_sites=True, site_roles=of_york)
    conn_of = books.lasting.connection
    with conn_of() as conn:
        assert service.entries(conn, SHELL, state=None) != []
        assert service.entries(conn, reaching_all, state=None) == []
    for command in (service.entry, service.replay, service.discard):
        with conn_of() as conn, pytest.raises(NotReplayableError, match="no quarantine entry"):
            command(conn, reaching_all, number)
    with closing(LastingConnection(books.database.app_dsn, "test")) as app, app.connection() as conn:
        assert [gateway.name for gateway in registry.gateways(conn, reaching_all)] == ["gw-y"]
        with pytest.raises(registry.RegistryError, match="'gw-1' is not registered"):
            registry.set_state(conn, reaching_all, gateway="gw-1", state=registry.GatewayState.RETIRED)
        registry.set_state(conn, reaching_all, gateway="gw-y", state=registry.GatewayState.PAUSED)


def test_show_is_safe_for_a_terminal_and_discard_keeps_the_bytes(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    edge = Forge()
    books.take(edge.raw_batch([b'{"kind":"\x1b[31mred","seq":1}']))
    (number,) = (str(row[0]) for row in books.ask("SELECT quarantine_id FROM quarantine"))
    assert main(["quarantine", "show", number]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert run(capsys, "quarantine", "discard", number)[0] == 0
    assert run(capsys, "quarantine", "discard", number)[0] == 1
    assert books.ask("SELECT state, length(payload) > 0 FROM quarantine") == [("discarded", True)]
