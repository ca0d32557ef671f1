"""A capture becomes what one reader's antennas and inputs see, at the right moments."""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from simulators.cli import build_parser
from simulators.llrp_reader.capture import Captured, CaptureError, LevelChange, read_capture
from simulators.llrp_reader.faults import NAMED
from simulators.llrp_reader.player import TimedFault, play
from simulators.llrp_reader.report import Observation

READ = {
    "seen_at": "2026-09-21T10:13:20.000001Z",
    "reader": "r1",
    "antenna": 2,
    "epc": "3034257BF7194E4000001A85",
    "rssi_dbm": -55.5,
    "phase_deg": 12.5,
    "doppler_hz": None,
    "count": 3,
}
LEVEL = {"seen_at": "2026-09-21T12:13:20.5+02:00", "reader": "r1", "gpi": 1, "level": True}
AT_US = 1_789_985_600_000_001


def captured(*lines: dict[str, object], reader: str | None = None) -> list[Captured]:
    return list(read_capture(map(json.dumps, lines), reader))


def test_reads_and_levels_keep_all_that_they_say() -> None:
    assert captured(READ, LEVEL) == [
        Observation(AT_US, 2, bytes.fromhex("3034257bf7194e4000001a85"), 96, -55.5, phase_deg=12.5, times=3),
        LevelChange(AT_US + 499_999, 1, is_high=True),
    ]


def test_one_reader_is_chosen_of_several() -> None:
    lines = [READ | {"reader": "r2"}, READ, READ | {"reader": "r2", "antenna": 4}]
    assert [each.antenna for each in captured(*lines, reader="r2") if isinstance(each, Observation)] == [2, 4]


def test_several_readers_must_be_chosen_from() -> None:
    with pytest.raises(CaptureError, match="line 2 is of reader 'r2', those before of 'r1'"):
        captured(READ, READ | {"reader": "r2"})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"seen_at": "2026-09-21T10:13:20"}, "no time zone"),
        ({"seen_at": 5}, "seen_at is 5: expected text"),
        ({"seen_at": "yesterday"}, "yesterday"),
        ({"epc": "XYZ"}, "hexadecimal"),
        ({"antenna": 0}, "antenna is 0"),
        ({"antenna": True}, "antenna is True"),
        ({"rssi_dbm": None}, "rssi_dbm is None"),
        ({"phase_deg": "90"}, "phase_deg is '90'"),
        ({"count": 1.5}, "count is 1.5"),
        ({"gpi": 1, "level": 1}, "level is 1"),
    ],
)
def test_a_damaged_line_is_named(change: dict[str, object], match: str) -> None:
    with pytest.raises(CaptureError, match=rf"line 2: .*{match}"):
        captured(READ, READ | change)


def test_a_line_that_is_no_json_is_named_and_an_empty_one_is_nothing() -> None:
    with pytest.raises(CaptureError, match="line 3: JSONDecodeError"):
        list(read_capture([json.dumps(READ), "", "{"]))


class ReaderOnPaper:
    """Writes down what a player does to it, and when."""

    def __init__(self) -> None:
        self.now_us = 5_000_000
        self.done: list[tuple[int, str]] = []
        self.faults = self

    def report(self, observations: Iterable[Observation]) -> None:
        seen = " ".join(f"{each.epc.hex()}@{each.at_us - 5_000_000}" for each in observations)
        self.done.append((self.now_us - 5_000_000, seen))

    def gpi(self, port: int, is_high: bool) -> None:  # noqa: FBT001  as the real one
        self.done.append((self.now_us - 5_000_000, f"gpi {port} {is_high}"))

    def silence(self) -> None:
        self.done.append((self.now_us - 5_000_000, "silence"))

    def wait(self, seconds: float) -> bool:
        self.now_us += round(seconds * 1_000_000)
        return self.now_us > 10_000_000


def played(
    open_capture: Callable[[], Iterable[Captured]], *faults: str, is_endless: bool = False
) -> list[str]:
    reader = ReaderOnPaper()
    play(
        reader,  # type: ignore[arg-type]
        open_capture,
        [TimedFault.parse(each) for each in faults],
        now_us=lambda: reader.now_us,
        wait_s=reader.wait,
        is_endless=is_endless,
    )
    return [f"{at_us}: {what}" for at_us, what in reader.done]


def seen(epc: str, at_us: int) -> Observation:
    return Observation(AT_US + at_us, 1, bytes.fromhex(epc), 8, -50.0)


def test_reads_come_when_they_came_and_close_ones_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMED, "silence", lambda faults: faults.silence())
    capture = [
        seen("01", 0),
        seen("02", 9_000),
        LevelChange(AT_US + 9_500, 1, is_high=True),
        seen("03", 9_600),
        seen("04", 1_500_000),
    ]
    assert played(lambda: capture, "silence@1") == [
        "9000: 01@0 02@9000",
        "9500: gpi 1 True",
        "9600: 03@9600",
        "1000000: silence",
        "1500000: 04@1500000",
    ]


def test_a_capture_is_played_again_and_again() -> None:
    capture = [seen("01", 0), seen("02", 500_000)]
    assert played(lambda: capture, is_endless=True) == [
        *("0: 01@0", "500000: 02@500000", "1500000: 01@1500000", "2000000: 02@2000000"),
        *("3000000: 01@3000000", "3500000: 02@3500000", "4500000: 01@4500000", "5000000: 02@5000000"),
    ]


def test_an_empty_capture_is_not_played_for_ever() -> None:
    assert played(list, is_endless=True) == []


@pytest.mark.parametrize(
    "text", ["silence", "silence@", "silence@soon", "silence@-1", "noise@3", "silence@inf"]
)
def test_an_impossible_fault_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        TimedFault.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fault", "noise@3"],
        ["--listen", "5084"],
        ["--listen", "127.0.0.1:99999"],
        ["--antennas", "0"],
        ["--antennas", "65"],
        ["--model", "toaster"],
    ],
)
def test_wrong_usage_is_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["llrp-reader", *wrong])
    assert caught.value.code == 2
    assert wrong[-1] in capsys.readouterr().err


def test_a_capture_that_is_not_there_is_an_error_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments: argparse.Namespace = build_parser().parse_args(
        ["llrp-reader", "--listen", "127.0.0.1:0", "--capture", str(tmp_path / "none.jsonl")]
    )
    assert arguments.run(arguments) == 1
    assert "none.jsonl" in capsys.readouterr().err
