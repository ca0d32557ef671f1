"""The shipped commands as processes: a file in, a visit's course, exit codes and texts."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.crossings.doors import PALLET
from tests.integration.documents.dock import ITEM, PORTALS, Dock, line, paper
from tests.integration.ledger.scenario import SITE, at
from tests.patience import PATIENCE_S


@pytest.fixture
def dock_file(tmp_path: Path) -> Path:
    """Write a file with one vehicle."""
    path = tmp_path / "dock.json"
    visit = {"visit": "V-1", "door": "dock-1", "direction": "inbound", "from_at": at(0).isoformat()}
    content = {
        "site": SITE,
        "items": [ITEM],
        "portals": PORTALS,
        "documents": [paper(line(1, 20, unit=PALLET), line(2, 1)).model_dump(mode="json", exclude={"site"})],
        "visits": [visit | {"documents": [{"type": "asn", "id": "ASN-1"}]}],
    }
    path.write_text(json.dumps(content, indent=1), "utf-8")
    return path


def run(dock: Dock, directory: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "cloud", "--data-dir", str(directory), *arguments],
        env={"DOCKLEDGER_APP_DSN": dock.ledger.app_dsn},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_vehicle_from_its_file_to_its_end(dock: Dock, dock_file: Path, tmp_path: Path) -> None:
    imported = run(dock, tmp_path, "documents", "import", str(dock_file), "--json")
    assert (imported.returncode, imported.stderr) == (0, "")
    assert json.loads(imported.stdout) == {
        "items": 0,
        "portals": 0,
        "opening": 0,
        "documents": 1,
        "orders": 0,
        "transfers": 0,
        "visits": 1,
    }
    dock.crosses()
    received = json.loads(run(dock, tmp_path, "visits", "receive", "V-1", "--site", SITE, "--json").stdout)
    assert ([each["line"] for each in received["lines"]], received["missing_units"]) == (["1", "2"], [])
    refused = run(dock, tmp_path, "visits", "close", "V-1", "--site", SITE)
    assert (refused.returncode, refused.stderr) == (
        1,
        "dockledger: visit 'V-1' is not clear: 24 of item TEA remain in clearing\n",
    )
    wrong = run(dock, tmp_path, "visits", "depart", "V-1", "--site", SITE)
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "dockledger: visit 'V-1' is inbound: expected one that is outbound\n",
    )
    closed = run(dock, tmp_path, "visits", "close", "V-1", "--site", SITE, "--reason", "TEA=short")
    assert closed.returncode == 0, closed.stderr
    listed = run(dock, tmp_path, "visits", "list", "--site", SITE, "--json")
    assert [json.loads(row)["state"] for row in listed.stdout.splitlines()] == ["closed"]
    (document,) = run(dock, tmp_path, "documents", "list", "--json").stdout.splitlines()
    assert json.loads(document)["settled_lines"] == 2


def test_a_visit_is_opened_by_hand_once(dock: Dock, tmp_path: Path) -> None:
    dock.register(paper(line(1, 3)))
    words = [
        "visits",
        "open",
        "V-5",
        "--site",
        SITE,
        "--door",
        "dock-2",
        "--direction",
        "inbound",
        "--document",
    ]
    words += ["ASN-1", "--from", "2020-03-02T07:00:00+01:00"]
    for _ in range(2):
        opened = run(dock, tmp_path, *words, "--json")
        assert (opened.returncode, json.loads(opened.stdout)["visit"]) == (0, "V-5"), opened.stderr
    (visit,) = dock.assignments()[-1].visits
    assert visit.from_at == datetime(2020, 3, 2, 6, tzinfo=UTC)
    refused = run(dock, tmp_path, *words[:-1], "seven")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "dockledger: visits open: visits.0.from_at: instant 'seven' must be written like"
    )


def test_a_bad_file_changes_nothing_and_names_every_line(dock: Dock, dock_file: Path, tmp_path: Path) -> None:
    unknown = {"scheme": "gtin", "value": "09521141123454"}
    content = json.loads(dock_file.read_text("utf-8"))
    content["documents"][0]["lines"][1]["identifier"] = unknown
    content["visits"][0]["door"] = "dock-9"
    dock_file.write_text(json.dumps(content, indent=1), "utf-8")
    lines = [
        number for number, text in enumerate(dock_file.read_text("utf-8").splitlines(), 1) if text == "  {"
    ]
    refused = run(dock, tmp_path, "documents", "import", str(dock_file))
    assert (refused.returncode, refused.stdout) == (1, "")
    place = f"dockledger: {dock_file}, line"
    unnamed = "gtin '09521141123454' names no item: register its item first"
    assert refused.stderr.splitlines() == [
        f"{place} {lines[3]}: asn 'ASN-1', line '2': {unnamed}",
        f"{place} {lines[4]}: visit 'V-1': there is no door 'dock-9' at site 'leeds'",
        f"{place} {lines[4]}: visit 'V-1': there is no asn 'ASN-1' at site 'leeds'",
    ]
    assert (dock.count("document"), dock.count("visit")) == (0, 0)


def test_appointments_are_moved_by_a_file_all_or_none(dock: Dock, tmp_path: Path) -> None:
    for visit in ("V-1", "V-2"):
        dock.expect(visit)
    path = tmp_path / "windows.csv"
    head = "visit,door,from_at,to_at,carrier\n"
    path.write_text(
        f"{head}V-1,dock-9,2020-03-02T09:00Z,,\nV-7,dock-2,2020-03-02T09:00Z,,\nV-2,dock-2,2/3/20,,\n"
        "V-2,dock-2,2020-03-02T09:00Z,2020-03-02T08:00Z,\n",
        "utf-8",
    )
    refused = run(dock, tmp_path, "visits", "move", str(path), "--site", SITE)
    assert refused.returncode == 1
    told = [text.rpartition("windows.csv: ")[2][:30] for text in refused.stderr.splitlines()]
    assert told == [
        "line 4, from_at: '2/3/20': exp"[:26] + told[0][26:],
        "line 5: to_at 2020-03-02T08:00",
        "line 2: visit 'V-1': there is ",
        "line 3: there is no visit 'V-7",
    ]
    assert dock.story("V-1").visit.door == "dock-1"
    good = f"{head}V-1,dock-2,2020-03-02T09:00Z,2020-03-02T10:00Z,DSV\nV-2,dock-2,2020-03-02T11:00Z,,\n"
    path.write_text(good, "utf-8")
    before = len(dock.assignments())
    moved = run(dock, tmp_path, "visits", "move", str(path), "--site", SITE, "--json")
    assert (moved.returncode, moved.stderr) == (0, "")
    rows = [json.loads(row) for row in moved.stdout.splitlines()]
    assert [(row["visit"], row["door"], row["carrier"]) for row in rows] == [
        ("V-1", "dock-2", "DSV"),
        ("V-2", "dock-2", None),
    ]
    assert len(dock.assignments()) == before + 1, "the gateway is told once"
    path.write_text(good + good.splitlines()[-1], "utf-8")
    again = run(dock, tmp_path, "visits", "move", str(path), "--site", SITE)
    assert again.stderr.endswith("line 4: visit 'V-2' stands there twice\n")
