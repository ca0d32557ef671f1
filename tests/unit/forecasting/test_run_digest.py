"""The hash of a run's inputs covers what its forecasts depend on."""

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np

from cloud.demand.reading import DailyMatrix, Item
from cloud.forecasting.cold_start import Likes
from cloud.forecasting.granularity.domain import Bucket
from cloud.forecasting.moves import Moves
from cloud.forecasting.policies import Policies
from cloud.forecasting.site_clock import SiteClock
from cloud.forecasting.site_run import Inputs

DAY = date(2026, 3, 1)


def test_review_days_service_period_and_the_sites_clock_are_part_of_it() -> None:
    none = np.zeros((1, 1), dtype=np.bool_)
    nothing: Any = SimpleNamespace(digest=lambda: b"")
    policies = Policies.of({}, [1])
    inputs = Inputs(
        site="leeds",
        demand=DailyMatrix((Item("TEA", 1),), (DAY,), np.ones((1, 1)), none, none),
        policies=policies,
        likes=Likes([None], np.ones(1)),
        moves=Moves([], [], DAY, datetime(2026, 3, 2, tzinfo=UTC)),
        training=nothing,
        contests=nothing,
        buckets=(Bucket.WEEK,),
        choices=(),
        dependent=0,
        late_days=0,
    )
    changed = [
        inputs,
        replace(inputs, policies=replace(policies, review_days=policies.review_days + 1)),
        replace(inputs, policies=replace(policies, service=policies.service - 0.1)),
        replace(inputs, buckets=(Bucket.DAY,)),
        replace(inputs, moves=replace(inputs.moves, clock=SiteClock(week_start=6))),
    ]
    assert len({one.digest() for one in changed}) == len(changed)
