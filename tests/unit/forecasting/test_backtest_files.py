"""Files of any origin for backtests: odd columns and numbers are told by name, no wish runs away."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud.cli import main
from cloud.forecasting.backtest.files import Wanted, read
from cloud.forecasting.batch.longform import LongformError

RANDOM = 20261126
DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(4)]

Writer = Callable[..., Path]


@pytest.fixture(name="parquet")
def fixture_parquet(tmp_path: Path) -> Writer:
    arrow = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    writer = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")

    def write(**columns: Any) -> Path:
        path = tmp_path / "odd.parquet"
        usual: dict[str, Any] = {"series_id": ["A"] * len(DAYS), "ds": DAYS, "y": [1.0, 2.0, 3.0, 4.0]}
        writer.write_table(arrow.table(usual | columns), path)
        return path

    return write


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        (
            "series_id",
            [b"\xff"] * 4,
            "column series_id is of type binary: expected texts in UTF-8, or numbers",
        ),
        ("series_id", [{"a": 1}] * 4, r"column series_id is of type struct<a: int64>: expected texts"),
        ("series_id", [[1]] * 4, r"column series_id is of type list<.*>: expected texts"),
        ("y", DAYS, r"column y is of type date32\[day\]: expected numbers"),
        ("price", DAYS, r"column price is of type date32\[day\]: expected numbers"),
    ],
)
def test_a_column_of_another_type_is_told(parquet: Writer, column: str, values: list[Any], told: str) -> None:
    covariates = ("price",) if column == "price" else ()
    with pytest.raises(LongformError, match=told):
        read(parquet(**{column: values}), Wanted(covariates=covariates))


@pytest.mark.parametrize(
    ("values", "read_as"),
    [
        ([2**62, 2**53 + 1, 0, 1], [2.0**62, 2.0**53, 0, 1]),
        ([Decimal("1.5")] * 4, [1.5] * 4),
        ([None, 1, 2, 3], [np.nan, 1, 2, 3]),
    ],
)
def test_numbers_of_any_type_are_numbers(parquet: Writer, values: list[Any], read_as: list[float]) -> None:
    assert np.array_equal(read(parquet(y=values), Wanted()).y, read_as, equal_nan=True)


@pytest.mark.parametrize("text", ["1_000", "٣", "0x10", "1e", "--1"])
def test_a_text_that_only_looks_like_a_number_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(f"series_id,ds,y\nA,2026-01-01,{text}\nA,2026-01-02,1\n", encoding="utf-8")
    assert "expected a number with a decimal point" in read(path, Wanted()).wrong[0]


def test_a_covariate_that_is_never_known_has_no_effect_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(RANDOM)
    rows = [
        f"{name},{date(2026, 1, 1) + timedelta(days=n)},{generator.poisson(5)},{deal if n > late else ''},"
        for name, deal, late in (("A", 0, 0), ("B", 1, 35), ("C", 1, 99))
        for n in range(40)
        if (name, n) != ("C", 20)
    ]
    path = tmp_path / "late.csv"
    path.write_text("\n".join(["series_id,ds,y,deal,price", *rows]) + "\n", encoding="utf-8")
    options = ("--freq", "D", "--horizon", "2", "--covariates", "deal,price", "--known-future", "deal,price")
    assert main(["forecast", "backtest", "--data", str(path), *options]) == 0
    told = capsys.readouterr().out
    assert told.startswith("3 series, 13 origins")
    assert "effect of log price: x 1.000" in told
    assert "not known: 1 periods without a row or a y; write zeros where nothing was sold" in told


def test_what_is_forecast_is_no_covariate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wish = ("--data", str(tmp_path / "none.csv"), "--freq", "D", "--horizon", "1", "--covariates", "y,ds,y")
    assert main(["forecast", "backtest", *wish]) == 1
    assert "--covariates ds,y: expected other columns than the series' own" in capsys.readouterr().err


def test_people_are_told_once_of_each_reason_to_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"A,{date(2026, 1, 1) + timedelta(days=n)},{n % 5}" for n in range(30)]
    rows += [f"short-{n},2026-01-01,1" for n in range(40)]
    rows += [f"bad-{n},2026-01-0{day},-{n + 1}" for n in range(25) for day in (1, 2)]
    path = tmp_path / "many.csv"
    path.write_text("\n".join(["series_id,ds,y", *rows]) + "\n", encoding="utf-8")
    assert main(["forecast", "backtest", "--data", str(path), "--freq", "D", "--horizon", "2"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("refused")]
    assert "refused: short-0 and 39 more: 1 known periods: expected at least 2 to forecast from" in told
    assert told[-1] == "refused for 6 more reasons; --json tells all"
    assert len(told) == 21


@pytest.mark.parametrize("option", ["--season", "--horizon", "--origins", "--step", "--processes"])
@pytest.mark.parametrize("value", ["0", "-1", "20001", "1" * 5_000, "1.5"])
def test_a_number_beyond_any_use_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as left:
        main(
            ["forecast", "backtest", "--data", str(tmp_path), "--freq", "D", "--horizon", "1", option, value]
        )
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert "expected" in told
    assert len(told) < 2_000
