"""`edge-agent record` writes what readers say, in both forms, and ends cleanly when told."""

import io
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from contracts.llrp_recording import read_entries
from edge_agent.readers.capture import read_json_lines
from edge_agent.readers.llrp.recording import is_recording, read_recording
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.raw_read import GpiChange, RawRead
from edge_agent.record import record_until
from tests.integration.llrp.conftest import FAST, Dock
from tests.patience import PATIENCE_S

AGENT = """\
site = "s1"
gateway = "g1"
broker_url = "mqtt://u:p@127.0.0.1:1"

[[reader]]
id = "r1"
host = "{host}"
port = {port}
"""


class Recording:
    """A recording that runs beside the test."""

    def __init__(self, dock: Dock, *, as_messages: bool) -> None:
        host, port = dock.server.address
        self.out, self.errors = io.BytesIO(), io.StringIO()
        self.code: int | None = None
        self._stop = threading.Event()
        settings = [ReaderSettings(id="r1", host=host, port=port)]

        def run() -> None:
            self.code = record_until(
                self._stop, settings, self.out, self.errors, as_messages=as_messages, timing=FAST
            )

        self._thread = threading.Thread(target=run, name="recording")
        self._thread.start()

    def end(self) -> bytes:
        self._stop.set()
        self._thread.join()
        return self.out.getvalue()


@pytest.mark.parametrize("as_messages", [False, True], ids=["JSON lines", "messages"])
def test_what_was_recorded_is_what_was_seen(dock: Dock, *, as_messages: bool) -> None:
    recording = Recording(dock, as_messages=as_messages)
    assert dock.server.wait_for(lambda: dock.server.is_reporting, PATIENCE_S)
    shown = dock.show(3, antenna=2)
    dock.server.gpi(1, is_high=True)
    assert dock.server.wait_for(lambda: dock.server.reported_tags == 3, PATIENCE_S)
    data = recording.end()
    assert recording.code == 0
    assert is_recording(data) == as_messages
    entries = read_recording(data) if as_messages else read_json_lines(data.splitlines())
    seen = list(entries)
    reads = [each for each in seen if isinstance(each, RawRead)]
    assert [(read.epc, read.antenna, read.reader) for read in reads] == [(epc, 2, "r1") for epc in shown]
    assert [(each.port, each.is_high) for each in seen if isinstance(each, GpiChange)] == [(1, True)]
    assert "entries recorded" in recording.errors.getvalue()


def test_the_command_ends_at_ctrl_c_with_whole_lines(dock: Dock, tmp_path: Path) -> None:
    host, port = dock.server.address
    settings = tmp_path / "agent.toml"
    settings.write_text(AGENT.format(host=host, port=port), "utf-8")
    command = [sys.executable, "-m", "edge_agent.cli", "record", "--config", str(settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert dock.server.wait_for(lambda: dock.server.is_reporting, PATIENCE_S)
        shown = dock.show(5)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in shown]
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert rest == b""
    assert [json.loads(line)["epc"] for line in lines] == shown
    assert b"5 entries recorded" in errors


def test_a_reader_that_was_never_reached_is_a_failure_with_its_cause(tmp_path: Path) -> None:
    settings = tmp_path / "agent.toml"
    settings.write_text(AGENT.format(host="127.0.0.1", port=1), "utf-8")
    command = [
        sys.executable,
        "-m",
        "edge_agent.cli",
        "record",
        "--config",
        str(settings),
        "--seconds",
        "0.5",
    ]
    ended = subprocess.run([*command, "--format", "llrp"], capture_output=True, check=False)
    assert ended.returncode == 1
    assert b"reader r1 never read: " in ended.stderr
    assert b"refused" in ended.stderr
    assert list(read_entries(ended.stdout)) == []


def test_an_unknown_reader_is_refused_with_those_there_are(tmp_path: Path) -> None:
    settings = tmp_path / "agent.toml"
    settings.write_text(AGENT.format(host="127.0.0.1", port=1), "utf-8")
    command = [sys.executable, "-m", "edge_agent.cli", "record", "--config", str(settings), "--reader", "r2"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "reader 'r2': expected one of ['r1']\n")
