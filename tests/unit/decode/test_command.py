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
