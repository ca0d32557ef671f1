"""The agent's way over HTTPS against a server that answers by a script."""

import base64
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contracts.batch import decode_frame
from contracts.feedback import IngestMode, IngestState
from contracts.topics import INGEST_STATE, Channel, topic
from edge_agent.config.settings import AgentSettings, SettingsError, build
from edge_agent.doctor.ledger import about_ledger
from edge_agent.outbox.draft import Draft
from edge_agent.publish import https
from edge_agent.publish.address import LedgerAddress, parse_broker_url, parse_ledger_url
from edge_agent.publish.https import HttpsLink
from edge_agent.publish.mqtt import Connected, Disconnected, LinkEvent, Received, Refused
from edge_agent.ways import broker_of, ledger_of
from tests.conftest import Broker
from tests.integration.edge.conftest import HandClock
from tests.integration.edge.scripted_ledger import Books, ScriptedLedger
from tests.integration.edge.test_publisher import Edge
from tests.patience import PATIENCE_S

SITE, GATEWAY = "leeds", "gw-1"
RECORDS, ACK = topic(SITE, GATEWAY, Channel.RECORDS), topic(SITE, GATEWAY, Channel.ACK)
STATE = b'{"schema":1,"mode":"running","since_at":"2026-01-01T00:00:00Z"}'

Reply = tuple[int, dict[str, str], bytes]
ADMITTED: Reply = (200, {}, STATE)


class Ledger:
    """A server whose next answers are put into a queue; once it is empty, all is well."""

    def __init__(self) -> None:
        self.replies: queue.Queue[Reply | None] = queue.Queue()
        self.asked: queue.Queue[tuple[str, str, bytes]] = queue.Queue()
        self.messages = b"{}"
        self.books: Books | None = None
        """Who answers batches, if it is not the script."""
        ledger = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                shown = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
                if self.path.endswith(https.MESSAGES_PATH):
                    self._answer((200, {}, ledger.messages))
                    return
                ledger.asked.put((f"{self.command} {self.path}", shown, body))
                if ledger.books is not None and self.path.endswith("/v1/batches"):
                    ack = ledger.books.take(decode_frame(body)).model_dump_json(by_alias=True)
                    self._answer((200, {}, ack.encode()))
                    return
                try:
                    reply = ledger.replies.get_nowait()
                except queue.Empty:
                    reply = ADMITTED
                if reply is None:  # a server that goes away without a word
                    self.close_connection = True
                    return
                self._answer(reply)

            def _answer(self, reply: Reply) -> None:
                status, headers, content = reply
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815  the name that http.server asks for

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://gw-1:a%3Ab@127.0.0.1:{self.server.server_port}/ledger/"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    thread = threading.Thread(target=ledger.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield ledger
    ledger.server.shutdown()
    ledger.server.server_close()
    thread.join()


@contextmanager
def linked(ledger: Ledger) -> Iterator[tuple[HttpsLink, Callable[[], LinkEvent]]]:
    """Give a wanted link and what it says next."""
    events: queue.Queue[LinkEvent] = queue.Queue()
    address = parse_ledger_url(ledger.url, gateway=GATEWAY)
    link = HttpsLink(address, site=SITE, gateway=GATEWAY, on_event=events.put)
    link.start()
    link.want(is_wanted=True)
    try:
        yield link, lambda: events.get(timeout=PATIENCE_S)
    finally:
        link.stop()


def mode(event: LinkEvent) -> IngestMode:
    assert isinstance(event, Received)
    assert event.topic == INGEST_STATE
    return IngestState.model_validate_json(event.payload).mode


def test_it_is_admitted_sends_and_brings_the_answer_as_a_broker_would(ledger: Ledger) -> None:
    with linked(ledger) as (link, heard):
        assert heard() == Connected("HTTPS", https.WINDOW)
        assert heard() == Received(INGEST_STATE, STATE)
        assert ledger.asked.get() == ("GET /ledger/v1/ingest/state", "gw-1:a:b", b"")
        ledger.replies.put((200, {}, b"an ack"))
        assert link.publish(RECORDS, b"a frame")
        assert heard() == Received(ACK, b"an ack")
        assert ledger.asked.get() == ("POST /ledger/v1/batches", "gw-1:a:b", b"a frame")
        assert link.publish(topic(SITE, GATEWAY, Channel.CONFIG_REPORTED), b"{}")
        assert heard() == Received(INGEST_STATE, STATE)
        assert ledger.asked.get()[0] == "POST /ledger/v1/ingest/config_reported"
        link.want(is_wanted=False)
        assert heard() == Disconnected("no longer needed")
        assert not link.publish(RECORDS, b"a frame")


def test_what_the_cloud_says_comes_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "ASK_EVERY_S", 0.0)
    ledger.messages = b'{"messages":[{"channel":"config/desired","payload":{"revision":1}}]}'
    config = topic(SITE, GATEWAY, Channel.CONFIG_DESIRED)
    with linked(ledger) as (link, heard):
        heard(), heard()
        assert heard() == Received(config, b'{"revision":1}')
        link.publish(RECORDS, b"a frame")
        assert heard() == Received(ACK, STATE), "not the same message again"
        ledger.messages = ledger.messages.replace(b"1", b"2")
        assert heard() == Received(config, b'{"revision":2}')
        asked = b'{"messages":[{"channel":"ack","payload":{"epoch":"a","position":1}},'
        asked += b'{"channel":"ack","payload":{"epoch":"b","position":1}}]}'
        ledger.messages = asked
        assert heard() == Received(ACK, b'{"epoch":"a","position":1}')
        assert heard() == Received(ACK, b'{"epoch":"b","position":1}')
        ledger.messages = asked.replace(b"1", b"2")
        link.publish(RECORDS, b"a frame")
        assert heard() == Received(ACK, STATE), "asked for already, however far the ledger is"
        ledger.messages = b"[]"
        link.publish(RECORDS, b"a frame")
        assert heard() == Received(ACK, STATE), "what cannot be read stops nothing"


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_without_room_pauses_the_gateway_for_as_long_as_it_says(ledger: Ledger, status: int) -> None:
    with linked(ledger) as (link, heard):
        heard(), heard()
        ledger.replies.put((status, {"Retry-After": "1"}, b'{"detail": "no room"}'))
        link.publish(RECORDS, b"a frame")
        assert mode(heard()) is IngestMode.PAUSED
        assert mode(heard()) is IngestMode.RUNNING
        assert link.is_connected
        assert link.counters["https_pauses"] == 1


def test_what_is_refused_is_told_and_does_not_stop_the_next(ledger: Ledger) -> None:
    with linked(ledger) as (link, heard):
        heard(), heard()
        ledger.replies.put((422, {}, b'{"detail": "it is forged"}'))
        link.publish(RECORDS, b"a frame")
        link.publish(RECORDS, b"the next")
        assert heard() == Refused(RECORDS, "422 it is forged")
        assert heard() == Received(ACK, STATE)


def test_a_connection_that_was_closed_meanwhile_is_made_anew_unnoticed(ledger: Ledger) -> None:
    with linked(ledger) as (link, heard):
        heard(), heard()
        ledger.replies.put(None)
        link.publish(RECORDS, b"a frame")
        assert heard() == Received(ACK, STATE)
        assert [ledger.asked.get()[2] for _ in range(3)] == [b"", b"a frame", b"a frame"]


@pytest.mark.parametrize("reply", [(401, {}, b"{}"), (500, {}, b""), (302, {"Location": "/"}, b"")])
def test_who_is_not_admitted_says_why_and_asks_again(ledger: Ledger, reply: Reply) -> None:
    ledger.replies.put(reply)
    with linked(ledger) as (link, heard):
        assert heard() == Refused("https", str(reply[0]))
        assert not link.is_connected or link.counters["https_connects"] == 1
        assert heard() == Connected("HTTPS", https.WINDOW)


def test_a_server_that_fails_is_left_and_found_again(ledger: Ledger) -> None:
    with linked(ledger) as (link, heard):
        heard(), heard()
        ledger.replies.put((500, {}, b"no JSON"))
        link.publish(RECORDS, b"a frame")
        assert heard() == Disconnected("500")
        assert heard() == Connected("HTTPS", https.WINDOW)


def test_a_link_outlives_certificates_that_cannot_be_read_and_takes_those_that_can(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, made = tmp_path / "ca.pem", https.LedgerClient
    tried = queue.Queue[None]()

    def client(address: LedgerAddress) -> https.LedgerClient:
        tried.put(None)
        ca.read_bytes()
        return made(address)

    monkeypatch.setattr(https, "LedgerClient", client)
    with linked(ledger) as (_, heard):
        tried.get(timeout=PATIENCE_S)
        ca.touch()
        assert heard() == Connected("HTTPS", https.WINDOW)


def settings(**more: object) -> AgentSettings:
    given = {"site": SITE, "gateway": GATEWAY, "broker_url": "mqtt://gw-1:x@127.0.0.1:1"} | more
    return build(given, {})


def test_doctor_says_whether_the_ledger_would_admit_this_gateway(ledger: Ledger) -> None:
    def found(**more: object) -> tuple[str, str]:
        (finding,) = about_ledger(settings(**more))
        return finding.weight, finding.text

    assert found() == ("note", "while the broker cannot be reached, rows only wait here")
    assert found(https_url=ledger.url)[1].endswith(
        "admits gw-1, without TLS: its secret and records travel readably"
    )
    ledger.replies.put((401, {}, b'{"detail": "that is not its secret"}'))
    assert found(https_url=ledger.url)[1].endswith("does not admit gw-1: 401 that is not its secret")
    ledger.replies.put((200, {}, b"<html>"))
    assert found(https_url=ledger.url)[1].endswith("takes no batches: 200")
    assert found(https_url="https://gw-1:s@127.0.0.1:1")[0] == "problem"
    _, text = found(https_url="https://gw-1:s@127.0.0.1:1", https_ca="no such file")
    assert "No such file" in text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"broker_url": None}, "broker_url is not set: expected mqtt://"),
        ({"publish": "https"}, 'publish = "https" without https_url'),
        ({"https_ca": "ca.pem"}, "https_ca says nothing without https_url"),
        ({"https_url": "ftp://ledger"}, "expected https://host:port"),
        (
            {"broker_url": None, "publish": "https", "https_url": "https://ledger"},
            "https_url holds no secret",
        ),
        ({"https_url": "https://gw-1:hush@ledger", "https_after_s": 0}, "https_after_s = '0'"),
    ],
)
def test_settings_of_the_way_over_https_are_refused_by_name_and_without_secrets(
    more: dict[str, object], words: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**more)
    assert words in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_gateway_without_a_broker_needs_only_the_ledgers_url() -> None:
    alone = settings(broker_url=None, publish="https", https_url="https://gw-1:s@ledger:8443/dl")
    assert broker_of(alone) is None
    assert ledger_of(alone) == parse_ledger_url("https://gw-1:s@ledger:8443/dl", gateway=GATEWAY)


def test_rows_go_over_https_while_the_broker_is_away_and_by_it_when_it_is_back(
    ledger: Ledger, broker: Broker, hands: HandClock, event: Callable[..., Draft], tmp_path: Path
) -> None:
    ledger.books = Books()
    by_mqtt = ScriptedLedger(broker.url, SITE, books=ledger.books)
    url = broker.admit(SITE, GATEWAY)
    address = parse_ledger_url(ledger.url, gateway=GATEWAY)
    with ExitStack() as stack:
        stack.callback(by_mqtt.close)
        edge = Edge(
            tmp_path / "o.db", parse_broker_url(url), hands.make(), ledger=address, detour_after_s=0.2
        )
        stack.callback(edge.close)
        edge.publisher.start()
        ways: list[tuple[str | None, bool]] = []
        for number in range(3):
            if number == 1:
                broker.stop()
                by_mqtt.wait_until(lambda _: edge.publisher.way == "https")
            elif number == 2:
                broker.start()
                by_mqtt.wait_until(lambda _: edge.publisher.way == "mqtt")
            edge.scan(*(event(number * 10 + place) for place in range(10)))
            by_mqtt.wait_until(lambda _: edge.outbox.stats().unacked_rows == 0)
            ways.append((edge.publisher.way, edge.publisher.is_on_detour))
        assert ways == [("mqtt", False), ("https", True), ("mqtt", False)]
        assert ledger.books.devices() == [str(number) for number in range(30)]
        assert {path for path, _, _ in drained(ledger.asked)} >= {
            "POST /ledger/v1/ingest/status",
            "POST /ledger/v1/ingest/health",
        }


def drained(waiting: "queue.Queue[tuple[str, str, bytes]]") -> Iterator[tuple[str, str, bytes]]:
    while not waiting.empty():
        yield waiting.get()
