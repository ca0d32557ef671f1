"""What gateways say of themselves, and what the cloud says to them."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from cloud.db import LastingConnection
from cloud.gateways import service as configs
from cloud.gateways.commands import SHELL as ADMIN
from cloud.gateways.domain import ConfigError, Difference, StaleConfigError
from cloud.ingest.arrival import Delivery
from cloud.ingest.command_line import SHELL
from cloud.ingest.presence import service as presence
from cloud.ingest.registry import service as registry
from contracts.feedback import Resend
from contracts.gateway import (
    ClockHealth,
    ConfigOutcome,
    Health,
    OutboxHealth,
    Presence,
    ReportedConfig,
    Status,
)
from contracts.topics import Channel, topic
from tests.conftest import Broker
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import BOOT, NOW, Forge
from tests.integration.ingest.processes import Ingest, radio, wait_until


def status(edge: Forge, said: Presence, *, last_batch_no: int = 0, until: datetime = NOW) -> Delivery:
    message = Status(
        site=edge.site,
        gateway=edge.gateway,
        presence=said,
        epoch=edge.epoch,
        last_batch_no=last_batch_no,
        complete_until=until,
        boot_id=BOOT,
        sent_mono_ns=1,
        sent_at=NOW,
        agent="test",
    )
    payload = message.model_dump_json(by_alias=True).encode()
    return Delivery(topic(edge.site, edge.gateway, Channel.STATUS), payload, datetime.now(UTC))


def health(edge: Forge, **outbox: object) -> Delivery:
    counts = {"unacked_rows": 0, "unacked_batches": 0, "used_bytes": 0, "quota_bytes": 1}
    message = Health(
        site=edge.site,
        gateway=edge.gateway,
        sent_at=NOW,
        uptime_s=1,
        outbox=OutboxHealth.model_validate(counts | outbox),
        clock=ClockHealth(ok=True),
    )
    payload = message.model_dump_json(by_alias=True).encode()
    return Delivery(topic(edge.site, edge.gateway, Channel.HEALTH), payload, datetime.now(UTC))


def hear(books: Books, *deliveries: Delivery) -> None:
    heard = [each for each in map(presence.read, deliveries) if each is not None]
    with books.lasting.connection() as conn:
        presence.record(conn, heard)


def open_tickets(books: Books) -> list[str]:
    return [
        str(row[0]) for row in books.ask("SELECT kind FROM ticket WHERE resolved_at IS NULL ORDER BY kind")
    ]


def test_a_gateway_that_goes_offline_is_a_ticket_until_it_is_back(books: Books) -> None:
    edge = Forge()
    hear(books, status(edge, Presence.ONLINE))
    assert open_tickets(books) == []
    hear(books, status(edge, Presence.OFFLINE))
    assert books.one("SELECT presence FROM gateway_status") == "offline"
    assert open_tickets(books) == ["gateway_offline"]
    hear(books, status(edge, Presence.ONLINE))
    assert open_tickets(books) == []


def test_backlog_and_a_full_outbox_are_tickets(books: Books) -> None:
    edge = Forge()
    hear(books, health(edge, oldest_unacked_age_s=90.0, is_full=True))
    assert open_tickets(books) == ["gateway_backlog", "gateway_full"]
    hear(books, health(edge))
    assert open_tickets(books) == []


def test_a_silent_active_gateway_is_a_ticket(books: Books) -> None:
    edge = Forge()
    hear(books, health(edge))
    with books.lasting.connection() as conn:
        presence.watch_silence(conn)
    assert open_tickets(books) == []
    with books.lasting.connection() as conn:
        conn.execute("UPDATE gateway_status SET heard_at = heard_at - interval '61 s'")
        presence.watch_silence(conn)
    assert open_tickets(books) == ["gateway_silent"]


def test_a_stranger_is_a_ticket_and_nothing_else(books: Books) -> None:
    hear(books, status(Forge(gateway="gw-9"), Presence.ONLINE), status(Forge(site="york"), Presence.ONLINE))
    assert open_tickets(books) == ["gateway_unregistered", "gateway_unregistered"]
    assert books.ask("SELECT FROM gateway_status") == []


def test_a_statement_about_another_gateway_is_not_read() -> None:
    real = status(Forge(), Presence.OFFLINE)
    assert presence.read(Delivery("dl/v1/leeds/gw-2/status", real.payload, real.received_at)) is None


def test_what_a_gateway_states_counts_once_its_last_batch_is_contiguous(books: Books) -> None:
    edge = Forge()
    first, second = edge.batch(), edge.batch()
    stated = NOW - timedelta(seconds=1)
    books.take(second)
    hear(books, status(edge, Presence.ONLINE, last_batch_no=2, until=stated))
    assert books.one("SELECT complete_until = '-infinity' FROM completeness")
    books.take(first)
    assert books.one("SELECT complete_until FROM completeness") == stated


def test_a_gateway_cannot_be_complete_into_the_future(books: Books) -> None:
    edge = Forge()
    hear(books, status(edge, Presence.ONLINE, until=NOW + timedelta(days=400)))
    assert books.one("SELECT complete_until <= clock_timestamp() FROM completeness")


def test_an_outbox_that_is_lost_holds_completeness_back_until_it_is_given_up(books: Books) -> None:
    lost, present = Forge(), Forge(epoch="f0000000000000a2")
    books.take(lost.batch(), present.batch(), present.batch())
    hear(books, status(present, Presence.ONLINE, last_batch_no=2, until=NOW))
    reached = "SELECT complete_until FROM gateway_completeness"
    assert books.one(reached) == NOW - timedelta(seconds=30) + timedelta(milliseconds=1)
    with closing(LastingConnection(books.database.app_dsn, "test")) as app, app.connection() as conn:
        assert registry.abandon_epochs(conn, SHELL, gateway="gw-1") == [lost.epoch]
        assert registry.abandon_epochs(conn, SHELL, gateway="gw-1") == []
    assert books.one(reached) == NOW
    assert len(books.take(lost.batch()).posted) == 1


def test_messages_and_resend_requests_reach_the_gateway_once_published(
    books: Books, broker: Broker, ingest: Ingest
) -> None:
    edge = Forge()
    url = broker.admit("leeds", "gw-1")
    books.take(edge.batch())
    wish = Resend(epoch=edge.epoch, from_batch_no=1, to_batch_no=1)
    books.command(
        "INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)"
        " SELECT gateway_id, c, 1, p::jsonb, 'test' FROM gateway,"
        " (VALUES ('resend', %s), ('config/desired', %s))"
        " AS m (c, p) WHERE name = 'gw-1'",
        wish.model_dump_json(),
        orjson.dumps({"revision": 1}).decode(),
    )
    ingest.start()
    with radio(url, edge) as gateway:
        wait_until(lambda: gateway.heard and gateway.heard[-1].resend, "the request")
        assert gateway.heard[-1].resend == (wish,)
        assert gateway.heard[-1].contiguous_no == 1
    wait_until(
        lambda: books.one("SELECT count(*) FROM gateway_message WHERE published_at IS NULL") == 0, "published"
    )


def reported(edge: Forge, revision: int, outcome: ConfigOutcome, **more: object) -> Delivery:
    said = {"revision": revision, "outcome": outcome, "reported_at": NOW, "settings": {}} | more
    payload = ReportedConfig.model_validate(said).model_dump_json(by_alias=True).encode()
    return Delivery(topic(edge.site, edge.gateway, Channel.CONFIG_REPORTED), payload, datetime.now(UTC))


def test_a_wished_configuration_is_sent_answered_compared_and_wished_again(books: Books) -> None:
    edge = Forge()
    reader = {"id": "r1", "host": "10.0.0.7", "power_dbm": 27}
    running = {"settings": {"reader": [reader], "tags": {}}, "origins": {"reader": "file agent.toml"}}
    hear(books, reported(edge, 0, ConfigOutcome.APPLIED, running_revision=0, **running))
    started_again = {"reported_at": NOW + timedelta(minutes=1), "running_revision": 0}
    hear(books, reported(edge, 0, ConfigOutcome.APPLIED, **running, **started_again))
    assert books.one("SELECT count(*) FROM gateway_config_report") == 1, "a start without a wish is no news"
    with closing(LastingConnection(books.database.app_dsn, "test")) as app:
        with app.connection() as conn:
            given = configs.editable(conn, ADMIN, gateway="gw-1")
            seen, wanted = given.revision, given.changed("reader.r1.power_dbm", 24.5)
            first = configs.set_config(
                conn, ADMIN, gateway="gw-1", settings=wanted, reason="too far", seen_revision=seen, now=NOW
            )
        with (
            app.connection() as conn,
            pytest.raises(StaleConfigError, match=f"has revision {first.revision}"),
        ):
            configs.set_config(
                conn, ADMIN, gateway="gw-1", settings={}, reason="late", seen_revision=seen, now=NOW
            )
        with app.connection() as conn:
            state = configs.config(conn, ADMIN, gateway="gw-1")
        assert (state.state, state.differences) == ("waiting", (Difference("reader.r1.power_dbm", 27, 24.5),))
        sent = books.one("SELECT payload FROM gateway_message WHERE channel = 'config/desired'")
        assert sent["settings"] == {"reader": [reader | {"power_dbm": 24.5}]}

        errors = {"errors": ("not healthy within 30 s", "r1 is not connected: refused")}
        back = reported(
            edge, first.revision, ConfigOutcome.ROLLED_BACK, running_revision=0, **running, **errors
        )
        hear(books, back)
        hear(books, back)
        assert open_tickets(books) == ["gateway_config"]
        assert books.one("SELECT count(*) FROM gateway_config_report") == 2, (
            "a report said again is kept once"
        )

        with app.connection() as conn:
            again = configs.set_again(conn, ADMIN, gateway="gw-1", revision=first.revision, now=NOW)
        assert (again.revision, again.settings) == (first.revision + 1, first.settings)
        took = {"settings": first.settings, "origins": {"reader": "cloud"}}
        hear(
            books,
            reported(edge, again.revision, ConfigOutcome.APPLIED, running_revision=again.revision, **took),
        )
        assert open_tickets(books) == []
        with app.connection() as conn:
            state = configs.config(conn, ADMIN, gateway="gw-1")
            told = [
                (row.revision, row.outcome) for row in configs.history(conn, ADMIN, gateway="gw-1", limit=9)
            ]
        assert (state.state, state.differences) == ("applied", ())
        assert told == [(again.revision, "applied"), (first.revision, "rolled_back")]
    trail = books.ask(
        "SELECT detail ->> 'reason' FROM audit_event WHERE action = 'gateway_config_set' ORDER BY audit_id"
    )
    assert trail == [("too far",), (f"revision {first.revision} again",)]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"settings": {"outbox": "x.db"}}, "settings.outbox: expected one of drain_rows_per_s, portal"),
        ({"reason": "  "}, "reason has 0 characters: expected 1 to 200"),
        ({"settings": {"tags": "x" * 140_000}}, "expected at most 131072"),
        ({"settings": {"tags": [1e-300] * 1000}}, "bytes when their numbers are written out"),
        ({"settings": {"drain_rows_per_s": 1e300}}, "a number beyond 64 bits"),
        ({"gateway": "nobody"}, "there is no gateway 'nobody'"),
    ],
)
def test_a_wrong_wish_is_refused_and_nothing_is_sent(
    books: Books, wish: dict[str, Any], message: str
) -> None:
    asked = {"gateway": "gw-1", "settings": {}, "reason": "test", "now": NOW} | wish
    with (
        closing(LastingConnection(books.database.app_dsn, "test")) as app,
        app.connection() as conn,
        pytest.raises(ConfigError, match=re.escape(message)),
    ):
        configs.set_config(conn, ADMIN, **asked)
    assert books.ask("SELECT FROM gateway_message") == []
