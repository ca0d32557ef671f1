"""The shipped command as a black box: scans in by a pseudo-terminal, rows in the ledger, SIGTERM, memory."""

import os
import select
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.gateway import ConfigOutcome, Health, ReportedConfig, Status
from contracts.offline import (
    LabelName,
    PlannedWork,
    Recipe,
    RecipePart,
    ReferenceSnapshot,
    SsccBlock,
)
from contracts.records import Identifier
from contracts.topics import Channel
from edge_agent.labels.shelf import LabelShelf
from simulators.llrp_reader.server import LlrpReaderServer
from simulators.zpl_printer.server import ZplPrinter
from tests.conftest import Broker
from tests.integration.edge.scripted_ledger import ScriptedLedger
from tests.patience import PATIENCE_S

MOST_IDLE_KB = 120 * 1024
SITE, GATEWAY = "leeds", "gw-1"


class Terminal:
    """A pseudo-terminal that stands for a scanner on a serial line."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)

    def scan(self, *texts: str) -> None:
        """Scan once the agent has greeted: what came before it opened the line is not its business."""
        self.hear(b"resume")
        self.write(*texts)

    def hear(self, words: bytes) -> None:
        """Read the display until it says these."""
        said = b""
        while words not in said:
            assert select.select([self.master], [], [], 60)[0], f"the agent said {said!r}"
            said += os.read(self.master, 4096)

    def write(self, *texts: str) -> None:
        """Scan to an agent that has greeted before."""
        for text in texts:
            os.write(self.master, f"]C0{text}\r\n".encode())

    def close(self) -> None:
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def scanner() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture
def config(tmp_path: Path, broker: Broker, scanner: Terminal) -> Path:
    path = tmp_path / "a site" / "agent.toml"
    path.parent.mkdir()
    path.write_text(
        f"""
site = "{SITE}"
gateway = "{GATEWAY}"
broker_url = "{broker.admit(SITE, GATEWAY)}"
clock = "assumed"

[[scanner]]
id = "scan-1"
port = "{scanner.port}"
profile = "generic_terminal"

[workflow]
staging = "STAGING"
returns = "RETURNS"
badge_required = false
item_pattern = "[0-9]{{5}}[A-Z]*"
location_pattern = "BIN-[0-9]+"
"""
    )
    return path


@pytest.fixture
def agent(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start(config)
    yield process
    process.kill()
    process.wait()


def start(config: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["edge-agent", "run", "--config", str(config)], env=environment())


def environment() -> dict[str, str]:
    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def command(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["edge-agent", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def outbox_status(config: Path) -> dict[str, Any]:
    status: dict[str, Any] = orjson.loads(command("outbox", "status", "--config", str(config)).stdout)
    return status


def kinds(ledger: ScriptedLedger) -> list[str]:
    return [record.kind for _, record in ledger.books.records()]


def healths(ledger: ScriptedLedger) -> list[Health]:
    return [
        Health.model_validate_json(body) for channel, body in ledger.statuses if channel is Channel.HEALTH
    ]


def test_scans_become_rows_in_the_ledger_labels_come_out_and_sigterm_ends_it_cleanly(
    broker: Broker, scanner: Terminal, config: Path
) -> None:
    ledger, printer = ScriptedLedger(broker.url, SITE), ZplPrinter()
    config.write_text(
        f'{config.read_text()}\n[[printer]]\nid = "zt1"\nhost = "127.0.0.1"\nport = {printer.port}\n'
    )
    process = start(config)
    try:
        scanner.scan("$RECEIVE/PO-1", "85123A", "$QTY/3", "$DONE")
        ledger.wait_until(lambda it: "movement" in kinds(it))
        resident_kb = int(status_of(process.pid)["VmRSS"].split()[0])
        assert resident_kb < MOST_IDLE_KB
        ledger.wait_until(lambda _: outbox_status(config)["ledger_id"] == "ledger-1")
        shelf = LabelShelf(config.with_name("labels.json"), SITE)
        ledger.send(GATEWAY, Channel.REFERENCE, reference(shelf, 5, (1, 9)))
        ledger.wait_until(lambda _: shelf.counters()["sscc_left"] == 9)
        scanner.write("$CANCEL", "$PACK", "$PRINT")
        done = command("label", "print", "bin", "location=BIN-1", "--actor", "ann", "--config", str(config))
        assert done.stdout == "bin BIN-1 printed on zt1\n"
        ledger.wait_until(lambda it: len(prints(it)) == 2 and len(printer.labels) == 2)
        sscc, place = sorted(prints(ledger))
        assert [each[1:] for each in (sscc, place)] == [("sscc", "printed", None), ("bin", "printed", "ann")]
        assert any(f">;>800{sscc[0]}" in label for label in printer.labels)
        units = [record.unit for _, record in ledger.books.records() if record.kind == "unit_position"]
        assert units == [sscc[0]]
        scanner.write("$DONE", "$KIT/9", "BIN-1", "85123A")
        scanner.hear(b"all is there: $MAKES")
        ledger.wait_until(lambda it: ["kit", "recipe"] in documents(it))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        status = outbox_status(config)
        assert "acked" in {each["state"] for each in status["totals"]}
    finally:
        process.kill()
        process.wait()
        ledger.close()
        printer.close()


def prints(ledger: ScriptedLedger) -> list[tuple[str, str, str | None, str | None]]:
    """Give what records say of labels: what each names, its kind, whether it came out, and who asked."""
    events = (record for _, record in ledger.books.records() if record.kind == "workflow_event")
    return [
        ((event.model_extra or {})["subject"], event.step, event.outcome, event.actor)
        for event in events
        if event.workflow == "label"
    ]


def documents(ledger: ScriptedLedger) -> list[list[str]]:
    """Give what kinds of documents movements name."""
    moved = (record for _, record in ledger.books.records() if record.kind == "movement")
    return [[each.type for each in movement.documents] for movement in moved]


def reference(shelf: LabelShelf, revision: int, serials: tuple[int, int]) -> bytes:
    block = SsccBlock(
        company_prefix="9521141",
        extension_digit=0,
        first_serial=serials[0],
        last_serial=serials[1],
        shelf=shelf.counters()["label_shelf"],
    )
    issued_at = datetime(2026, 1, 1, tzinfo=UTC)
    names = (LabelName(identifier=Identifier(scheme="local", value="85123A")),)
    part = RecipePart(item="TEA", quantity=Decimal(1), names=names)
    recipe = Recipe(code="SET", version=1, kind="kit", valid_from=issued_at, uses=(part,), makes=(part,))
    plan = PlannedWork(kind="kit", document="9", recipe="SET", version=1, times=Decimal(1))
    told = {"sscc_blocks": (block,), "recipes": (recipe,), "planned": (plan,)}
    message = ReferenceSnapshot(site=SITE, revision=revision, issued_at=issued_at, **told)
    return message.model_dump_json().encode()


def test_killed_and_started_again_it_reports_the_gap_and_repeats_nothing(
    broker: Broker, scanner: Terminal, config: Path
) -> None:
    ledger = ScriptedLedger(broker.url, SITE)
    try:
        first = start(config)
        scanner.scan("$RECEIVE/PO-1", "85123A", "$DONE")
        ledger.wait_until(lambda it: "movement" in kinds(it))
        first.kill()
        first.wait()
        second = start(config)
        ledger.wait_until(lambda it: "gap" in kinds(it))
        second.terminate()
        assert second.wait(PATIENCE_S) == 0
        assert kinds(ledger).count("movement") == 1
        (gap,) = (record for _, record in ledger.books.records() if record.kind == "gap")
        assert (gap.gap_device, gap.cause) == (GATEWAY, "down")
    finally:
        ledger.close()


def test_a_wish_from_the_cloud_is_rejected_applied_or_refused_and_reported(
    broker: Broker, config: Path, agent: "subprocess.Popen[bytes]"
) -> None:
    ledger = ScriptedLedger(broker.url, SITE)
    try:
        wishes: list[tuple[int, dict[str, object]]] = [
            (3, {"gateway": "other"}),
            (4, {"drain_rows_per_s": 100.0}),
            (2, {"drain_rows_per_s": 200.0}),
        ]
        for revision, settings in wishes:
            wish = {
                "revision": revision,
                "issued_at": "2026-01-01T00:00:00Z",
                "settings": settings,
            }
            ledger.send(GATEWAY, Channel.CONFIG_DESIRED, orjson.dumps(wish))
            ledger.wait_until(lambda it, n=revision: any(each.revision == n for each in reports(it)))
        rejected, applied, refused = reports(ledger)[-3:]
        assert (rejected.running_revision, rejected.origins["scanner"]) == (0, f"file {config}")
        assert rejected.outcome is ConfigOutcome.REJECTED
        assert "'gateway' cannot be set" in rejected.errors[0]
        assert (applied.outcome, applied.settings["drain_rows_per_s"]) == (ConfigOutcome.APPLIED, 100.0)
        assert (refused.outcome, refused.running_revision) == (ConfigOutcome.REFUSED, 4)
        assert refused.settings == applied.settings
    finally:
        ledger.close()


def reports(ledger: ScriptedLedger) -> list[ReportedConfig]:
    return [
        ReportedConfig.model_validate_json(body)
        for channel, body in ledger.statuses
        if channel is Channel.CONFIG_REPORTED
    ]


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def test_check_shows_every_setting_with_its_origin_and_no_password(config: Path) -> None:
    done = command("check", "--config", str(config))
    assert done.returncode == 0
    assert f"{GATEWAY}  (file {config})" in done.stdout
    assert "8000.0  (default)" in done.stdout
    assert ":***@" in done.stdout
    assert "test-gw-1" not in done.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gatway = 'x'", "'gatway' is not a setting: did you mean gateway?"),
        ("drain_rows_per_s = -1", "drain_rows_per_s = '-1': Input should be greater than 0"),
        ("log_format = 'runes'", "log_format = 'runes': Input should be 'json' or 'console'"),
        ("= broken", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_with_value_expectation_and_place(
    config: Path, line: str, message: str
) -> None:
    config.write_text(f"{line}\n{config.read_text()}")
    done = command("check", "--config", str(config))
    assert done.returncode == 2
    assert message in done.stderr
    assert str(config) in done.stderr


def test_a_missing_file_or_setting_is_named(tmp_path: Path) -> None:
    assert "does not exist" in command("check", "--config", str(tmp_path / "none.toml")).stderr
    (tmp_path / "agent.toml").write_text("site = 'leeds'\n")
    done = command("check", "--config", str(tmp_path / "agent.toml"))
    assert "gateway: Field required" in done.stderr
    (tmp_path / "agent.toml").write_text("site = 'leeds'\ngateway = 'gw-1'\n")
    done = command("check", "--config", str(tmp_path / "agent.toml"))
    assert "broker_url is not set: expected mqtt://…" in done.stderr
    (tmp_path / "agent.toml").write_text("site = 'leeds'\ngateway = 'gw-1'\nbroker_url = 'mqtt://a:b@c'\n")
    done = command("outbox", "status", "--config", str(tmp_path / "agent.toml"))
    assert (done.returncode, "does not exist: no agent has run here" in done.stderr) == (1, True)


def test_export_gives_every_kept_record_as_json_lines(
    broker: Broker, scanner: Terminal, config: Path, agent: "subprocess.Popen[bytes]"
) -> None:
    scanner.scan("$RECEIVE/PO-1", "85123A", "$DONE")
    deadline = time.monotonic() + PATIENCE_S
    records: list[dict[str, object]] = []
    while not any(each["kind"] == "movement" for each in records):
        assert time.monotonic() < deadline
        done = command("outbox", "export", "--config", str(config))
        records = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert {"epoch", "batch_no", "state", "seq", "kind"} <= records[0].keys()


def test_a_power_is_changed_over_the_air_and_what_makes_the_gateway_worse_is_undone(
    broker: Broker, tmp_path: Path
) -> None:
    ledger = ScriptedLedger(broker.url, SITE)
    with LlrpReaderServer() as first, LlrpReaderServer() as second:
        config = tmp_path / "agent.toml"
        config.write_text(
            f'site = "{SITE}"\ngateway = "{GATEWAY}"\nbroker_url = "{broker.admit(SITE, GATEWAY)}"\n'
            'clock = "assumed"\nconfig_trial_s = 10\n'
            + "".join(
                f'[[reader]]\nid = "{name}"\nhost = "127.0.0.1"\nport = {reader.address[1]}\n'
                for name, reader in (("r1", first), ("r2", second))
            )
        )
        tables = [{"id": "r1", "host": "127.0.0.1", "port": first.address[1]},
                  {"id": "r2", "host": "127.0.0.1", "port": second.address[1]}]  # fmt: skip
        process = start(config)
        try:
            outcomes = []
            for revision, change in enumerate(({"power_dbm": 20.0}, {"port": 1}), start=1):
                wish = {"reader": [tables[0] | change, tables[1]]}
                body = {"revision": revision, "issued_at": "2026-01-01T00:00:00Z", "settings": wish}
                ledger.send(GATEWAY, Channel.CONFIG_DESIRED, orjson.dumps(body))
                ledger.wait_until(lambda it, n=revision: any(each.revision == n for each in reports(it)))
                outcomes.append(reports(ledger)[-1])
            assert [each.outcome for each in outcomes] == ["applied", "rolled_back"]
            assert outcomes[-1].errors[0] == "not healthy within 10 s"
            assert outcomes[-1].errors[1].startswith("r1 is not connected: ")
            assert outcomes[-1].settings == outcomes[0].settings, "it runs what ran before"
            assert first.wait_for(lambda: first.is_reporting, PATIENCE_S)
            assert (first.connections, second.connections) == (3, 1), "the other reader was left alone"
        finally:
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
            ledger.close()
    statuses = [
        Status.model_validate_json(body) for channel, body in ledger.statuses if channel is Channel.STATUS
    ]
    assert {each.epoch for each in statuses} == {statuses[0].epoch}, "the outbox was not touched"
