"""The shipped command scans real transactions over pseudo-terminals; what is stored equals the truth."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from contracts.records import Count, Movement
from simulators.retail.errands import ErrandFile
from simulators.retail.lines import LinesError
from tests.patience import PATIENCE_S

Wait = Callable[[Callable[[], Any]], Any]
AGENT = """
site = "site"
gateway = "gw"
broker_url = "mqtt://127.0.0.1:1"

[[scanner]]
id = "scanner-0"
port = "{port}"
profile = "generic_terminal"
"""
SUSTAINED_PER_CPU_S = 500.0
"""Scans that one core takes each second, with both ends of the line: whatever else the machine does."""
Row = tuple[str | None, str | None, str | None, str | None, str | None, Decimal]


def scan_pos(directory: Path, *arguments: str, ports: int) -> subprocess.Popen[str]:
    links = [
        argument for number in range(ports) for argument in ("--port", str(directory / f"port-{number}"))
    ]
    command = [sys.executable, "-m", "simulators.cli", "scan-pos", *links]
    return subprocess.Popen(
        [*command, "--truth", str(directory / "truth.jsonl"), *arguments], stdout=subprocess.PIPE, text=True
    )


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, output
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


def truth_of(directory: Path, kind: str) -> list[dict[str, Any]]:
    lines = (directory / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


def cpu_s() -> float:
    """Give the processor time of this process and of those it has waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def expected(directory: Path) -> Counter[Row]:
    return Counter(
        (
            row["source"],
            row["destination"],
            row["item"],
            row["document"],
            str(row["line"]),
            Decimal(row["quantity"]),
        )
        for row in truth_of(directory, "movement")
    )


def movements_told(directory: Path) -> int:
    truth = directory / "truth.jsonl"
    return truth.read_text(encoding="utf-8").count('"movement"') if truth.exists() else 0


def scans_by(directory: Path) -> tuple[int, int]:
    told = truth_of(directory, "movement") if movements_told(directory) else []
    return tuple(sum(row["scanner"] == number for row in told) for number in range(2))


def stored(movements: Iterable[Movement]) -> Counter[Row]:
    return Counter(
        (
            each.source.location,
            each.destination.location,
            each.identifier.value,
            each.documents[0].id,
            each.documents[0].line,
            each.quantity_seen,
        )
        for each in movements
    )


def net(movements: Iterable[Movement]) -> dict[tuple[str, str | None], Decimal]:
    sums: dict[tuple[str, str | None], Decimal] = {}
    for each in movements:
        for place, sign in ((each.source.location, -1), (each.destination.location, 1)):
            key = each.identifier.value, place
            sums[key] = sums.get(key, Decimal(0)) + sign * each.quantity_seen
    return sums


def test_two_scanners_store_the_truth_and_the_sum_of_the_file_itself(gateway: Any, tmp_path: Path) -> None:
    before_s = cpu_s()
    process = scan_pos(tmp_path, ports=2)
    for number in range(2):
        gateway.attach(f"scanner-{number}", str(tmp_path / f"port-{number}"))
    figures = finished(process)
    spent_s = cpu_s() - before_s
    movements = gateway.movements()
    assert stored(movements) == expected(tmp_path)
    assert figures["success_beeps"] == len(movements)
    assert (figures["refused"], figures["unheard"]) == (0, 0)
    assert figures["scans"] / spent_s > SUSTAINED_PER_CPU_S
    balances = net(movements)
    for row in truth_of(tmp_path, "fold"):
        shipped, returned = Decimal(row["shipped"]), Decimal(row["returned"])
        assert balances.get((row["item"], "@supplier"), 0) == -row["received"]
        assert balances.get((row["item"], "STAGING"), 0) == row["received"] - shipped
        assert balances.get((row["item"], "@customer"), 0) == shipped - returned
        assert balances.get((row["item"], "RETURNS"), 0) == returned
    [verdicts] = truth_of(tmp_path, "verdicts")
    assert sum(verdicts["lines"].values()) == 3053
    assert verdicts["lines"]["shipment"] + verdicts["lines"]["customer_return"] == len(
        [each for each in movements if each.documents[0].type != "receipt"]
    )


def test_an_agent_that_is_killed_again_and_again_stores_each_movement_once(
    tmp_path: Path, eventually: Wait, new_gateway: Callable[[], Any]
) -> None:
    site = (files("firmware_configs.sites") / "retail_example.toml").read_text(encoding="utf-8")
    config = tmp_path / "agent.toml"
    config.write_text(AGENT.format(port=tmp_path / "port-0") + site, encoding="utf-8")
    replay = scan_pos(tmp_path, "--limit", "150", "--rate", "300", ports=1)
    kills = 0
    while replay.poll() is None:
        seen = movements_told(tmp_path)
        agent = subprocess.Popen([sys.executable, "-m", "edge_agent.cli", "run", "--config", str(config)])
        try:
            eventually(lambda seen=seen: replay.poll() is not None or movements_told(tmp_path) > seen + 80)
        finally:
            kills += replay.poll() is None
            agent.kill()
            agent.wait()
    figures = finished(replay)
    assert kills >= 2
    assert figures["hosts_resumed"] == kills + 1
    assert stored(new_gateway().movements()) == expected(tmp_path)


def test_bins_that_are_named_meanwhile_are_counted_between_documents(gateway: Any, tmp_path: Path) -> None:
    counts = tmp_path / "counts.jsonl"
    told = [
        {"port": 0, "location": "B-03", "item": "22077", "quantity": "170"},
        {"port": 0, "location": "B-04", "item": "22086", "quantity": "0"},
    ]
    half = '{"port": 0, "location": "B-05"'
    counts.write_text("".join(json.dumps(each) + "\n" for each in told) + half, encoding="utf-8")
    process = scan_pos(tmp_path, "--limit", "40", "--counts", str(counts), ports=1)
    gateway.attach("scanner-0", str(tmp_path / "port-0"))
    figures = finished(process)
    counted = {record.location: record for record in gateway.records() if isinstance(record, Count)}
    [line] = counted["B-03"].lines
    assert (line.identifier.value, line.quantity) == ("22077", Decimal(170))
    assert [absent.value for absent in counted["B-04"].zero_confirmed] == ["22086"]
    assert counted.keys() == {"B-03", "B-04"}
    assert figures["refused"] == 0
    assert stored(gateway.movements()) == expected(tmp_path)


def test_bins_that_were_named_before_people_are_told_to_stop_are_counted(
    gateway: Any, tmp_path: Path, eventually: Wait
) -> None:
    counts = tmp_path / "counts.jsonl"
    process = scan_pos(tmp_path, "--counts", str(counts), "--rate", "20", ports=1)
    gateway.attach("scanner-0", str(tmp_path / "port-0"))
    eventually(lambda: movements_told(tmp_path) > 0)
    told = {"port": 0, "location": "B-03", "item": "22077", "quantity": "170"}
    counts.write_text(json.dumps(told) + "\n", encoding="utf-8")
    process.terminate()
    assert finished(process)["refused"] == 0
    assert [record.location for record in gateway.records() if isinstance(record, Count)] == ["B-03"]
    assert stored(gateway.movements()) == expected(tmp_path)


def test_people_who_stay_count_what_is_named_once_their_time_is_up(
    gateway: Any, tmp_path: Path, eventually: Wait
) -> None:
    counts = tmp_path / "counts.jsonl"
    process = scan_pos(tmp_path, "--counts", str(counts), "--limit", "40", "--stay", ports=1)
    gateway.attach("scanner-0", str(tmp_path / "port-0"))
    eventually(lambda: movements_told(tmp_path) == len(gateway.movements()) > 30)
    told = {"port": 0, "location": "B-03", "item": "22077", "quantity": "170"}
    counts.write_text(json.dumps(told) + "\n", encoding="utf-8")
    eventually(lambda: any(isinstance(record, Count) for record in gateway.records()))
    assert process.poll() is None
    process.terminate()
    assert finished(process)["refused"] == 0
    assert stored(gateway.movements()) == expected(tmp_path)


@pytest.mark.parametrize(
    "line",
    ["{}", "[1]", '{"port": 1, "location": "B-03", "item": "22077", "quantity": "1"}', "no json"],
)
def test_a_bin_that_cannot_be_read_is_named(line: str, tmp_path: Path) -> None:
    counts = tmp_path / "counts.jsonl"
    counts.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(LinesError, match="expected"):
        ErrandFile(counts, ports=1).new()


def test_a_replay_that_is_told_to_stop_leaves_no_scan_unanswered(gateway: Any, tmp_path: Path) -> None:
    process = scan_pos(tmp_path, "--seconds", "6", "--rate", "100", ports=1)
    gateway.attach("scanner-0", str(tmp_path / "port-0"))
    figures = finished(process)
    assert 0 < figures["scans"] <= 601
    assert stored(gateway.movements()) == expected(tmp_path)
    assert gateway.scanners[0]._listener.state.run.quantity is None, "no half scan is left"


def test_a_replay_without_hosts_ends_when_it_is_told_to(tmp_path: Path, eventually: Wait) -> None:
    process = scan_pos(tmp_path, ports=1)
    eventually((tmp_path / "port-0").is_symlink)
    process.terminate()
    assert finished(process)["scans"] == 0
    assert not (tmp_path / "port-0").exists()


@pytest.mark.parametrize("wrong", [("--rate", "0"), ("--window", "0"), ("--limit", "-1"), ("absent.csv",)])
def test_wrong_usage_is_said_before_anything_is_scanned(wrong: tuple[str, ...], tmp_path: Path) -> None:
    process = scan_pos(tmp_path, *wrong, ports=1)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2


def test_people_take_turns_where_the_pace_is_slow(gateway: Any, tmp_path: Path, eventually: Wait) -> None:
    process = scan_pos(tmp_path, "--rate", "40", ports=2)
    for number in range(2):
        gateway.attach(f"scanner-{number}", str(tmp_path / f"port-{number}"))
    eventually(lambda: min(scans_by(tmp_path)) > 8)
    process.terminate()
    finished(process)
    scanners = [row["scanner"] for row in truth_of(tmp_path, "movement")]
    since_both = scanners[max(scanners.index(number) for number in range(2)) :]
    assert min(since_both.count(number) for number in range(2)) > len(since_both) / 3
