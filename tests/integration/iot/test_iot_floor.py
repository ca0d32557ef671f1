"""From a post to a crossing, through the agent's own floor; and a look at a reader before it is used."""

import io
import json
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contracts.records import Crossing, RowRef
from contracts.vocabulary import CrossingDirection
from edge_agent import floor as agents
from edge_agent.cli import main
from edge_agent.clock import Clock
from edge_agent.config.settings import ScannerSettings, load
from edge_agent.doctor.devices import about_iot_reader, about_scanner
from edge_agent.outbox.draft import Draft
from edge_agent.readers.capture import read_json_lines
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.raw_read import RawRead
from edge_agent.record import record_until
from simulators.iot_reader.events import MAKES, encode
from simulators.iot_reader.senders import Poster
from simulators.iot_reader.stream import StreamServer
from simulators.llrp_reader.report import Observation
from tests.integration.iot.conftest import PASSWORD, tag, wait_for
from tests.patience import PATIENCE_S

AGENT = """\
site = "s1"
gateway = "g1"
broker_url = "mqtt://u:p@127.0.0.1:1"
clock = "assumed"

[[iot_reader]]
id = "r1"
profile = "zebra_fx9600_iot"
url = "listen://127.0.0.1:{port}"
password = "{password}"

[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1"]
outside = ["r1:2"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"
"""
CASE = bytes.fromhex("3074257BF7194E4000001A85")


@dataclass
class Journal:
    """Keeps what doors record."""

    drafts: list[Draft] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def commit(self, device: str, state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        with self.changed:
            self.drafts += drafts
            self.changed.notify_all()
        return ()

    def recall(self, device: str) -> bytes | None:
        return None

    def crossings(self) -> list[Crossing]:
        return [draft.record for draft in self.drafts if isinstance(draft.record, Crossing)]


def a_walk_in(end_us: int) -> list[bytes]:
    """Loud outside first, loud inside last: what an FX9600 posts every 100 ms."""
    payloads = []
    for step in range(30):
        at_us = end_us - (29 - step) * 100_000
        outside = -45.0 - abs(step - 8) * 2
        inside = -45.0 - abs(step - 21) * 2
        reads = [Observation(at_us, 2, CASE, 96, outside), Observation(at_us + 20_000, 1, CASE, 96, inside)]
        payloads.append(encode([MAKES["zebra"](each) for each in reads]))
    return payloads


def test_a_walk_that_a_zebra_posts_becomes_a_crossing(free_port: int, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(AGENT.format(port=free_port, password=PASSWORD), "utf-8")
    settings, journal = load(file).settings, Journal()
    floor = agents.Floor(settings, journal, Clock(is_synchronised=lambda: True), lambda _unit: None)
    floor.start()
    try:
        with closing(Poster(f"http://127.0.0.1:{free_port}/", "reader", PASSWORD)) as poster:
            wait_for(lambda: _is_listening(poster))
            now_us = time.time_ns() // 1000
            for step, payload in enumerate(a_walk_in(now_us - 3_000_000)):
                assert poster.send(payload) == 204
                if step == 15:  # in the middle of the door, another tag's read comes 20 s late
                    [read] = [MAKES["zebra"](Observation(now_us - 20_000_000, 1, CASE[::-1], 96, -50.0))]
                    assert poster.send(encode([read])) == 204
            with journal.changed:
                assert journal.changed.wait_for(journal.crossings, PATIENCE_S)
            [health] = floor.health()
            assert (health.id, health.kind, health.reads) == ("r1", "reader", 61)
            assert floor.counters()["reader_reads_too_late"] == 1
            assert floor.late.take_spans() == {"r1": (now_us - 20_000_000, now_us - 20_000_000)}
            assert floor.late.take_spans() == {}
    finally:
        floor.stop()
    assert [
        (each.portal, each.direction, (each.confidence or 0.0) > 0.9) for each in journal.crossings()
    ] == [("dock-1", CrossingDirection.IN, True)]


def test_a_reader_that_has_not_posted_yet_is_held_against_no_wish_but_a_taken_port_is(
    free_port: int, tmp_path: Path
) -> None:
    import socket  # noqa: PLC0415  only here

    file = tmp_path / "agent.toml"
    file.write_text(AGENT.format(port=free_port, password=PASSWORD), "utf-8")
    clock = Clock(is_synchronised=lambda: True)
    floor = agents.Floor(load(file).settings, Journal(), clock, lambda _unit: None)
    with socket.create_server(("127.0.0.1", free_port)):
        floor.start()
        try:
            wait_for(lambda: floor.connected()["r1"])
        finally:
            floor.stop()
    floor = agents.Floor(load(file).settings, Journal(), clock, lambda _unit: None)
    floor.start()
    try:
        with closing(Poster(f"http://127.0.0.1:{free_port}/", "reader", "not-the-password")) as poster:
            wait_for(lambda: _answers(poster))
        assert floor.connected() == {"r1": None}
        assert not floor.presence()["r1"].is_there
    finally:
        floor.stop()


def _answers(poster: Poster) -> bool:
    try:
        return poster.send(b"{}") == 401
    except OSError:
        return False


def _is_listening(poster: Poster) -> bool:
    try:
        return poster.send(json.dumps({"type": "heartbeat", "data": {}}).encode()) == 204
    except OSError:
        return False


def test_a_look_tells_whether_the_way_is_open_and_what_to_set(
    free_port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "agent.toml"
    text = AGENT.format(port=free_port, password=PASSWORD)
    file.write_text(text, "utf-8")
    assert main(["reader", "check", "--config", str(file)]) == 0
    said = capsys.readouterr().out
    assert "lost after silence   90 s" in said
    assert "antenna 1            29 dBm, session 1" in said
    assert "OK       its port is free" in said
    with StreamServer(PASSWORD) as stream:
        in_stream = text.replace(f"listen://127.0.0.1:{free_port}", stream.url)
        in_stream = in_stream.replace("zebra_fx9600_iot", "impinj_r700_iot")
        file.write_text(in_stream.replace("password =", 'user = "root"\npassword ='), "utf-8")
        assert main(["reader", "check", "--json", "--config", str(file)]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["is_well"], found["detail"]) == (True, "the way is open")
        assert found["preset"]["antennaConfigs"][0]["transmitPowerCdbm"] == 3000
        file.write_text(in_stream, "utf-8")
        assert main(["reader", "check", "--config", str(file)]) == 1
        assert "REFUSED  it answers 401" in capsys.readouterr().out
    assert stream.wait_for_clients(0, PATIENCE_S)


def test_the_doctor_looks_at_what_speaks_json_and_at_scanners_that_call_or_type(tmp_path: Path) -> None:
    with StreamServer(PASSWORD) as stream:
        given = {"id": "r1", "profile": "impinj_r700_iot", "url": stream.url, "user": "root"}
        known = IotReaderSettings.model_validate(given | {"password": PASSWORD})
        assert about_iot_reader(known).weight == "well"
        stranger = about_iot_reader(IotReaderSettings.model_validate(given | {"password": "another-word"}))
        assert (stranger.weight, "it answers 401" in stranger.text) == ("problem", True)
    posts = IotReaderSettings.model_validate(
        given | {"url": "listen://127.0.0.1:0", "password": "another-word"}
    )
    quiet = about_iot_reader(posts)
    assert (quiet.weight, "if it falls silent, nobody notices" in quiet.text) == ("note", True)
    handheld = ScannerSettings(id="h1", port="listen://127.0.0.1:9101", profile="zebra_datawedge")
    assert about_scanner(handheld, is_running=False).weight == "well"
    wedge = ScannerSettings(id="k1", port=f"evdev://{tmp_path}/event-kbd", profile="keyboard_wedge")
    assert "is not there" in about_scanner(wedge, is_running=False).text


def test_what_such_a_reader_says_is_recorded_as_any_capture() -> None:
    out, errors, stop, codes = io.BytesIO(), io.StringIO(), threading.Event(), list[int]()
    with StreamServer(PASSWORD) as stream:
        given = {"id": "r1", "profile": "impinj_r700_iot", "url": stream.url, "user": "root"}
        settings = [IotReaderSettings.model_validate(given | {"password": PASSWORD})]

        def run() -> None:
            codes.append(record_until(stop, settings, out, errors, as_messages=False))

        recording = threading.Thread(target=run)
        recording.start()
        assert stream.wait_for_clients(1, PATIENCE_S)
        for serial in range(3):
            stream.send(tag(serial, antenna=2))
        wait_for(lambda: out.getvalue().count(b"\n") == 3)
        stop.set()
        recording.join()
    reads = [each for each in read_json_lines(out.getvalue().splitlines()) if isinstance(each, RawRead)]
    assert codes == [0]
    assert [(read.antenna, read.epc[-2:]) for read in reads] == [(2, "00"), (2, "01"), (2, "02")]
