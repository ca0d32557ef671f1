"""The doctor on real files, sockets, terminals and a broker: what it says, and that it leaves no trace."""

import io
import json
import os
import socket
import struct
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.records import WorkflowEvent
from edge_agent.clock import Clock, Stamp
from edge_agent.config.settings import AgentSettings, ScannerSettings, build
from edge_agent.doctor.command import doctor
from edge_agent.doctor.devices import about_broker, about_scanner
from edge_agent.doctor.gateway import about_clock, about_kept_files, about_outbox
from edge_agent.outbox.draft import draft
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from edge_agent.time_server import TimeServerError, ask_offset_s
from tests.conftest import Broker

SITE, GATEWAY = "leeds", "gw-1"
PROFILE = "generic_terminal"
NOW = datetime.now(UTC)


@pytest.fixture
def terminal() -> Iterator[str]:
    master, slave = os.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


@pytest.fixture
def config(tmp_path: Path, broker: Broker, terminal: str) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(
        f"""
site = "{SITE}"
gateway = "{GATEWAY}"
broker_url = "{broker.admit(SITE, GATEWAY)}"
clock = "assumed"
[[scanner]]
id = "scan-1"
port = "{terminal}"
profile = "{PROFILE}"
[workflow]
staging = "STAGING"
returns = "RETURNS"
badge_required = false
"""
    )
    return path


def outbox_at(path: Path, gateway: str = GATEWAY) -> Outbox:
    return Outbox(OutboxOptions(path, SITE, gateway, "test", ballast_bytes=4096), Clock())


def told(config: Path) -> tuple[int, dict[str, list[dict[str, str]]]]:
    out = io.StringIO()
    code = doctor(config, out, as_json=True)
    by_subject: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(out.getvalue())["findings"]:
        by_subject.setdefault(finding["subject"], []).append(finding)
    return code, by_subject


def traces(directory: Path) -> dict[str, tuple[int, int]]:
    return {each.name: (each.stat().st_size, each.stat().st_mtime_ns) for each in directory.iterdir()}


def test_a_gateway_that_could_work_is_well_and_is_left_as_it_was(config: Path) -> None:
    outbox_at(config.with_name("outbox.db")).close()
    before = traces(config.parent)
    code, found = told(config)
    assert code == 0
    for subject in ("disk", "outbox", "scanner scan-1", "configuration"):
        assert {each["weight"] for each in found[subject]} == {"well"}, subject
    assert "takes the credentials of gw-1" in found["broker"][-1]["text"]
    assert "a synced write takes" in found["disk"][1]["text"]
    assert "6 from file" in found["configuration"][0]["text"]
    assert traces(config.parent) == before


def test_beside_a_running_agent_nothing_is_written_and_nobody_is_asked_under_its_name(config: Path) -> None:
    running = outbox_at(config.with_name("outbox.db"))
    with closing(running):
        running.stats()
        before = set(traces(config.parent)) | {"outbox.db.ballast"}
        code, found = told(config)
        assert code == 0
        assert [each["text"] for each in found["agent"]] == ["it runs: its readers were left alone"]
        assert found["broker"][-1]["text"] == "its credentials are not tried while the agent runs"
        assert found["disk"][-1]["text"] == "how fast it syncs is not measured while the agent runs"
        assert set(traces(config.parent)) <= before


def test_people_get_a_line_for_each_thing_and_what_to_do(config: Path) -> None:
    config.write_text(config.read_text().replace("test-gw-1", "wrong").replace("/dev/pts", "/dev/nowhere"))
    out = io.StringIO()
    assert doctor(config, out) == 1
    lines = out.getvalue().splitlines()
    (refused,) = (at for at, line in enumerate(lines) if "refuses gw-1" in line)
    assert lines[refused].startswith("problem  broker: 127.0.0.1:")
    assert lines[refused + 1] == "         -> take user and password from `dockledger gateway add`"
    assert any(line.startswith("problem  scanner scan-1: /dev/nowhere/") for line in lines)
    assert lines[-1].startswith("2 problems, ")


def test_settings_that_cannot_be_used_are_findings_too(config: Path) -> None:
    config.write_text("gatway = 'x'\n" + config.read_text())
    code, found = told(config)
    assert code == 2
    assert "'gatway' is not a setting: did you mean gateway?" in found["configuration"][0]["text"]


def settings(path: Path, **more: Any) -> AgentSettings:
    values = {"site": SITE, "gateway": GATEWAY, "broker_url": "mqtt://a:b@127.0.0.1:1", "outbox": path} | more
    return build(values, {})


def test_what_is_kept_beside_the_outbox_and_cannot_be_read_is_told(tmp_path: Path) -> None:
    agents = settings(tmp_path / "outbox.db")
    (tmp_path / "tasks.json").write_bytes(b"{}")
    assert list(about_kept_files(agents)) == []
    (tmp_path / "reference.json").mkdir()
    (tmp_path / "assignments.json.damaged").write_bytes(b"torn")
    refused, damaged = about_kept_files(agents)
    assert (refused.weight, "reference.json' cannot be read: [Errno 21]" in refused.text) == ("problem", True)
    assert (damaged.weight, damaged.text) == (
        "note",
        "assignments.json was damaged and set aside: assignments.json.damaged",
    )


def test_a_damaged_a_foreign_and_an_old_outbox_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with closing(outbox_at(path)) as outbox:
        old = Stamp(NOW - timedelta(minutes=5), 1, "boot", clock_ok=True)
        outbox.append([draft(WorkflowEvent, old, workflow="w", step="s", outcome="o")])
    (waiting,) = about_outbox(settings(path), is_running=False, now=NOW)
    assert (waiting.weight, waiting.text) == ("problem", "1 rows wait, the oldest for 0:05:00")
    foreign, _ = about_outbox(settings(path, gateway="gw-2"), is_running=False, now=NOW)
    assert "it is of gateway 'gw-1' of 'leeds', the settings say 'gw-2'" in foreign.text
    page = bytearray(path.read_bytes())
    page[4096 * 2 + 8 : 4096 * 2 + 400] = b"\xa5" * 392
    path.write_bytes(page)
    texts = [each.text for each in about_outbox(settings(path), is_running=False, now=NOW)]
    assert any("damaged" in text or "cannot be read" in text for text in texts)
    (absent,) = about_outbox(settings(tmp_path / "none.db"), is_running=False, now=NOW)
    assert absent.weight == "note"


def _hang_up(listening: socket.socket) -> None:
    listening.accept()[0].close()


def test_a_broker_that_is_none_is_told_from_one_that_is_away(tmp_path: Path) -> None:
    (away,) = about_broker(settings(tmp_path / "o.db"), is_running=True)
    assert "127.0.0.1:1 does not answer" in away.text
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        hanging_up = threading.Thread(target=_hang_up, args=(mute,))
        hanging_up.start()
        url = f"mqtts://127.0.0.1:{port}"
        (no_tls,) = about_broker(settings(tmp_path / "o.db", broker_url=url), is_running=True)
        hanging_up.join()
    assert f"127.0.0.1:{port}: no TLS" in no_tls.text or "does not answer" in no_tls.text


def test_a_scanner_path_is_judged_without_opening_it(tmp_path: Path) -> None:
    plain = tmp_path / "notes.txt"
    plain.write_text("")
    no_device = about_scanner(ScannerSettings(id="s", port=str(plain), profile=PROFILE), is_running=False)
    assert "is no serial device" in no_device.text
    gone = about_scanner(
        ScannerSettings(id="s", port="socket://127.0.0.1:1", profile=PROFILE), is_running=False
    )
    assert (gone.weight, "does not answer" in gone.text) == ("problem", True)


class TimeServerStub:
    """An NTP server on the loopback address whose clock is so many seconds ahead."""

    def __init__(self, ahead_s: float, *, stratum: int = 2) -> None:
        self._ahead_s, self._stratum = ahead_s, stratum
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        asked, client = self._socket.recvfrom(512)
        now = int((time.time() + self._ahead_s + 2_208_988_800) * 2**32)
        reply = struct.pack(">BB22x8sQQ", 0x24, self._stratum, asked[40:48], now, now)
        self._socket.sendto(reply, client)

    def close(self) -> None:
        self._thread.join()
        self._socket.close()


def test_the_clocks_offset_is_measured_against_a_time_server() -> None:
    with closing(TimeServerStub(ahead_s=-75.25)) as server:
        assert ask_offset_s("127.0.0.1", server.port) == pytest.approx(-75.25, abs=0.1)
    with closing(TimeServerStub(0, stratum=0)) as lost, pytest.raises(TimeServerError, match="does not know"):
        ask_offset_s("127.0.0.1", lost.port)


def test_a_clock_that_nobody_measures_is_said_so(tmp_path: Path) -> None:
    texts = [each.text for each in about_clock(settings(tmp_path / "o.db", clock="assumed"))]
    assert texts == ['clock = "assumed": nobody checks that the wall clock is synchronised',
                     "its offset is not measured"]  # fmt: skip
