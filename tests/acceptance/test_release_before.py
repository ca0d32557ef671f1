"""The release before as processes (FAULTS F12): its agents and today's cloud, today's agents and its cloud.

Its code comes out of this repository's own history: the last commit whose schema ends where the newest of
`tests/golden/upgrade` does. A checkout without that history skips these.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.types.json import Jsonb

from benchmarks.audit import compare_scans
from benchmarks.edges import Edge, scan_pos
from benchmarks.mayhem import wait_until
from benchmarks.parts import Part
from cloud.local.process import Service
from contracts.labels import LabelKind, LabelTemplate
from contracts.offline import (
    Assignment,
    ExpectedLine,
    KnownUpTo,
    LabelName,
    ReferenceSnapshot,
    SsccBlock,
    Task,
    TaskLine,
    TaskList,
    Visit,
)
from contracts.records import DocumentRef, Identifier
from tests.acceptance.conftest import EDGES, System

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

ROOT: Final = Path(__file__).parents[2]
NEWEST: Final = max(int(path.name) for path in (ROOT / "tests/golden/upgrade").iterdir())
PATIENCE_S: Final = 120.0
HELD: Final = """\
import json, sys
from pathlib import Path
import cloud
from benchmarks.stage import Gateway, Stage
from cloud.local.home import erase
assert cloud.__file__.startswith(sys.argv[1]), cloud.__file__
directory = Path(sys.argv[2])
try:
    gateways = tuple(Gateway(*pair) for pair in json.loads(sys.argv[3]))
    with Stage(directory, gateways, postgres_options={"fsync": "off"}) as stage:
        told = {"url": stage.gateways_url, "port": stage.broker_port, "dsn": stage.dsn("dockledger_migrator")}
        print(json.dumps(told), flush=True)
        sys.stdin.read()
        verified = stage.run("verify", "--json")
        print(json.dumps(verified.stdout), flush=True)
finally:
    erase(directory)
"""
"""Holds a whole system of that release, by its own code, until the standard input ends; verifies it then."""


def git(*arguments: str) -> bytes:
    if shutil.which("git") is None:
        pytest.skip("git, which gives the release before, is not installed")
    done = subprocess.run(("git", "-C", str(ROOT), *arguments), capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no history here to take the release before from: {done.stderr.decode().strip()}")
    return done.stdout


def commit_of(newest: int) -> str:
    """Find the last commit whose newest migration bears this number."""
    told = git(
        "log", "--reverse", "--format=:%H", "--name-only", "--diff-filter=A", "--", "cloud/db/migrations"
    )
    reached, commit = 0, ""
    for line in told.decode().splitlines():
        if line.startswith(":"):
            commit = line[1:]
        elif found := re.search(r"/(\d{4})_\w+\.sql$", line):
            if int(found[1]) > newest == reached:
                return git("rev-parse", f"{commit}^").decode().strip()
            reached = max(reached, int(found[1]))
    if reached == newest:
        return "HEAD"
    pytest.skip(f"the history here does not reach back to migration {newest:04d}")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the release before, checked out."""
    directory = tmp_path_factory.mktemp("release-before")
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit_of(NEWEST)))) as archive:
        archive.extractall(directory, filter="data")
    return directory


def environment(code: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(code)}


def messages(gateway: str, site: str) -> Mapping[str, Any]:
    """Give what today's cloud may say to a gateway, with all that the release before had no word for."""
    now = datetime.now(UTC)
    head = {"site": site, "revision": 7, "issued_at": now}
    lines = (
        TaskLine.model_validate(
            {
                "document": DocumentRef(type="order", id="O-1", line="1"),
                "quantity": "2",
                "number": 1,
                "item": "TEA",
                "names": [LabelName(identifier=Identifier(scheme="gtin", value="09506000134352"))],
                "done": "0",
            }
        ),
    )
    tasks = (
        Task.model_validate(
            head | {"task": "T-1", "kind": "pick", "lines": lines, "expires_at": now + timedelta(days=1)}
        ),
    )
    known = (KnownUpTo.model_validate({"epoch": "00000000000000a1", "seq": 9}),)
    expected = ExpectedLine.model_validate({"document": lines[0].document, "units": ["106141412345678908"]})
    visit = Visit.model_validate(
        {
            "visit": "V-1",
            "door": "dock-1",
            "direction": "inbound",
            "from_at": now,
            "clearing_account": "@clearing/dock-1",
            "lines": [expected],
        }
    )
    block = SsccBlock(company_prefix="0614141", extension_digit=1, first_serial=1, last_serial=100, shelf=1)
    template = LabelTemplate(name="bin", kind=LabelKind.BIN, version=1, zpl="^XA^FO10,10^FD{bin}^FS^XZ")
    return {
        "task": TaskList.model_validate(head | {"gateway": gateway, "tasks": tasks, "known_up_to": known}),
        "assignment": Assignment.model_validate(
            head | {"door": gateway, "visits": [visit], "due": "a" * 64, "left_out": 1}
        ),
        "reference": ReferenceSnapshot.model_validate(
            head | {"sscc_blocks": [block], "label_templates": [template], "is_complete": False}
        ),
        "certificate": {
            "gateway": gateway,
            "revision": 7,
            "issued_at": now.isoformat(),
            "certificate": "none",
        },
    }


def say(whole: System, edge: Edge) -> None:
    """Let the cloud say all of it, as ingest does."""
    with psycopg.connect(whole.stage.dsn("dockledger_migrator")) as conn:
        conn.execute("SET ROLE dockledger_owner")
        for channel, message in messages(edge.gateway.name, edge.gateway.site).items():
            payload = (
                message if isinstance(message, dict) else json.loads(message.model_dump_json(by_alias=True))
            )
            conn.execute(
                "INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by) "
                "SELECT gateway_id, %s, 7, %s, 'test' FROM gateway WHERE name = %s",
                (channel, Jsonb(payload), edge.gateway.name),
            )


def asked(whole: System, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(whole.stage.dsn("dockledger_migrator")) as conn:
        conn.execute("SET ROLE dockledger_owner")
        return conn.execute(query.encode(), values).fetchall()


def answers(whole: System, gateway: str) -> dict[int, tuple[str, list[str]]]:
    """Give what a gateway said of each configuration that it was wished."""
    rows = asked(
        whole,
        "SELECT revision, outcome, errors FROM gateway_config_report JOIN gateway USING (gateway_id) "
        "WHERE name = %s AND revision > 0 ORDER BY report_id",
        gateway,
    )
    return {int(revision): (str(outcome), list(errors)) for revision, outcome, errors in rows}


def wish(whole: System, gateway: str, setting: str) -> int:
    """Wish a setting as an operator does; give the wish's revision."""
    done = whole.stage.run(
        "gateway", "config", "set", gateway, "--set", setting, "--reason", "a later release says so"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ((revision,),) = asked(
        whole,
        "SELECT max(revision) FROM gateway_config JOIN gateway USING (gateway_id) WHERE name = %s",
        gateway,
    )
    return int(revision)


def test_agents_of_the_release_before_are_served_by_todays_cloud(
    system: Callable[..., System], before: Path
) -> None:
    whole = system()
    own = subprocess.run(
        (sys.executable, "-c", "import edge_agent; print(edge_agent.__file__)"),
        env=environment(before), capture_output=True, text=True, check=True, cwd="/",
    )  # fmt: skip
    assert Path(own.stdout).is_relative_to(before), "it is the old code that runs"
    whole.edges += [Edge(whole.stage, gateway, gateway.name) for gateway in EDGES]
    stays, upgraded = whole.edges
    for edge in whole.edges:
        edge.start(code=before)
    scans = whole.scan(rate=30, seconds=30)
    wait_until(lambda: stored(whole, stays) and stored(whole, upgraded), within_s=PATIENCE_S, what="old rows")
    say(whole, stays)
    applied = wish(whole, stays.gateway.name, "drain_rows_per_s=5000")
    wait_until(lambda: applied in answers(whole, stays.gateway.name), within_s=PATIENCE_S, what="an answer")
    refused = wish(whole, stays.gateway.name, 'tags={sung_by_a_later_release = "tenor"}')
    wait_until(lambda: refused in answers(whole, stays.gateway.name), within_s=PATIENCE_S, what="a refusal")
    for code in (None, before):
        whole.stage.parts[upgraded.name].stop()
        rows = stored(whole, upgraded)
        upgraded.start(code=code)
        wait_until(lambda rows=rows: stored(whole, upgraded) > rows, within_s=PATIENCE_S, what="further rows")
    scans.finish(within_s=PATIENCE_S)
    whole.drain(within_s=PATIENCE_S)
    said = answers(whole, stays.gateway.name)
    assert said[applied] == ("applied", [])
    assert said[refused][0] == "rejected"
    assert "sung_by_a_later_release" in " ".join(said[refused][1])
    for kept, name in (("tasks.json", "T-1"), ("assignments.json", "V-1")):
        assert name in (stays.directory / kept).read_text("utf-8"), "taken in, with words it does not know"
    log = (whole.stage.directory / "logs" / f"{stays.name}.log").read_text("utf-8")
    assert "unreadable" not in log
    whole.check()


def stored(whole: System, edge: Edge) -> int:
    ((rows,),) = asked(
        whole,
        "SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM batch JOIN gateway USING (gateway_id) "
        "WHERE name = %s",
        edge.gateway.name,
    )
    return int(rows)


@dataclass
class Held:
    """The whole system of the release before, held by its own code; today's agents are plugged into it."""

    directory: Path
    gateways_url: str
    broker_port: int
    dsn: str
    parts: dict[str, Part] = field(default_factory=dict)

    def add(self, service: Service) -> Part:
        self.parts[service.name] = Part(service)
        self.parts[service.name].start()
        return self.parts[service.name]


@contextmanager
def held(code: Path, directory: Path) -> Iterator[Held]:
    """Start that system; at the end it verifies its own books."""
    gateways = json.dumps([(each.site, each.name) for each in EDGES])
    asked_for = (sys.executable, "-c", HELD, str(code), str(directory / "stage"), gateways)
    with subprocess.Popen(
        asked_for, env=environment(code), cwd=code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        (directory / "logs").mkdir()
        whole = Held(directory, told["url"], told["port"], told["dsn"])
        try:
            yield whole
        finally:
            for part in whole.parts.values():
                part.stop()
            process.stdin.close()
            verdict = json.loads(process.stdout.readline())
    assert not [check for check in json.loads(verdict)["checks"] if check["breaches"]], verdict
    assert process.returncode == 0


def test_todays_agents_are_served_by_the_cloud_of_the_release_before(before: Path, tmp_path: Path) -> None:
    truth = tmp_path / "scans.jsonl"
    with held(before, tmp_path) as whole:
        edges = [Edge(whole, gateway, gateway.name) for gateway in EDGES]
        for edge in edges:
            edge.start()
        scans = subprocess.run(
            scan_pos(edges, truth, rate=30, seconds=15),
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert scans.returncode == 0, scans.stdout + scans.stderr
        wait_until(
            lambda: not any(edge.waiting_rows for edge in edges),
            within_s=PATIENCE_S,
            what="old acks are understood",
        )
        found = compare_scans(whole.dsn, [truth], {edge.gateway.name for edge in edges})
        assert found.is_clean, found
