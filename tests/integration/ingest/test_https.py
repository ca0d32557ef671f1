"""Batches and statements over HTTPS: the shipped application on a port, the same books as by the broker."""

import base64
import random
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from cloud.api.app import create_api
from cloud.api.metrics import Metrics
from cloud.db import LastingConnection, open_pool
from cloud.gateways.credentials import service as credentials
from cloud.identity.gate import Gate
from cloud.ingest import https
from cloud.ingest.command_line import SHELL
from cloud.ingest.https import HttpsDoor
from cloud.ingest.quarantine.service import discard
from cloud.ingest.registry.service import GatewayState
from contracts.feedback import Ack, IngestMode, IngestState, Messages, Resend, StoredAs
from contracts.gateway import Presence, Status
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import BOOT, NOW, Forge, movement
from tests.integration.ingest.processes import listening
from tests.patience import PATIENCE_S
from tests.unit.ingest.mutation import mutations

UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def door(books: Books) -> Iterator[HttpsDoor]:
    with closing(HttpsDoor(books.database.ingest_dsn)) as door:
        yield door


@pytest.fixture
def gw(books: Books, door: HttpsDoor) -> Iterator[httpx.Client]:
    """Give the gateway's side: it shows the secret that it was given."""
    with closing(LastingConnection(books.database.app_dsn, "test")) as app, app.connection() as conn:
        secret = credentials.make_secret(conn, SHELL, gateway="gw-1")
    with open_pool(books.database.app_dsn, "test") as pool:
        gate = Gate(pool, lambda: datetime.now(UTC))
        with (
            listening(create_api(gate, Metrics(), door)) as url,
            httpx.Client(
                base_url=f"{url}/v1", auth=("gw-1", secret), timeout=PATIENCE_S, verify=UNUSED
            ) as client,
        ):
            yield client


def hand_in(gw: httpx.Client, frame: bytes) -> Ack:
    answer = gw.post("/batches", content=frame)
    assert answer.status_code == 200, answer.text
    return Ack.model_validate_json(answer.content)


def test_a_batch_is_stored_once_by_whatever_ways_it_comes(books: Books, gw: httpx.Client) -> None:
    edge = Forge()
    first, second = edge.batch(), edge.batch()
    twin, third = edge.fork(), edge.batch()
    ack = hand_in(gw, first.payload)
    assert (ack.contiguous_no, ack.contiguous_sha256) == (1, edge.sealed[0][1].sha256)
    assert books.take(first, second).answers[0].ack.contiguous_no == 2
    ahead = hand_in(gw, third.payload)
    assert hand_in(gw, second.payload).contiguous_no == ahead.contiguous_no == 3
    told = hand_in(gw, twin.batch(rows=2).payload)
    assert [(each.batch_no, each.status) for each in told.extra] == [(3, StoredAs.CONFLICT)]
    assert books.rows() == 9
    books.check_laws()
    assert books.ask("SELECT 1 FROM ingest_in_flight") == books.ask("SELECT 1 FROM ingest_worker") == []


def test_who_shows_no_secret_of_its_own_stores_nothing(books: Books, gw: httpx.Client) -> None:
    books.register("gw-2")
    frame = Forge().batch().payload
    token = base64.b64encode(b"gw-1").decode()
    for shown in (
        {},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Basic {token}"},
        {"Authorization": "Basic %"},
    ):
        request = gw.build_request("POST", "/batches", content=frame, headers=shown)
        assert gw.send(request, auth=None).status_code == 401
        for path in ("/ingest/state", "/ingest/messages"):
            assert gw.send(gw.build_request("GET", path, headers=shown), auth=None).status_code == 401
    for auth in (("gw-1", "guessed"), ("gw-2", gw.auth._auth_header), ("nobody", "x"), ("_cloud", "")):  # type: ignore[union-attr]
        assert gw.post("/batches", content=frame, auth=auth).status_code == 401
    assert books.ask("SELECT reason FROM quarantine") == []
    other = Forge(gateway="gw-2").batch().payload
    refused = gw.post("/batches", content=other)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:dockledger:problem:forged")
    books.set_state("gw-1", GatewayState.RETIRED)
    assert gw.post("/batches", content=frame).status_code == 401
    assert {gw.get(path).status_code for path in ("/ingest/state", "/ingest/messages")} == {401}
    assert gw.post("/ingest/health", content=b"{}").status_code == 401
    assert books.ask("SELECT reason FROM quarantine ORDER BY 1") == [("forged",)]
    books.set_state("gw-1", GatewayState.ACTIVE)
    assert hand_in(gw, frame).contiguous_no == 1
    assert books.rows() == 3


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"", 422),
        (b"\n", 422),
        (b"{}\n", 422),
        (b"\xff" * 100, 422),
        (b'{"schema": 9}\n{}', 422),
        (b"x" * 262_145, 413),
    ],
)
def test_what_is_no_frame_is_refused_and_kept(
    books: Books, gw: httpx.Client, payload: bytes, status: int
) -> None:
    answer = gw.post("/batches", content=payload)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert len(books.ask("SELECT 1 FROM quarantine")) == (status == 422)


def test_no_damage_to_a_frame_or_a_statement_fails_the_server(books: Books, gw: httpx.Client) -> None:
    edge, chance = Forge(), random.Random(12)
    sent = edge.batch(rows=4)
    said = status(edge).model_dump_json(by_alias=True).encode()
    answered = {
        gw.post("/batches", content=each).status_code for each in mutations(sent.payload, chance, 120)
    }
    assert answered <= {200, 413, 422}
    wrong = [each.partition(b"\n")[2] for each in mutations(b"{}\n" + said, chance, 40)]
    heard = {gw.post("/ingest/status", content=each).status_code for each in wrong}
    assert heard <= {200, 422}
    hand_in(gw, sent.payload)
    books.check_laws()


def status(edge: Forge) -> Status:
    return Status(
        site="leeds", gateway="gw-1", presence=Presence.ONLINE, epoch=edge.epoch, last_batch_no=1,
        complete_until=NOW, boot_id=BOOT, sent_mono_ns=1, sent_at=NOW, agent="test",
    )  # fmt: skip


def test_a_gateway_says_how_it_is_and_hears_which_ledger_answers(books: Books, gw: httpx.Client) -> None:
    edge = Forge()
    hand_in(gw, edge.batch().payload)
    said = status(edge).model_dump_json(by_alias=True)
    heard = IngestState.model_validate_json(gw.post("/ingest/status", content=said).content)
    assert heard.mode is IngestMode.RUNNING
    assert heard.ledger_id == books.one("SELECT ledger_id::text FROM ledger_identity")
    assert IngestState.model_validate_json(gw.get("/ingest/state").content).ledger_id == heard.ledger_id
    assert books.ask("SELECT presence FROM gateway_status") == [("online",)]
    assert books.one("SELECT complete_until FROM completeness") == NOW
    for channel, content in (("status", "[]"), ("health", said), ("status", said.replace("gw-1", "gw-2"))):
        assert gw.post(f"/ingest/{channel}", content=content).status_code == 422
    assert gw.post("/ingest/records", content=said).status_code == 422


def test_a_gateway_hears_the_last_message_to_it_on_each_of_its_channels(
    books: Books, gw: httpx.Client
) -> None:
    books.register("gw-2")
    add = (
        "INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by)"
        " SELECT gateway_id, %s, %s, jsonb_build_object('revision', %s), 't' FROM gateway WHERE name = %s"
    )
    for channel, revision in (("task", 2), ("task", 1), ("assignment", 7)):
        books.command(add, channel, revision, revision, "gw-1")
    books.command(add, "task", 9, 9, "gw-2")
    heard = Messages.model_validate_json(gw.get("/ingest/messages").content).messages
    assert {each.channel: each.payload["revision"] for each in heard} == {"task": 2, "assignment": 7}


def test_a_gateway_without_a_broker_hears_what_is_asked_inside_acks(books: Books, gw: httpx.Client) -> None:
    edge = Forge()
    twin = edge.fork()
    hand_in(gw, edge.batch().payload)
    hand_in(gw, twin.batch([movement(1, item="TWIN")]).payload)
    number = int(str(books.one("SELECT quarantine_id FROM quarantine")))
    with books.lasting.connection() as conn:
        discard(conn, SHELL, number)
    wish = Resend(epoch=edge.epoch, from_batch_no=1, to_batch_no=1)
    for _ in range(2):
        books.command(
            "INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by, published_at)"
            " SELECT gateway_id, 'resend', 0, %s::jsonb, 't', now() FROM gateway WHERE name = 'gw-1'",
            wish.model_dump_json(),
        )
    heard = Messages.model_validate_json(gw.get("/ingest/messages").content).messages
    assert [each.channel for each in heard] == ["ack", "ack"]
    asks, settled = (Ack.model_validate(each.payload) for each in heard)
    assert (asks.resend, asks.contiguous_no, asks.extra) == ((wish,), 1, ())
    assert [(each.batch_no, each.status) for each in settled.extra] == [(1, StoredAs.PARTLY_QUARANTINED)]


def test_one_gateway_does_not_take_all_the_room(
    books: Books, gw: httpx.Client, door: HttpsDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "WAIT_S", 0.0)
    entered, go_on = threading.Semaphore(0), threading.Event()
    write = door._write

    def held_up(*arguments: object) -> object:
        entered.release()
        go_on.wait(PATIENCE_S)
        return write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(door, "_write", held_up)
    edge = Forge()
    with ThreadPoolExecutor(2) as others:
        waiting = [others.submit(hand_in, gw, edge.batch().payload) for _ in range(2)]
        for _ in waiting:
            entered.acquire()
        third = edge.batch().payload
        refused = gw.post("/batches", content=third)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        while not door._slots.empty():
            door._slots.get()
        door._taken_by.clear()
        full = gw.post("/batches", content=third)
        assert (full.status_code, full.headers["retry-after"]) == (503, "2")
        go_on.set()
        assert {each.result().contiguous_no for each in waiting} <= {0, 1, 2}
    assert hand_in(gw, third).contiguous_no == 3


def test_a_batch_that_ended_three_processes_is_set_aside_here_too(books: Books, gw: httpx.Client) -> None:
    edge = Forge()
    frame = edge.batch().payload
    books.command("INSERT INTO ingest_suspect (sha256, deaths) VALUES (%s, 2)", edge.prev_sha256)
    assert hand_in(gw, frame).contiguous_no == 1
    assert books.ask("SELECT 1 FROM ingest_suspect") == [], "posted, so it was not that"
    frame = edge.batch().payload
    books.command("INSERT INTO ingest_suspect (sha256, deaths) VALUES (%s, 3)", edge.prev_sha256)
    assert hand_in(gw, frame).contiguous_no == 2
    assert books.ask("SELECT reason FROM quarantine") == [("crashed_worker",)]
    assert books.rows() == 3
