"""Readers that speak JSON, over real HTTP and a real broker: heard, lost, found again; nothing bad passes."""

import base64
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal
from edge_agent.readers.iot import inbox
from edge_agent.readers.iot.reader import IotReader
from edge_agent.readers.llrp.decoder import LlrpDecoder
from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.raw_read import RawRead, Seen
from simulators.iot_reader.events import MAKES, encode
from simulators.iot_reader.senders import Poster, Publisher
from simulators.iot_reader.stream import StreamServer
from simulators.llrp_reader.report import Observation, ReportFields, encode_report
from simulators.warehouse.dock.recording import inventories, observations
from simulators.warehouse.dock.world import chunks, plan_world
from tests.conftest import Broker
from tests.integration.iot.conftest import PASSWORD, Floor, tag, wait_for
from tests.patience import PATIENCE_S

WORLD_SECONDS = 0.5
TOGETHER = 20
"""Rounds in one post: readers linger for a moment."""


def test_a_stream_is_read_and_read_again_when_it_breaks(floor: Floor) -> None:
    with StreamServer(PASSWORD, heartbeat_s=0.05) as stream:
        reader = floor.listen(url=stream.url, user="root", password=PASSWORD)
        assert stream.wait_for_clients(1, PATIENCE_S)
        stream.send(tag(1))
        floor.heard.wait(lambda: len(floor.heard.epcs) == 1)
        wait_for(lambda: reader.counters.keepalives >= 2)
        floor.heard.wait(lambda: "silent" in floor.heard.words)
        stream.send_raw(tag(2)[:40])
        stream.hang_up()
        floor.heard.wait(lambda: floor.heard.words.count("connected") == 2)
        assert stream.wait_for_clients(1, PATIENCE_S)
        stream.send(tag(3))
        floor.heard.wait(lambda: len(floor.heard.epcs) == 2)
        assert floor.heard.epcs[1].endswith("03")
        stream.is_mute = True
    floor.heard.wait(lambda: floor.heard.words[-1] == "disconnected")
    assert reader.counters.state is ReaderState.WAITING
    assert reader.counters.lost == 2


def test_a_stream_that_says_nothing_is_lost(floor: Floor) -> None:
    with capture_logs() as told, StreamServer(PASSWORD, heartbeat_s=0.05) as stream:
        reader = floor.listen(url=stream.url, user="root", password=PASSWORD, silent_after_s=1)
        floor.heard.wait(lambda: "connected" in floor.heard.words)
        stream.is_mute = True
        floor.heard.wait(lambda: "disconnected" in floor.heard.words)
        assert reader.counters.lost >= 1
        stream.is_mute = False
        floor.heard.wait(lambda: floor.heard.words.count("connected") >= 2)
    assert "silent for 1 s" in [line.get("cause") for line in told]


def test_thirty_flaps_leave_nothing_behind_and_cost_nothing_that_was_sent(floor: Floor) -> None:
    with StreamServer(PASSWORD, heartbeat_s=0.05) as stream:
        reader = floor.listen(url=stream.url, user="root", password=PASSWORD)
        before = (0, 0)
        for flap in range(30):
            floor.heard.wait(lambda flap=flap: floor.heard.words.count("connected") == flap + 1)
            assert stream.wait_for_clients(1, PATIENCE_S)
            stream.send(tag(flap))
            floor.heard.wait(lambda flap=flap: len(floor.heard.epcs) == flap + 1)
            if flap == 3:
                before = left_behind()
            stream.hang_up()
            floor.heard.wait(lambda flap=flap: floor.heard.words.count("disconnected") == flap + 1)
        floor.heard.wait(lambda: floor.heard.words.count("connected") == 31)
        assert stream.wait_for_clients(1, PATIENCE_S)
        wait_for(lambda: left_behind() == before)
        assert len(set(floor.heard.epcs)) == 30
        assert reader.counters.lost == 30


def left_behind() -> tuple[int, int]:
    """Count what a process holds: descriptors and threads."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), threading.active_count()


def test_a_wrong_password_is_the_readers_refusal_and_told(floor: Floor) -> None:
    with StreamServer(PASSWORD) as stream:
        reader = floor.listen(url=stream.url, user="root", password="another-word")
        wait_for(lambda: reader.counters.state is ReaderState.REFUSED)
        assert "it answers 401" in reader.counters.detail


def test_posts_are_taken_with_the_password_and_not_without(floor: Floor) -> None:
    reader, url = floor.inbox()
    assert reader.counters.state is ReaderState.WAITING
    with closing(Poster(url, "reader", PASSWORD)) as poster:
        assert poster.send(tag(1)) == 204
        assert poster.send(tag(2)) == 204
    assert reader.counters.state is ReaderState.OPEN
    with closing(Poster(url, "reader", "a-wrong-word")) as stranger:
        assert stranger.send(tag(3)) == 401
    host = url.removeprefix("http://").removesuffix("/")
    with closing(http.client.HTTPConnection(host, timeout=PATIENCE_S)) as plain:
        plain.request("POST", "/", tag(4), {"Authorization": f"Bearer {PASSWORD}"})
        assert plain.getresponse().status == 204
    for method, headers, status in (
        ("POST", {}, 401),
        ("POST", {"Authorization": "Basic %%%"}, 401),
        ("POST", {"Authorization": f"Bearer {PASSWORD}", "Content-Length": "9000000"}, 413),
        ("POST", {"Authorization": f"Bearer {PASSWORD}", "Transfer-Encoding": "chunked"}, 411),
        ("GET", {"Authorization": f"Bearer {PASSWORD}"}, 405),
    ):
        with closing(http.client.HTTPConnection(host, timeout=PATIENCE_S)) as odd:
            odd.putrequest(method, "/")
            for name, value in headers.items():
                odd.putheader(name, value)
            odd.endheaders()
            assert odd.getresponse().status == status
    assert [epc[-2:] for epc in floor.heard.epcs] == ["01", "02", "04"]
    assert inbox._Handler.disable_nagle_algorithm


def test_what_nobody_understands_is_kept_counted_and_not_sent_for_ever(floor: Floor) -> None:
    reader, url = floor.inbox()
    with closing(Poster(url, "reader", PASSWORD)) as poster:
        assert poster.send(b"\xff not JSON") == 204
        assert poster.send(json.dumps([{"eventType": "tagInventory"}, json.loads(tag(1))]).encode()) == 204
    assert reader.counters.oddities()["reader_messages_malformed"] == 2
    kept = [
        json.loads(line) for line in (floor.folder / "unreadable-r1.jsonl").read_text("utf-8").splitlines()
    ]
    assert base64.b64decode(kept[0]["base64"]) == b"\xff not JSON"
    assert "tagInventoryEvent = None" in kept[1]["why"]
    assert len(floor.heard.epcs) == 1


def test_a_post_cut_short_is_nothing_and_a_slow_one_holds_up_nobody(floor: Floor) -> None:
    reader, url = floor.inbox()
    port = int(url.rstrip("/").rpartition(":")[2])
    head = f"POST / HTTP/1.1\r\nAuthorization: Bearer {PASSWORD}\r\nContent-Length: 500\r\n\r\n".encode()
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    for each in slow:
        each.sendall(head + b'{"event')
    with closing(Poster(url, "reader", PASSWORD)) as poster:
        assert poster.send(tag(1)) == 204
    for each in slow:
        each.close()
    wait_for(lambda: len(floor.heard.epcs) == 1)
    assert reader.counters.oddities()["reader_messages_malformed"] == 0


def test_it_stops_although_clients_stay_and_go_on_to_post(floor: Floor) -> None:
    reader, url = floor.inbox()
    port = int(url.rstrip("/").rpartition(":")[2])
    head = f"POST / HTTP/1.1\r\nAuthorization: Bearer {PASSWORD}\r\nContent-Length: "
    body = tag(1)
    post = f"{head}{len(body)}\r\n\r\n".encode() + body
    place = ("127.0.0.1", port)
    with socket.create_connection(place) as idle, socket.create_connection(place) as busy:
        idle.sendall(post)
        assert b" 204 " in idle.recv(1000)

        def go_on() -> None:
            with suppress(OSError):
                while busy.send(post):
                    pass

        posting = threading.Thread(target=go_on)
        posting.start()
        stopping = threading.Thread(target=reader.stop)
        stopping.start()
        stopping.join(5.0)
        is_stopped = not stopping.is_alive()
        with suppress(OSError):  # it is cut already
            busy.shutdown(socket.SHUT_RDWR)
        posting.join()
    stopping.join()
    assert is_stopped


def test_a_post_that_never_ends_is_ended(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "DEADLINE_S", 0.3)
    _, url = floor.inbox()
    port, never, since_s = int(url.rstrip("/").rpartition(":")[2]), threading.Event(), time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as slow, suppress(ConnectionError):
        slow.sendall(b"POST / HTTP/1.1\r\nX-Slow: ")
        while time.monotonic() - since_s < 5.0 and not never.wait(0.02):
            slow.sendall(b"x")
    assert time.monotonic() - since_s < 5.0


def test_a_silent_poster_is_lost_and_found_again(floor: Floor) -> None:
    reader, url = floor.inbox(profile="zebra_fx9600_iot", silent_after_s=1)
    with closing(Poster(url, "reader", PASSWORD)) as poster:
        assert poster.send(tag(1, "zebra")) == 204
        floor.heard.wait(lambda: "disconnected" in floor.heard.words)
        assert (reader.counters.detail, reader.counters.is_silent) == ("silent for 1 s", True)
        assert poster.send(json.dumps({"type": "heartbeat", "data": {}}).encode()) == 204
        floor.heard.wait(lambda: floor.heard.words.count("connected") == 2)
    assert reader.counters.lost == 1


def test_a_broker_hands_events_on_and_is_found_again(floor: Floor, broker: Broker) -> None:
    parts = broker.url.removeprefix("mqtt://")
    credentials, _, place = parts.rpartition("@")
    user, _, password = credentials.partition(":")
    with closing(Publisher(f"{broker.url}/dl/v1/s/g/records")) as publisher:
        publisher.send(tag(99), is_retained=True)  # of before: nobody is to hear it now
    reader = floor.listen(url=f"mqtt://{place}/dl/v1/s/g/records", user=user, password=password)
    floor.heard.wait(lambda: "connected" in floor.heard.words)
    with closing(Publisher(f"{broker.url}/dl/v1/s/g/records")) as publisher:
        for serial in range(20):
            publisher.send(tag(serial))
        floor.heard.wait(lambda: len(floor.heard.epcs) == 20)
    assert [int(epc[-2:], 16) for epc in floor.heard.epcs] == list(range(20))
    broker.stop()
    floor.heard.wait(lambda: "disconnected" in floor.heard.words)
    assert reader.counters.lost == 1
    broker.start()
    floor.heard.wait(lambda: floor.heard.words.count("connected") == 2)


def test_the_same_world_is_decided_the_same_through_json_as_through_llrp(floor: Floor) -> None:
    world = plan_world(5, 3, 1)
    [(door, inventory)] = inventories(world).items()
    found = [
        each for begin_s, end_s in chunks(world, WORLD_SECONDS) for each in inventory.during(begin_s, end_s)
    ]
    start_us = time.time_ns() // 1000 - round((found[-1].end_s + 1) * 1_000_000)
    rounds = [observations(each, start_us) for each in found]
    portal = Portal(
        id="dock-1",
        kind="two_sided",
        inside=("r1:1", "r1:2"),
        outside=("r1:3", "r1:4"),
        inside_location="STAGE-1",
        outside_location="@clearing/dock-1",
    )
    for make, profile, fields in (
        ("impinj", "impinj_r700_iot", ReportFields(impinj_peak_rssi=True, last_seen_timestamp=True)),
        ("zebra", "zebra_fx9600_iot", ReportFields(last_seen_timestamp=True)),
    ):
        floor.heard.all.clear()
        reader, url = floor.inbox(profile=profile)
        with closing(Poster(url, "reader", PASSWORD)) as poster:
            for begin in range(0, len(rounds), TOGETHER):
                some = [MAKES[make](each) for one in rounds[begin : begin + TOGETHER] for each in one]
                assert not some or poster.send(encode(some)) == 204
        over_json = list(floor.heard.all)
        over_llrp = through_llrp(rounds, fields)
        assert len(over_json) == len(over_llrp) > 500
        assert decided(over_json, portal) == decided(over_llrp, portal)
        assert len(decided(over_json, portal)) >= 3
        assert reader.counters.oddities().get("reader_clock_resets", 0) == 0
        reader.stop()
    assert door.number == 1


def through_llrp(rounds: list[list[Observation]], fields: ReportFields) -> list[Seen]:
    decoder = LlrpDecoder("r1")
    seen: list[Seen] = []
    for number, some in enumerate(rounds):
        if some:
            message = encode_report(some, fields, message_id=number)
            seen += decoder.take(message, max(each.at_us for each in some))
    return seen


def decided(seen: list[Seen], portal: Portal) -> list[tuple[str, str]]:
    door = PortalFilter((portal,))
    passages = [*door.take_many(sorted(seen, key=lambda each: each.seen_us)), *door.flush()]
    return sorted((passage.epc, passage.direction) for passage in passages)


def test_the_command_plays_a_capture_to_a_listening_agent(floor: Floor, tmp_path: Path) -> None:
    reader: IotReader
    reader, url = floor.inbox(profile="zebra_fx9600_iot")
    capture = tmp_path / "capture.jsonl"
    lines = [
        {
            "seen_at": f"2026-03-02T06:15:00.{step * 5:02}0000Z",
            "reader": "r1",
            "antenna": 2,
            "epc": f"30{step:022x}",
            "rssi_dbm": -50.5,
            "phase_deg": None,
            "doppler_hz": None,
            "count": 1,
        }
        for step in range(6)
    ]
    capture.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, "-m", "simulators.cli", "iot-reader", "--make", "zebra"]
    command += ["--capture", str(capture), "--post", url, "--password", PASSWORD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"events": 6}
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    reads = [read for read in floor.heard.all if isinstance(read, RawRead)]
    assert len(reads) == 6
    assert reads[-1].seen_us - reads[0].seen_us == 250_000
    assert reader.counters.oddities().get("reader_reads_late", 0) == 0


@pytest.mark.parametrize("profile", ["impinj_r700_iot", "zebra_fxr90_iot"])
def test_a_port_that_is_taken_is_waited_for(floor: Floor, profile: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reader = floor.listen(profile=profile, url=f"listen://127.0.0.1:{port}", password=PASSWORD)
        wait_for(lambda: "in use" in reader.counters.detail)
    with closing(Poster(f"http://127.0.0.1:{port}/", "reader", PASSWORD)) as poster:

        def is_taken() -> bool:
            try:
                return poster.send(tag(1, "zebra" if "zebra" in profile else "impinj")) == 204
            except OSError:
                return False

        wait_for(is_taken)
