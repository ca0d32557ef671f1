"""A look at a reader: what it can do, what will be set, and its own words for what it does not take."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from simulators.llrp_reader.models import IMPINJ, ZEBRA, ReaderModel
from tests.integration.llrp.conftest import Dock
from tests.patience import PATIENCE_S

Docks = Callable[[ReaderModel], Dock]


def check(dock: Dock, folder: Path, *words: str, **settings: Any) -> int:
    host, port = dock.server.address
    given = {"id": "dock-1", "host": host, "port": port} | settings
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items() if not isinstance(value, dict)]
    lines += [
        f"[reader.{name}]\n" + "\n".join(f"{key} = {json.dumps(each)}" for key, each in table.items())
        for name, table in settings.items()
        if isinstance(table, dict)
    ]
    file = folder / "agent.toml"
    top = 'site = "s1"\ngateway = "g1"\nbroker_url = "mqtt://u:p@127.0.0.1:1"\n[[reader]]\n'
    file.write_text(top + "\n".join(lines), "utf-8")
    return main(["reader", "check", "dock-1", "--config", str(file), *words])


def test_a_reader_that_fits_is_told_in_full_and_left_as_it_was(
    docks: Docks, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dock = docks(ZEBRA)
    settings = {
        "profile": "zebra_fx9600",
        "power_dbm_by_antenna": {"3": 24.58},
        "session_by_antenna": {"4": 2},
    }
    assert check(dock, tmp_path, **settings) == 0
    told = capsys.readouterr().out
    for words in (
        "dock-1 at 127.0.0.1",
        "profile zebra_fx9600 (bronze)",
        "Zebra (Motorola) 161, model 96008",
        "4 antennas, 4 inputs, 4 outputs",
        "10 to 33 dBm in 231 entries",
        "hop table 1",
        "RF mode 21           60000 bit/s, Tari 6250 to 25000 ns",
        "TransmitPower index 191 = 29 dBm, session 1",
        "antenna 3            TransmitPower index 146 = 24.5 dBm, session 1",
        "antenna 4            TransmitPower index 191 = 29 dBm, session 2",
        "ModeIndex 21, Tari 25000 ns",
        "MotoAntennaQueryConfig EnableABFlip",
        "none: the carrier is always on",
        "OK       the reader takes this ROSpec",
    ):
        assert words in told
    order = [name for name in dock.server.received if "SPEC" in name]
    assert order == [
        "DISABLE_ACCESSSPEC",
        "DELETE_ACCESSSPEC",
        "DISABLE_ROSPEC",
        "DELETE_ROSPEC",
        "ADD_ROSPEC",
        "DELETE_ROSPEC",
    ]
    assert dock.server.received[-1] == "CLOSE_CONNECTION"


def test_a_dry_run_only_asks(docks: Docks, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dock = docks(IMPINJ)
    gate = {"start_gpi": 2, "stop_gpi": 2, "stop_after_s": 30}
    assert check(dock, tmp_path, "--dry-run", "--json", profile="impinj_r700", gate=gate) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["is_well"]
    assert not found["was_tried"]
    assert found["can"]["power_dbm"]["1"] == 10.0
    assert {mode["mode_index"] for mode in found["can"]["rf_modes"]} >= {0, 1000}
    assert found["sets"]["antennas"][0] == {
        "port": 1,
        "asked_dbm": 30.0,
        "power_index": 81,
        "power_dbm": 30.0,
        "session": 1,
    }
    said = "starts when input 2 goes high, stops when input 2 goes low or after 30 s"
    assert found["sets"]["rospec"]["triggers"] == said
    assert dock.server.received == ("CUSTOM_MESSAGE", "GET_READER_CAPABILITIES", "CLOSE_CONNECTION")


def test_all_that_does_not_fit_is_named_at_once(
    dock: Dock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = check(
        dock,
        tmp_path,
        profile="impinj_r700",
        antennas=[1, 9],
        power_dbm=33.0,
        gate={"start_gpi": 7, "stop_after_s": 5},
    )
    assert code == 1
    assert "REFUSED  IMPINJ_ENABLE_EXTENSIONS refused" in capsys.readouterr().out
    own = tmp_path / "own.toml"
    from_file = (Path(__file__).parents[3] / "firmware_configs/readers/generic_llrp.toml").read_text("utf-8")
    own.write_text(from_file.replace("[radio]", "[radio]\nmode_index = 9\nsensitivity_index = 5"), "utf-8")
    code = check(dock, tmp_path, profile=str(own), power_dbm=33.0, gate={"start_gpi": 7, "stop_after_s": 5})
    assert code == 1
    told = capsys.readouterr().out
    for words in (
        "MISMATCH sensitivity_index = 5: expected one of [1], the reader's table",
        "MISMATCH gate.start_gpi = 7: the reader has 4 inputs",
        "MISMATCH antenna 1: power_dbm = 33: expected 10 to 30, the reader's table",
        "MISMATCH antenna 4: power_dbm = 33: expected 10 to 30, the reader's table",
        "MISMATCH mode_index = 9: expected one of [1, 2], the reader's table",
    ):
        assert words in told
    assert "ADD_ROSPEC" not in dock.server.received


def test_what_the_reader_itself_refuses_is_told_with_its_parameter(
    dock: Dock, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its tables say that the reader can; what it does not like is found only by trying.
    monkeypatch.setattr("simulators.llrp_reader.checks._check_transmitter", _dislikes)
    assert check(dock, tmp_path) == 1
    told = capsys.readouterr().out
    assert "REFUSED  ADD_ROSPEC refused" in told
    assert "parameter RFTransmitter; P_FieldError; field 2: A_OutOfRange" in told


def _dislikes(_model: ReaderModel, transmitter: Any, path: tuple[int, ...]) -> None:
    from simulators.llrp_reader.element import LlrpError  # noqa: PLC0415  beside its use
    from simulators.llrp_reader.vocabulary import StatusCode  # noqa: PLC0415

    raise LlrpError("TransmitPower is not for sale", StatusCode.A_OutOfRange, path, 2)


def test_a_reader_that_is_away_or_busy_is_told(
    dock: Dock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dock.open()
    assert check(dock, tmp_path) == 1
    told = capsys.readouterr().out
    assert "REFUSED  it takes no client" in told
    assert "stop the agent, or whoever else is connected" in told
    dock.reader.stop()
    assert dock.server.wait_for(lambda: not dock.server.is_connected, PATIENCE_S)
    dock.server.stop()
    assert check(dock, tmp_path) == 1
    assert "REFUSED  not reached" in capsys.readouterr().out


def test_a_reader_that_is_none_is_wrong_usage(
    dock: Dock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(dock, tmp_path, id="dock-9") == 2
    assert "reader 'dock-1': expected one of ['dock-9']" in capsys.readouterr().err
