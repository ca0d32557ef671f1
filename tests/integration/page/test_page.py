"""The agent's own page, asked over a real socket: what it shows, and whom it does not answer."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from contracts.base import GatewayId, SiteId
from contracts.gateway import ClockHealth, Health, OutboxHealth, ReaderHealth
from contracts.records import Crossing, TracePoint
from contracts.vocabulary import CrossingDirection, CrossingReason
from edge_agent.page.render import render
from edge_agent.page.server import PageServer, PageUnavailableError
from edge_agent.page.status import (
    AntennaStatus,
    ConfigStatus,
    DiskStatus,
    PageStatus,
    SettingStatus,
    problems,
)
from edge_agent.page.zones import ZoneStatus

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
EVIL = "<script>alert(1)</script>&\"'"


def crossing(**changed: Any) -> Crossing:
    fields: dict[str, Any] = {
        "seq": 1,
        "occurred_at_claimed": NOW - timedelta(seconds=20),
        "mono_ns": 1,
        "boot_id": "boot-1",
        "clock_ok": True,
        "portal": "dock-1",
        "epc": "urn:epc:id:sscc:0614141.1234567890",
        "unit": "106141412345678908",
        "direction": CrossingDirection.IN,
        "first_seen_at": NOW - timedelta(seconds=24),
        "reads": 3,
        "posted": "posted",
        "confidence": 0.97,
        "antennas": ("r1:1", "r1:3"),
        "trace": (TracePoint(0, 1, -60.0), TracePoint(1500, 0, -41.5), TracePoint(3000, 0, -63.0)),
    }
    return Crossing(**fields | changed)


def status(**changed: Any) -> PageStatus:
    health: dict[str, Any] = {
        "site": SiteId("leeds"),
        "gateway": GatewayId("gw-1"),
        "sent_at": NOW,
        "uptime_s": 93_784.0,
        "outbox": OutboxHealth(
            unacked_rows=1204,
            unacked_batches=5,
            oldest_unacked_age_s=410,
            used_bytes=48 * 2**20,
            quota_bytes=2**32,
        ),
        "clock": ClockHealth(ok=True, offset_s=0.012, steps=1),
        "readers": (
            ReaderHealth(id="r1", kind="reader", state="open", last_heard_at=NOW, reads=48_211),
            ReaderHealth(id="s1", kind="scanner", state="open", reads=0),
        ),
        "counters": {"scans": 88, "reader_restarts": 0, "outbox_commits": 4, "outbox_commit_us": 10_000},
    }
    return PageStatus(
        "dockledger-edge 0.1.0",
        Health(**health | changed),
        way="mqtt",
        antennas=(
            AntennaStatus(
                "r1",
                3,
                1200,
                NOW - timedelta(seconds=90),
                "dock-1",
                reads_per_s=41.5,
                mean_dbm=-60,
                strongest_dbm=-42.5,
            ),
            AntennaStatus("r1", 4, portal="dock-1"),
        ),
        zones=(ZoneStatus("aisle-4", "A-04", 7, 19, 12),),
        crossings=(crossing(),),
        visits={"dock-1": "V-7: seen 57 of 60"},
        config=ConfigStatus(
            running_revision=6,
            last_revision=7,
            outcome="rolled_back",
            errors=("not healthy within 30 s", "r1 is not connected: refused"),
            settings=(
                SettingStatus("site", "leeds", "file agent.toml"),
                SettingStatus("drain_rows_per_s", "100.0", "cloud"),
            ),
        ),
        disk=DiskStatus(total_bytes=2**34, free_bytes=2**33),
    )


class Page(HTMLParser):
    """A page as a reader takes it in: its words, and every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    @override
    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[], PageStatus]], PageServer]]:
    """Starts pages, and stops them at the end."""
    started: list[PageServer] = []

    def start(of: Callable[[], PageStatus]) -> PageServer:
        server = PageServer(0, of)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def ask(
    server: PageServer, path: str = "/", *, method: str = "GET", host: str | None = None
) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{server.port}" if host is None else host)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def test_the_page_says_what_the_gateway_does(serve: Callable[..., PageServer]) -> None:
    response, html = ask(serve(status))
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = Page(html)
    for words in (
        "Visits at the doors door visit dock-1 V-7: seen 57 of 60",
        "gw-1 · leeds", "up 1 d 2 h · dockledger-edge 0.1.0", "Configuration 7 of the cloud was rolled back.",
        "r1 reader open 48,211 0 s ago", "s1 scanner open 0 never",
        "r1:3 dock-1 41.5 -60 dBm on average, strongest -42 dBm -60 / -42 dBm 1,200 1 min ago",
        "r1:4 dock-1 0.0 - 0 never", "aisle-4 A-04 7 19 12",
        "disk 8,192 of 16,384 MB free", "a commit takes 2.5 ms on average of 4",
        "runs revision 6", "last wish of the cloud revision 7, rolled back",
        "r1 is not connected: refused",
        "dock-1 ← in posted 106141412345678908", "97% sure · 3 reads", "20 s ago",
        "1,204 rows in 5 batches", "the oldest waits for 6 min", "48.0 of 4,096 MB, has room",
        "steps since start 1", "offset +0.012 s", "way to the ledger the broker", "scans 88",
    ):  # fmt: skip
        assert words in page.text
    assert "reader_restarts" not in page.text, "what was never counted is left out"
    [refresh] = [each for each in page.all("meta") if each.get("http-equiv") == "refresh"]
    assert refresh["content"] == "3"


def test_settings_stand_still_with_their_origins(serve: Callable[..., PageServer]) -> None:
    page = Page(ask(serve(status), "/settings")[1])
    assert "site file agent.toml leeds drain_rows_per_s cloud 100.0" in page.text
    assert not [each for each in page.all("meta") if each.get("http-equiv") == "refresh"]


def test_every_look_shows_the_present(serve: Callable[..., PageServer]) -> None:
    looks = iter([status(), status(counters={"scans": 89})])
    server = serve(lambda: next(looks))
    assert [("scans 88" in Page(ask(server)[1]).text) for _ in range(2)] == [True, False]


def test_the_radio_picture_has_a_mark_per_read_and_words_for_those_who_do_not_see_it(
    serve: Callable[..., PageServer],
) -> None:
    page = Page(ask(serve(status))[1])
    [bar, picture] = [each for each in page.all("svg") if each.get("role") == "img"]
    assert bar["aria-label"] == "-60 dBm on average, strongest -42 dBm"
    assert picture["aria-label"] == "3 reads in 3.0 s, strongest -42 dBm, by r1:1, r1:3"
    first = [each for each in page.all("circle") if each["class"] == "antenna1"]
    second = [each for each in page.all("path") if each["class"] == "antenna2"]
    assert (len(first), len(second)) == (3, 2), "two reads and one; each antenna once more in the legend"
    heights = [float(each["cy"] or 0) for each in first[:2]]
    assert heights[0] < heights[1], "the stronger read stands higher"


def test_programs_get_the_same_as_json(serve: Callable[..., PageServer]) -> None:
    response, body = ask(serve(status), "/status.json")
    told = json.loads(body)
    assert response.headers["Content-Type"] == "application/json"
    assert told["health"]["outbox"]["unacked_rows"] == 1204
    assert told["antennas"][:1] == [
        {
            "reader": "r1",
            "antenna": 3,
            "portal": "dock-1",
            "reads": 1200,
            "reads_per_s": 41.5,
            "mean_dbm": -60,
            "strongest_dbm": -42.5,
            "last_read_at": "2026-03-02T07:58:30+00:00",
        }
    ]
    assert told["zones"] == [{"id": "aisle-4", "location": "A-04", "tags": 7, "came": 19, "went": 12}]
    assert told["crossings"][0]["trace"][1] == [1500, 0, -41.5]
    assert told["config"]["settings"][1] == {"name": "drain_rows_per_s", "value": "100.0", "origin": "cloud"}
    assert told["disk"] == {"total_bytes": 2**34, "free_bytes": 2**33}
    assert told["problems"] == ["Configuration 7 of the cloud was rolled back."]


def test_nothing_comes_from_elsewhere_and_nothing_runs(serve: Callable[..., PageServer]) -> None:
    server = serve(status)
    response, html = ask(server)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = Page(html)
    assert not page.all("script")
    assert not [attributes for _, attributes in page.elements if "style" in attributes]
    linked = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"href", "src"}
    ]
    assert linked == ["/page.css", "/settings", "/status.json", "/metrics"]
    style, css = ask(server, "/page.css")
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "prefers-color-scheme: dark" in css
    assert "url(" not in css
    classes = {name for _, attributes in page.elements for name in (attributes.get("class") or "").split()}
    assert {name for name in classes if f".{name}" not in css} <= {"direction"}


def test_what_tags_and_devices_say_is_text_and_never_markup() -> None:
    told = replace(
        status(readers=(ReaderHealth(id=EVIL, kind=EVIL, state=EVIL),), counters={EVIL: 1}),
        version=EVIL,
        notes={EVIL: EVIL},
        antennas=(AntennaStatus(EVIL, 1, 1, NOW, EVIL),),
        zones=(ZoneStatus(EVIL, EVIL, 1, 1, 0),),
        crossings=(crossing(portal=EVIL, epc=EVIL, unit=None, antennas=(EVIL,) * 2),),
    )
    page = Page(render(told))
    assert not page.all("script")
    assert "<script>alert(1)</script>" in page.text


def test_crossings_without_a_picture_and_with_many_antennas_are_shown_too() -> None:
    many = tuple(f"r1:{number}" for number in range(1, 10))
    marks = tuple(TracePoint(0, number, -50.0) for number in range(9))
    shown = replace(
        status(),
        crossings=(
            crossing(trace=(), antennas=(), direction=CrossingDirection.STRAY, because=CrossingReason.STRAY,
                     posted="evidence", confidence=None),
            crossing(trace=marks, antennas=many, direction=CrossingDirection.OUT, posted="held",
                     because=CrossingReason.CONTRADICTS_VISIT),
        ),
    )  # fmt: skip
    page = Page(render(shown))
    assert "dock-1 stray evidence 106141412345678908 no radio picture" in page.text
    assert "r1:9" in page.text
    assert page.text.index("dock-1 out → held (contradicts visit)") < page.text.index("stray evidence")


def test_what_is_wrong_stands_on_top() -> None:
    full = OutboxHealth(unacked_rows=1, unacked_batches=1, used_bytes=5, quota_bytes=5, is_full=True)
    wrong = replace(
        status(
            outbox=full,
            clock=ClockHealth(ok=False),
            readers=(ReaderHealth(id="r2", kind="reader", state="waiting"),),
        ),
        way=None,
        notes={"r2": "connection refused"},
        crossings=(),
        antennas=(),
        config=None,
    )
    found = problems(wrong)
    assert len(found) == 4
    assert found[3] == "Reader r2 is waiting: connection refused."
    page = Page(render(wrong))
    assert len([each for each in page.all("p") if each.get("role") == "alert"]) == 4
    for words in ("None since the agent started.", "not believed", "not connected", "5 MB, full"):
        assert words.replace("5 MB", "0 MB") in page.text


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "localhost:1", "", "[::1", "a:b:c"],
)
def test_another_name_for_this_address_gets_nothing(serve: Callable[..., PageServer], host: str) -> None:
    server = serve(status)
    response, body = ask(server, host=host.format(port=server.port))
    assert response.status == 421
    assert "leeds" not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1", "[::1]", "[::1]:{port}"])
def test_the_loopback_names_are_answered(serve: Callable[..., PageServer], host: str) -> None:
    server = serve(status)
    assert ask(server, host=host.format(port=server.port))[0].status == 200


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_the_page_is_only_looked_at(serve: Callable[..., PageServer], method: str) -> None:
    response, body = ask(serve(status), method=method)
    assert (response.status, response.headers["Allow"]) == (405, "GET")
    assert "leeds" not in body


@pytest.mark.parametrize("path", ["/favicon.ico", "/../../etc/passwd", "/page.css/x", "/%2e%2e/"])
def test_other_paths_are_not_there(serve: Callable[..., PageServer], path: str) -> None:
    assert ask(serve(status), path)[0].status == 404


def test_nobody_else_on_the_network_can_look(serve: Callable[..., PageServer]) -> None:
    server = serve(status)
    assert server._server is not None
    assert server._server.server_address == ("127.0.0.1", server.port)


def test_garbage_and_silence_harm_nobody(serve: Callable[..., PageServer]) -> None:
    server = serve(status)
    silent = socket.create_connection(("127.0.0.1", server.port))
    with socket.create_connection(("127.0.0.1", server.port)) as garbled:
        garbled.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert garbled.recv(16)
    assert ask(server)[0].status == 200, "while another client says nothing"
    silent.close()


def test_a_status_that_cannot_be_given_is_logged_and_the_next_look_works(
    serve: Callable[..., PageServer],
) -> None:
    looks = iter([True, False])

    def of() -> PageStatus:
        if next(looks):
            raise RuntimeError("no status yet")
        return status()

    server = serve(of)
    with capture_logs() as logs, pytest.raises(http.client.BadStatusLine):
        ask(server)
    assert ask(server)[0].status == 200
    assert [entry["event"] for entry in logs] == ["page_request_failed"]


def test_a_taken_port_is_said_so(serve: Callable[..., PageServer]) -> None:
    port = serve(status).port
    with pytest.raises(
        PageUnavailableError, match=rf"page_port {port}: 127\.0\.0\.1:{port} cannot be opened"
    ):
        PageServer(port, status).start()


def test_a_stopped_page_leaves_no_thread_and_gives_its_port_back() -> None:
    before = set(threading.enumerate())
    server = PageServer(0, status)
    server.start()
    port = server.port
    assert ask(server)[0].status == 200
    server.stop()
    server.stop()
    assert set(threading.enumerate()) == before
    again = PageServer(port, status)
    again.start()
    assert ask(again)[0].status == 200
    again.stop()
