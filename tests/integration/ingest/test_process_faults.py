"""Workers that die, stop or lose the database between any two steps (FAULTS F9, F11, F13, F14)."""

import signal
from contextlib import closing

import psycopg
import pytest

from cloud.db import DatabaseAwayError, LastingConnection
from cloud.ingest.workers import store as workers
from simulators.faults.lossy_mqtt import LossyLink, Odds
from simulators.faults.proxy import Proxy
from tests.conftest import Broker
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import Forge, movement
from tests.integration.ingest.processes import Ingest, Process, Radio, radio, wait_until
from tests.patience import PATIENCE_S


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_a_worker_killed_around_its_commit_loses_and_doubles_nothing(
    books: Books, broker: Broker, ingest: Ingest, point: str
) -> None:
    edge = Forge()
    url = broker.admit("leeds", "gw-1")
    for cycle in range(2):
        edge.batch(rows=4)
        doomed = ingest.start(DOCKLEDGER_CRASH_AT=point)
        with radio(url, edge) as gateway:
            wait_until(lambda: gateway.states, "ingest listens")

            def say_until_dead(gateway: Radio = gateway, doomed: Process = doomed) -> bool:
                for batch_no in range(gateway.contiguous_no + 1, edge.next_no):
                    gateway.say(edge.send(batch_no))
                return doomed.poll() is not None

            wait_until(say_until_dead, "the worker killed itself")
            assert doomed.returncode == -signal.SIGKILL
            healthy = ingest.start()
            gateway.send_until_acknowledged()
            healthy.terminate()
            healthy.wait(PATIENCE_S)
        assert books.rows() == 4 * (cycle + 1)
    books.check_laws()


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_sites_go_from_a_dead_or_stopped_worker_to_others_within_ten_seconds_and_to_one_that_joins(
    books: Books, broker: Broker, ingest: Ingest, fate: signal.Signals
) -> None:
    books.register("gw-2", site="york")
    edges = [Forge(), Forge(gateway="gw-2", site="york")]
    urls = [broker.admit(edge.site, edge.gateway) for edge in edges]
    victim = ingest.start()
    ingest.start()
    wait_until(
        lambda: books.one("SELECT count(DISTINCT worker) FROM ingest_lease") == 2, "sites are shared out"
    )
    with radio(urls[0], edges[0]) as first, radio(urls[1], edges[1]) as second:
        for gateway in (first, second):
            gateway.forge.batch()
            gateway.send_until_acknowledged()
        victim.send_signal(fate)
        for gateway in (first, second):
            gateway.forge.batch()
            gateway.send_until_acknowledged(within_s=10)
        victim.send_signal(signal.SIGCONT)
        newcomer = f"{ingest.start().pid}-%"
        wait_until(
            lambda: books.one("SELECT count(*) FROM ingest_lease WHERE worker LIKE %s", newcomer),
            "the newcomer has its share",
        )
        for gateway in (first, second):
            gateway.forge.batch()
            gateway.send_until_acknowledged()
    assert books.rows() == 18
    books.check_laws()


def test_a_stopped_worker_that_holds_locks_is_fenced(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch())
    name = workers.application_name("stopped")
    with books.lasting.connection() as conn:
        workers.renew(conn, "stopped", [])
        conn.execute("UPDATE ingest_worker SET expires_at = '-infinity'")
    stalled = LastingConnection(books.database.ingest_dsn, name)
    with (  # noqa: PT012  the connection ends in the middle
        closing(stalled),
        pytest.raises(DatabaseAwayError, match="terminating"),
        stalled.connection() as held,
    ):
        held.execute("SELECT FROM completeness FOR UPDATE")
        with books.lasting.connection() as conn:
            workers.renew(conn, "successor", [])
        assert books.take(edge.batch()).answers[0].ack.contiguous_no == 2
        held.execute("SELECT 1")


def test_a_batch_that_kills_three_workers_is_set_aside(books: Books, broker: Broker, ingest: Ingest) -> None:
    edge = Forge()
    url = broker.admit("leeds", "gw-1")
    edge.batch()
    sha256 = edge.prev_sha256
    for deaths in range(1, 4):
        doomed = ingest.start(DOCKLEDGER_CRASH_AT="before_commit")
        with radio(url, edge) as gateway:

            def say_until_dead(gateway: Radio = gateway, doomed: Process = doomed) -> bool:
                gateway.say(edge.send(1))
                return doomed.poll() is not None

            wait_until(say_until_dead, "the worker killed itself")
        with books.lasting.connection() as conn:
            conn.execute("UPDATE ingest_worker SET expires_at = '-infinity'")
            workers.renew(conn, "undertaker", [])
            assert workers.suspects(conn) == {sha256: deaths}
            workers.leave(conn, "undertaker")
    ingest.start()
    with radio(url, edge) as gateway:
        gateway.send_until_acknowledged()
        edge.batch()
        gateway.send_until_acknowledged()
    assert books.ask("SELECT reason, sha256 FROM quarantine") == [("crashed_worker", sha256)]
    assert books.rows() == 3


def test_a_database_that_ends_every_connection_costs_nothing(
    books: Books, broker: Broker, ingest: Ingest
) -> None:
    edge = Forge()
    url = broker.admit("leeds", "gw-1")
    ingest.start()
    with radio(url, edge) as gateway, psycopg.connect(books.database.admin_dsn, autocommit=True) as admin:
        for _ in range(10):
            for _ in range(5):
                edge.batch([movement(edge.next_seq + n, item=f"I-{n}") for n in range(20)])
            for batch_no in range(gateway.contiguous_no + 1, edge.next_no):
                gateway.say(edge.send(batch_no))
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = 'dockledger_ingest'"
            )
        gateway.send_until_acknowledged()
    assert books.rows() == 1000
    books.check_laws()


def test_a_living_connection_that_carries_nothing_is_given_up(
    books: Books, broker: Broker, ingest: Ingest
) -> None:
    edge = Forge()
    own_url = broker.admit("leeds", "gw-1")
    link = LossyLink(Odds(), seed=4)
    with Proxy(("127.0.0.1", broker.port), link) as proxy:
        through = broker.url.replace(f":{broker.port}", f":{proxy.port}")
        ingest.start(DOCKLEDGER_BROKER_URL=through)
        with radio(own_url, edge) as gateway:
            edge.batch(rows=2)
            gateway.send_until_acknowledged()
            link.odds = Odds(drop=1.0)
            edge.batch(rows=2)
            wait_until(lambda: "broker_connection_doubted" in ingest.log, "ingest hears no echo")
            link.odds = Odds()
            gateway.send_until_acknowledged()
    assert books.rows() == 4
    books.check_laws()
