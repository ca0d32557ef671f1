"""``edge-agent decode barcode``: one JSON object for each input, whatever the input is."""

import io
import json

import pytest

from edge_agent.cli import main


def test_each_argument_gives_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "barcode", "]E07032069804988", "7032069804988"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["scheme"], first["gtin"], first["errors"]) == ("gtin", "07032069804988", [])
    assert (second["scheme"], second["errors"][0]["code"]) == (None, "aim_missing")


def test_a_dash_reads_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("]C110A\x1d217\r\n\n]C0x\n"))
    assert main(["decode", "barcode", "-"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["scheme"] for each in objects] == ["gs1", None, "local"]
    assert objects[0]["element_string"] == "(10)A(21)7"


def test_a_scanner_without_aim_identifiers_is_ambiguous_where_it_must_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["decode", "barcode", "--aim", "absent", "7032069804988"])
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "ambiguous"


def test_epcs_answer_the_same_keys_as_barcodes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "epc", "311BA1B300CE0A6A83000000", "31"]) == 0
    main(["decode", "barcode", "]C100095201234567891235"])
    unit, broken, label = map(json.loads, capsys.readouterr().out.splitlines())
    assert list(unit) == list(broken) == list(label)
    assert (unit["scheme"], unit["filter"], unit["sscc"]) == ("sscc-96", 0, label["sscc"])
    assert (unit["element_string"], unit["digital_link"]) == (label["element_string"], label["digital_link"])
    assert (broken["scheme"], broken["errors"][0]["code"]) == (None, "length")


def test_a_dash_reads_epcs_line_by_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("3074257BF7194E4000001A85\r\n\n3074257bf7194e4000001a85\n"))
    assert main(["decode", "epc", "-"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["gtin"] for each in objects] == ["80614141123458", None, "80614141123458"]
    assert objects[2]["input"] == "3074257bf7194e4000001a85"
