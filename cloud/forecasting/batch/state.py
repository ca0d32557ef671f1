"""What is left of a history for its forecast: states that a new period updates without looking back. Pure.

States of a million series take as long to update as a million periods, whatever the history's length. Nothing
is refitted: seasonal indices, and how many periods ADIDA may sum, stay as the fit gave them. All else, the
choice of parameters by running errors too, goes on as if the history had been rolled to its new end.
"""

import copy
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

import numpy as np

from cloud.forecasting.batch.checked import checked
from cloud.forecasting.batch.members import MEMBERS
from cloud.forecasting.batch.panel import Real, Reals, panel_of
from cloud.forecasting.batch.recent import LONGEST, lengths_of, longest_asked
from cloud.forecasting.batch.seasonal import is_seasonal, seasonal_factors
from cloud.forecasting.batch.zoo import Zoo, steps_of, zoo_of
from cloud.forecasting.protocol import Floats, Ints

LENGTHS: Final = (4, 12, LONGEST)
"""How many periods ADIDA may sum: each series gets the least that leaves room for half as many again."""
ROOM: Final = 1.5
VERSION: Final = 2
"""Of the layout of saved states."""


@dataclass(slots=True)
class Group:
    """Series whose states are alike in shape."""

    rows: Ints
    """Their places among all series."""
    scale: Reals
    """Of each column, what demand is divided by."""
    index: Reals
    """Season x columns: seasonal indices, by period modulo the season."""
    zoo: Zoo


@dataclass(frozen=True, slots=True)
class State:
    """States of all series after the newest period."""

    count: int
    season: int
    periods: int
    """How many have been seen."""
    members: tuple[str, ...]
    groups: tuple[Group, ...]


def fit(y: Floats, season: int, members: Sequence[str] = MEMBERS) -> State:
    """Roll histories to their end.

    Args:
        y: Series x periods, the last column the newest period; >= 0, NaN where not known.
        season: Periods per cycle; 1 for none.
        members: Which forecasts will be asked for.

    Returns:
        The states.
    """
    panel = panel_of(checked(y))
    has_season = is_seasonal(panel.y, panel.known, season)[: panel.count]
    asked = longest_asked(panel.y, panel.known)[: panel.count] * ROOM
    kind = np.searchsorted(LENGTHS[:-1], asked)
    groups = []
    for number, with_season in itertools.product(range(len(LENGTHS)), (False, True)):
        rows = np.flatnonzero((kind == number) & (has_season == with_season))
        if not len(rows):
            continue
        part = panel.of(rows)
        index = seasonal_factors(part, has_season[rows], part.periods, season)
        zoo = zoo_of(part.y.shape[1], LENGTHS[number], season if with_season else None)
        for now, known in steps_of(part, index):
            zoo.step(now, known, season)
        groups.append(Group(rows, part.scale, index, zoo))
    return State(panel.count, season, panel.periods, tuple(members), tuple(groups))


def advance(state: State, column: Floats) -> State:
    """Take in one more period.

    Args:
        state: After the period before; it is left as it is.
        column: Of each series its demand, >= 0, NaN where not known.

    Returns:
        The new state.

    Raises:
        ValueError: If there are not as many values as series, or one is negative or infinite.
    """
    if column.shape != (state.count,):
        raise ValueError(
            f"column has shape {column.shape}: expected one value of each of {state.count} series"
        )
    checked(column[:, None], first_column=state.periods)
    known = np.isfinite(column)
    groups = []
    for group in state.groups:
        own = copy.deepcopy(group.zoo)
        size = len(group.rows)
        now, is_known = np.zeros_like(group.scale), np.zeros_like(group.scale)
        is_known[:size] = known[group.rows]
        now[:size] = np.where(known, column, 0)[group.rows] / group.scale[:size].astype(np.float64)
        own.step(now / group.index[state.periods % state.season], is_known, state.season)
        groups.append(Group(group.rows, group.scale, group.index, own))
    return State(state.count, state.season, state.periods + 1, state.members, tuple(groups))


def paths(state: State, horizon: int) -> dict[str, Reals]:
    """Forecast from the newest period.

    Args:
        state: After it.
        horizon: Periods ahead, > 0.

    Returns:
        By member, series x horizon, >= 0; NaN where `members.roll` gives it.
    """
    found = {name: np.full((state.count, horizon), np.nan, dtype=Real) for name in state.members}
    ahead = (state.periods + np.arange(horizon)) % state.season
    for group in state.groups:
        size = len(group.rows)
        factor = (group.index[ahead].T * group.scale[:, None])[:size]
        read = group.zoo.read(horizon, state.members)
        for name in state.members:
            found[name][group.rows] = read[name][:size] * factor
    return found


def save(state: State) -> bytes:
    """Write a state down.

    Args:
        state: Any.

    Returns:
        A file of named arrays, as numpy writes it.
    """
    arrays: dict[str, Any] = {
        "version": VERSION,
        "count": state.count,
        "season": state.season,
        "periods": state.periods,
        "members": np.array(state.members),
        "groups": len(state.groups),
    }
    for number, group in enumerate(state.groups):
        arrays |= {f"{number}.{name}": value for name, value in _leaves(group)}
    target = io.BytesIO()
    np.savez(target, **arrays)
    return target.getvalue()


def load(content: bytes) -> State:
    """Read a state.

    Args:
        content: As `save` wrote it.

    Returns:
        The state.

    Raises:
        ValueError: If it was written in another layout.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = dict(file)
    if int(arrays["version"]) != VERSION:
        raise ValueError(f"state has layout {int(arrays['version'])}: expected {VERSION}; fit it anew")
    groups = []
    for number in range(int(arrays["groups"])):
        own = {
            name.split(".", 1)[1]: value for name, value in arrays.items() if name.startswith(f"{number}.")
        }
        columns = len(own["scale"])
        longest = lengths_of(own["zoo.recent.levels"])
        season = len(own["index"]) if "zoo.winters.level" in own else None
        group = Group(own["rows"], own["scale"], own["index"], zoo_of(columns, longest, season))
        _restore(group, own)
        groups.append(group)
    members = tuple(str(name) for name in arrays["members"])
    return State(int(arrays["count"]), int(arrays["season"]), int(arrays["periods"]), members, tuple(groups))


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk the arrays and numbers of nested dataclasses."""
    for field in fields(value):
        held = getattr(value, field.name)
        if is_dataclass(held):
            yield from _leaves(held, f"{prefix}{field.name}.")
        elif field.name != "scratch" and held is not None:
            yield f"{prefix}{field.name}", held


def _restore(value: Any, arrays: Mapping[str, Any], prefix: str = "") -> None:
    for field in fields(value):
        held = getattr(value, field.name)
        if is_dataclass(held):
            _restore(held, arrays, f"{prefix}{field.name}.")
        elif field.name != "scratch" and held is not None:
            read = arrays[f"{prefix}{field.name}"]
            setattr(value, field.name, int(read) if isinstance(held, int) else read)
