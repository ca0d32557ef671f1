"""The shipped worker between a real broker and a real database."""

import functools
import threading
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from cloud.ingest import worker
from cloud.ingest.arrival import Delivery
from cloud.ingest.inbox import Inbox
from contracts.feedback import IngestMode, IngestState
from contracts.topics import INGEST_STATE
from tests.conftest import Broker
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import NOW, Forge
from tests.integration.ingest.processes import Ingest, radio, wait_until


def test_batches_reach_the_ledger_through_either_broker(
    books: Books, any_broker: Broker, tmp_path: Path
) -> None:
    for number in range(20):
        books.register(f"gw-a{number}", site=f"a{number}")
    edge = Forge()
    url = any_broker.admit("leeds", "gw-1")
    ingest = Ingest(books.database.ingest_dsn, any_broker.url, tmp_path / "ingest.log")
    process = ingest.start()
    try:
        with radio(url, edge) as gateway:
            for _ in range(20):
                edge.batch(rows=10)
            gateway.send_until_acknowledged()
            wait_until(lambda: gateway.states, "ingest says it runs")
            assert gateway.states[-1].mode in {IngestMode.RUNNING, IngestMode.RESEND_NOW}
    finally:
        ingest.stop_all()
    assert process.returncode == 0
    assert "subscription_denied" not in ingest.log
    assert books.rows() == 200
    books.check_laws()


def test_a_gateway_that_connects_later_finds_its_acknowledgement(
    books: Books, broker: Broker, ingest: Ingest
) -> None:
    edge = Forge()
    url = broker.admit("leeds", "gw-1")
    ingest.start()
    with radio(url, edge) as gateway:
        edge.batch()
        gateway.send_until_acknowledged()
    with radio(url, edge) as gateway:
        wait_until(lambda: gateway.contiguous_no == 1, "the retained acknowledgement")


def test_a_worker_that_has_posted_nothing_announces_its_ledger(
    books: Books, broker: Broker, ingest: Ingest
) -> None:
    ingest.start()
    with radio(broker.admit("leeds", "gw-1"), Forge()) as gateway:
        wait_until(lambda: gateway.states and gateway.states[-1].ledger_id, "the ledger's name")
        assert gateway.states[-1].ledger_id == books.one("SELECT ledger_id::text FROM ledger_identity")


def test_a_worker_that_falls_behind_lets_the_gateways_of_its_sites_wait_and_go_on(
    books: Books, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "Inbox", functools.partial(Inbox, max_deliveries=20))
    monkeypatch.setattr(worker, "MAX_GROUP", 1)
    edge = Forge()
    url = broker.admit("leeds", "gw-1")
    one = worker.Worker(dsn=books.database.ingest_dsn, broker_url=broker.url)
    running = threading.Thread(target=one.run)
    running.start()
    try:
        with radio(url, edge) as gateway:
            wait_until(lambda: gateway.states, "ingest says it runs")
            for _ in range(40):
                gateway.say(edge.batch())
            wait_until(
                lambda: held(gateway.states)[-2:] == ["paused", "running"], "it was behind, and is not"
            )
            gateway.send_until_acknowledged()
    finally:
        one.stop()
        running.join()
    assert books.rows() == 120
    books.check_laws()


def test_a_posting_that_the_database_wants_run_again_is_counted(books: Books, broker: Broker) -> None:
    books.command("CREATE SEQUENCE attempt")
    books.command(
        "CREATE FUNCTION not_yet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
        "IF nextval('attempt') < 3 THEN RAISE 'not yet' USING ERRCODE = 'serialization_failure'; END IF; "
        "RETURN NEW; END $$"
    )
    books.command("CREATE TRIGGER not_yet BEFORE INSERT ON movement FOR EACH ROW EXECUTE FUNCTION not_yet()")

    def begun_again() -> float:
        return REGISTRY.get_sample_value("dockledger_ingest_retries_total", {"cause": "serialization"}) or 0.0

    before = begun_again()
    edge = Forge()
    one = worker.Worker(dsn=books.database.ingest_dsn, broker_url=broker.url)
    running = threading.Thread(target=one.run)
    running.start()
    try:
        with radio(broker.admit("leeds", "gw-1"), edge) as gateway:
            edge.batch()
            gateway.send_until_acknowledged()
    finally:
        one.stop()
        running.join()
    assert begun_again() - before == 2
    books.check_laws()


def test_a_hold_that_a_greeting_undid_is_said_again_and_so_is_one_that_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "Inbox", functools.partial(Inbox, max_deliveries=1))
    one = worker.Worker(dsn="", broker_url="mqtt://127.0.0.1:1")
    one._link._waker.close()
    one._link._woken.close()
    said: list[IngestState] = []
    monkeypatch.setattr(
        one._link, "publish", lambda each: said.append(IngestState.model_validate_json(each.payload))
    )
    one._keeper._sites = frozenset({"leeds"})
    one._inbox.put(Forge().batch())

    def heard(mode: IngestMode, *sites: str) -> int:
        state = IngestState(mode=mode, since_at=NOW, sites=sites).model_dump_json(by_alias=True).encode()
        one._handle([Delivery(INGEST_STATE, state, NOW)])
        one._hold_back()
        one._hold_back()
        return len(said)

    assert heard(IngestMode.RUNNING, "york") == 1
    assert heard(IngestMode.RUNNING) == 1, "not at once: somebody may greet at every pause"
    monkeypatch.setattr(worker, "HOLD_SOONEST_S", 0.0)
    assert heard(IngestMode.RUNNING, "york") == 2
    monkeypatch.setattr(worker, "HOLD_AGAIN_S", 0.0)
    assert heard(IngestMode.RUNNING, "york") == 4
    assert held(said) == ["paused"] * 4
    assert not one._greeting_due.is_set()
    heard(IngestMode.PAUSED, "york")
    assert not one._greeting_due.is_set()
    heard(IngestMode.PAUSED)
    assert one._greeting_due.is_set()


def held(states: list[IngestState]) -> list[str]:
    """Give what was said to the gateways of some sites only."""
    return [state.mode.value for state in states if state.sites == ("leeds",)]
