"""`dockledger forecast backtest` on files: what it tells, and every bad input refuses its own series only."""

import json
import math
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cloud.cli import main

RANDOM = 20261126
START = date(2023, 1, 2)
Row = tuple[str, str, str]
KEYS = {
    "series",
    "origins",
    "horizon",
    "rmsse",
    "wape",
    "mase",
    "bias_pct",
    "cum_wape",
    "pinball",
    "coverage_80",
    "coverage_95",
    "coverage_by_decile",
    "cpu_seconds_per_1000",
    "peak_rss_mb",
    "weights",
    "versions",
}


def weekly(name: str, count: int = 60, *, start: date = START, seed: int = RANDOM) -> list[Row]:
    values = np.random.default_rng([seed, *name.encode()]).poisson(20, count)
    return [(name, (start + timedelta(weeks=n)).isoformat(), str(value)) for n, value in enumerate(values)]


def written(path: Path, rows: Iterable[tuple[str, ...]], header: str = "series_id,ds,y") -> Path:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def told(capsys: pytest.CaptureFixture[str], path: Path, *options: str, freq: str = "W") -> dict[str, Any]:
    code = main(["forecast", "backtest", "--data", str(path), "--freq", freq, "--json", *options])
    out = capsys.readouterr()
    assert code == 0, out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


def refused(capsys: pytest.CaptureFixture[str], path: Path, *options: str, freq: str = "W") -> str:
    assert main(["forecast", "backtest", "--data", str(path), "--freq", freq, "--json", *options]) == 1
    out = capsys.readouterr()
    assert out.out == ""
    return out.err


FEW = ("--horizon", "2", "--origins", "3", "--season", "1")


def test_a_file_is_judged_and_the_json_holds_every_promised_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "w.csv", [row for n in range(30) for row in weekly(f"s{n}")])
    found = told(capsys, path, *FEW)
    assert set(found) >= KEYS
    assert (found["series"], found["origins"], found["horizon"], found["refused"]) == (30, 3, 2, [])
    assert found["judged_steps"] == 30 * 3 * 2
    assert 0.1 < found["wape"] < 0.3
    assert found["rmsse"] < 1
    assert abs(found["bias_pct"]) < 10
    assert 0.6 < found["coverage_80"] <= found["coverage_95"] <= 1
    assert sum(found["weights"]["all"].values()) == pytest.approx(1, abs=0.01)
    assert found["weights"]["by_class"]["smooth"]["series"] == 30
    assert found["cpu_seconds_per_1000"] > 0
    assert found["peak_rss_mb"] > 10


BAD: dict[str, tuple[list[Row], str]] = {
    "infinite": (
        [*weekly("bad", 40), ("bad", "2024-01-01", "inf")],
        "y is inf on 2024-01-01: expected a fin",
    ),
    "negative": ([*weekly("bad", 40), ("bad", "2024-01-01", "-3")], "y is -3 on 2024-01-01: expected demand"),
    "absurd": (
        [*weekly("bad", 40), ("bad", "2024-01-01", "1e160")],
        "y is 1e+160 on 2024-01-01: expected at",
    ),
    "no number": ([*weekly("bad", 40), ("bad", "2024-01-01", "x7")], "y is 'x7': expected a number"),
    "no date": ([*weekly("bad", 40), ("bad", "soon", "7")], "ds is 'soon': expected a date such as"),
    "empty date": ([*weekly("bad", 40), ("bad", "", "7")], "ds is empty: expected a date"),
    "twice": ([*weekly("bad", 40), ("bad", "2023-01-09", "7")], "the day 2023-01-09 stands twice"),
    "other weekday": ([*weekly("bad", 40), ("bad", "2024-01-04", "7")], "is no whole number of weeks after"),
    "one point": ([("bad", "2023-01-02", "7")], "1 known periods: expected at least 2"),
    "only unknown": ([("bad", "2023-01-02", ""), ("bad", "2023-01-09", "NaN")], "0 known periods"),
    "two points": (weekly("bad", 2), "insufficient data: 2 known periods"),
    "too long": ([("bad", "0100-01-05", "1"), *weekly("bad", 40)], "expected at most 20000"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_series_is_refused_with_its_reason_and_no_other(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, reason = BAD[kind]
    good = weekly("good")
    found = told(capsys, written(tmp_path / "w.csv", [*rows, *good]), *FEW)
    alone = told(capsys, written(tmp_path / "alone.csv", good), *FEW)
    assert [one["series_id"] for one in found["refused"]] == ["bad"]
    assert reason in found["refused"][0]["reason"]
    assert (found["series"], found["wape"], found["judged_steps"]) == (
        1,
        alone["wape"],
        alone["judged_steps"],
    )


def test_dates_as_people_write_them_and_yes_or_no_as_covariate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(RANDOM).poisson(20, 48)
    months = [(f"{2021 + n // 12}-{n % 12 + 1:02d}", str(value)) for n, value in enumerate(values)]
    as_written = {
        "months": [("a", month, value) for month, value in months],
        "days": [("a", f"{month}-01", value) for month, value in months],
        "slashes": [("a", f"{month}-28".replace("-", "/"), value) for month, value in months],
    }
    found = [
        told(capsys, written(tmp_path / f"{name}.csv", rows), *FEW, freq="M")
        for name, rows in as_written.items()
    ]
    assert [one["refused"] for one in found] == [[], [], []]
    assert len({one["wape"] for one in found}) == 1
    known = (*FEW, "--covariates", "deal", "--known-future", "deal")
    one, other = (
        told(
            capsys,
            written(
                tmp_path / f"{yes}.csv",
                [(*row, yes if n % 5 else no) for n, row in enumerate(weekly("a"))],
                "series_id,ds,y,deal",
            ),
            *known,
        )["effects"]
        for yes, no in (("True", "false"), ("1", "0"))
    )
    assert one == other != {}


def test_series_without_any_demand_are_told_to_be_without_a_band(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = [(f"z{n}", ds, "0") for n in range(5) for _, ds, _ in weekly("z")]
    path = written(tmp_path / "w.csv", [*silent, *(row for n in range(10) for row in weekly(f"s{n}"))])
    bare = told(capsys, path, *FEW)["without_band"]
    assert (bare["series"], bare["steps"], bare["zero_share"]) == (5, 5 * 3 * 2, 1.0)
    assert main(["forecast", "backtest", "--data", str(path), "--freq", "W", *FEW]) == 0
    assert "without a band: 30 steps, all of those of 5 series, of which 100.0%" in capsys.readouterr().out


def test_rows_may_stand_in_any_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for n in range(12) for row in weekly(f"s{n}")]
    mixed = [rows[n] for n in np.random.default_rng(RANDOM).permutation(len(rows))]
    one = told(capsys, written(tmp_path / "one.csv", rows), *FEW)
    other = told(capsys, written(tmp_path / "other.csv", mixed), *FEW)
    assert other["unsorted_series"] == 12
    for name in KEYS - {"cpu_seconds_per_1000", "peak_rss_mb"}:
        assert one[name] == other[name], name


def test_a_missing_year_and_empty_cells_are_not_known_and_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = weekly("gap", 60, start=START + timedelta(weeks=30 + 52))
    after[-1] = (*after[-1][:2], "")
    found = told(capsys, written(tmp_path / "w.csv", [*weekly("gap", 30), *after]), *FEW)
    assert found["refused"] == []
    assert found["unknown_periods"] == 53
    assert found["judged_steps"] == 3 * 2 - 1, "the empty cell is the last step of the last origin"


def test_ten_thousand_days_are_one_series_like_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(RANDOM).poisson(5, 10_000)
    rows = [("long", (date(1995, 1, 1) + timedelta(n)).isoformat(), str(y)) for n, y in enumerate(values)]
    short = [("short", *row[1:]) for row in rows[-50:]]
    found = told(capsys, written(tmp_path / "d.csv", [*rows, *short]), *FEW, freq="D")
    assert (found["series"], found["periods"], found["refused"]) == (2, 10_000, [])


@pytest.mark.parametrize(
    ("offset", "zone", "days"),
    [("+01:00", (), 90), ("Z", ("--zone", "Europe/Berlin"), 90)],
    ids=["as written", "instants read in a zone"],
)
def test_days_of_23_and_25_hours_are_days(
    offset: str, zone: tuple[str, ...], days: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Berlin's midnights around both changes of 2025: as local times, and as instants at 22 or 23 h UTC."""

    def at(day: date) -> str:
        if offset == "+01:00":
            summer = date(2025, 3, 30) < day <= date(2025, 10, 26)
            return f"{day}T00:00:00{'+02:00' if summer else '+01:00'}"
        summer = date(2025, 3, 30) < day <= date(2025, 10, 26)
        return f"{day - timedelta(1)}T{22 if summer else 23}:00:00Z"

    rows = [
        (name, at(first + timedelta(n)), str(5 + n % 3))
        for name, first in (("spring", date(2025, 3, 1)), ("autumn", date(2025, 10, 1)))
        for n in range(days)
    ]
    found = told(capsys, written(tmp_path / "d.csv", rows), *FEW, *zone, freq="D")
    assert (found["series"], found["periods"], found["unknown_periods"], found["refused"]) == (2, 90, 0, [])


def test_parquet_tells_what_csv_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: only CSV is read")
    write_table = pytest.importorskip("pyarrow.parquet").write_table
    rows = [row for n in range(12) for row in weekly(f"s{n}")]
    rows[5] = (*rows[5][:2], "")
    names, dates, values = zip(*rows, strict=True)
    table = pa.table(
        {
            "series_id": pa.array(names).dictionary_encode(),
            "ds": pa.array([date.fromisoformat(one) for one in dates]),
            "y": pa.array([float(one) if one else None for one in values]),
        }
    )
    write_table(table, tmp_path / "w.parquet")
    one = told(capsys, written(tmp_path / "w.csv", rows), *FEW)
    other = told(capsys, tmp_path / "w.parquet", *FEW)
    for name in KEYS - {"cpu_seconds_per_1000", "peak_rss_mb"}:
        assert one[name] == other[name], name


def test_instants_in_parquet_are_days_of_their_zone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stored in UTC, Berlin's midnights are days of Berlin, through both changes of the clocks."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: only CSV is read")
    write_table = pytest.importorskip("pyarrow.parquet").write_table
    days = [datetime(2025, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")) + timedelta(n) for n in range(365)]
    table = pa.table(
        {
            "series_id": pa.array([7] * 365),
            "ds": pa.array([one.astimezone(UTC) for one in days], pa.timestamp("us", "Europe/Berlin")),
            "y": pa.array(np.arange(365) % 5),
        }
    )
    write_table(table, tmp_path / "d.parquet")
    found = told(capsys, tmp_path / "d.parquet", *FEW, freq="D")
    assert (found["series"], found["periods"], found["unknown_periods"]) == (1, 365, 0)


def promoted(series: int = 40, weeks: int = 80) -> list[tuple[str, ...]]:
    """Make demand that a promotion triples, on random weeks of each series."""
    generator = np.random.default_rng(RANDOM)
    rows = []
    for n in range(series):
        deal = generator.random(weeks) < 0.2
        y = generator.poisson(np.where(deal, 60, 20))
        rows += [
            (f"s{n:02}", (START + timedelta(weeks=t)).isoformat(), str(y[t]), str(int(deal[t])))
            for t in range(weeks)
        ]
    return rows


def test_a_covariate_that_is_known_ahead_helps_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "w.csv", promoted(), "series_id,ds,y,deal")
    without = told(capsys, path, *FEW)
    past_only = told(capsys, path, *FEW, "--covariates", "deal")
    ahead = told(capsys, path, *FEW, "--covariates", "deal", "--known-future", "deal")
    assert ahead["wape"] < 0.6 * without["wape"]
    assert ahead["wape"] < 0.8 * past_only["wape"]
    assert ahead["effects"]["deal"]["factor"] == pytest.approx(3, rel=0.15)
    assert ahead["effects"]["deal"]["is_known_in_future"]
    assert not past_only["effects"]["deal"]["is_known_in_future"]


def test_what_a_covariate_is_ahead_does_not_touch_forecasts_unless_it_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scrambled in the last two weeks, it says nothing at the only origin, which lies before them."""
    rows = promoted()
    last = sorted({row[1] for row in rows})[-2:]
    other = [(*row[:3], "1" if row[1] in last else row[3]) for row in rows]
    options = ("--horizon", "2", "--origins", "1", "--season", "1", "--covariates", "deal")
    one, two = (
        told(capsys, written(tmp_path / f"{n}.csv", these, "series_id,ds,y,deal"), *options)
        for n, these in enumerate((rows, other))
    )
    assert one["wape"] == two["wape"]


def test_an_infinite_covariate_refuses_its_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = promoted(8)
    rows[3] = (*rows[3][:3], "inf")
    found = told(
        capsys, written(tmp_path / "w.csv", rows, "series_id,ds,y,deal"), *FEW, "--covariates", "deal"
    )
    assert found["series"] == 7
    assert "deal is inf on 2023-01-23: expected a finite number" in found["refused"][0]["reason"]


def test_an_official_split_is_judged_against_naive2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two lengths of test; the naive forecast of a constant series is right, ours too."""
    rows = [
        (name, f"{2000 + n // 12}-{n % 12 + 1:02}-01", str(value), "test" if n >= 60 - test else "train")
        for name, test in (("a", 6), ("b", 3))
        for n, value in enumerate(np.random.default_rng(RANDOM).poisson(100, 60))
    ]
    path = written(tmp_path / "m.csv", rows, "series_id,ds,y,split")
    found = told(capsys, path, "--split-column", "split", freq="M")
    assert (found["origins"], found["horizon"], found["judged_steps"]) == (1, 6, 9)
    assert found["owa"] == pytest.approx(
        (found["smape"] / found["naive2_smape"] + found["mase"] / found["naive2_mase"]) / 2
    )
    assert found["owa"] < 1
    assert 5 < found["smape"] < 15


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--members", "prophet"), "members ['prophet']: expected some of ses"),
        (("--known-future", "deal"), "--known-future deal: expected some of --covariates, which are none"),
        (("--covariates", "deal"), "no column deal: it has series_id, ds, y"),
        (("--where", "series_id=zzz"), "no row with series_id = zzz"),
        (("--split-column", "part"), "no column part"),
        (("--split-column", "series_id"), "column series_id holds 'a': expected `train`"),
        (("--id-column", "item"), "no column item: it has series_id, ds, y; --id-column"),
        (("--zone", "Europe/Nowhere"), "zone 'Europe/Nowhere': expected a name such as Europe/Paris"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    options: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(capsys, written(tmp_path / "w.csv", weekly("a")), *FEW, *options)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected a readable file" in refused(capsys, tmp_path / "none.csv", *FEW)
    assert "line 3: 2 cells: expected 3" in refused(
        capsys, written(tmp_path / "a.csv", [("a", "2023-01-02", "1"), ("a", "2023-01-09")]), *FEW
    )
    (tmp_path / "b.csv").write_bytes("series_id,ds,y\nä,2023-01-02,1\n".encode("latin-1"))
    assert "expected a CSV file in UTF-8" in refused(capsys, tmp_path / "b.csv", *FEW)
    assert "all 1 series are refused; the first, 'a'" in refused(
        capsys, written(tmp_path / "c.csv", [("a", "2023-01-02", "1")]), *FEW
    )
    assert "expected more than the horizon" in refused(
        capsys, written(tmp_path / "d.csv", weekly("a", 3)), "--horizon", "5"
    )


def test_without_json_a_table_stands_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*weekly("good"), ("bad", "2023-01-02", "7")]
    path = written(tmp_path / "w.csv", rows)
    assert main(["forecast", "backtest", "--data", str(path), "--freq", "W", *FEW]) == 0
    out = capsys.readouterr().out
    for words in (
        "1 series, 3 origins, 2 periods ahead",
        "(WAPE)",
        "weights in force",
        "refused: bad: 1 known",
    ):
        assert words in out
    assert "nan" not in out


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["forecast", "backtest", "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert (
        "dockledger forecast backtest --data sales.csv --freq W --season 52 --horizon 4 --origins 13" in out
    )


def test_no_figure_of_the_json_is_infinite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Constant series have no scale, series of zeros no demand: what cannot be told is null."""
    rows = [(name, *row[1:2], value) for name, value in (("c", "5"), ("z", "0")) for row in weekly("x")]
    found = told(capsys, written(tmp_path / "w.csv", rows), *FEW)
    assert found["rmsse"] is None
    assert found["wape"] == 0
    assert all(math.isfinite(value) for value in found.values() if isinstance(value, float))
