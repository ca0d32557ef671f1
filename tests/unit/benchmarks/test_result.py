"""A benchmark's answer says which limit each figure meets, and carries its headline at the top."""

import json

import pytest

from benchmarks.result import Limit, Result, Verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.6, Verdict.GOAL), (0.5, Verdict.GOAL), (0.2, Verdict.MUST), (0.19, Verdict.MISSED)],
)
def test_more_is_better_where_the_limit_says_so(value: float, verdict: Verdict) -> None:
    assert Limit(must=0.2, goal=0.5, better="higher").judge(value) is verdict


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.1, Verdict.GOAL), (1.0, Verdict.MUST), (1.1, Verdict.MISSED)]
)
def test_less_is_better_where_the_limit_says_so(value: float, verdict: Verdict) -> None:
    assert Limit(must=1.0, goal=0.3, better="lower").judge(value) is verdict


def test_the_answer_is_json_with_figures_limits_ratios_input_and_versions() -> None:
    result = Result(
        benchmark="ingest",
        headline="ratio_to_copy",
        figures={"rows_per_s": 20_000.0},
        ratios={"ratio_to_copy": 0.25},
        limits={"ratio_to_copy": Limit(must=0.2, goal=0.5, better="higher")},
        input={"rows": 1},
    )
    answer = json.loads(json.dumps(result.to_json()))
    assert answer["ratio_to_copy"] == answer["ratios"]["ratio_to_copy"] == 0.25
    assert answer["limits"]["ratio_to_copy"]["verdict"] == "must"
    assert {"figures", "input", "versions"} <= answer.keys()
    assert answer["versions"]["python"]
