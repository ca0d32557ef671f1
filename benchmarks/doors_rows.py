"""Worlds in; what their passages taught, out: kept beside the reads for as long as the filter is the same."""

import hashlib
import pickle
import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import doors_truth, doors_walks
from benchmarks.doors_truth import Weighed, labelled, rows_of
from edge_agent import filters

_SHARE: Final = 0.2
"""Of tags inside units that are fitted on: there are far more of them than of topmost ones."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What one world taught."""

    seed: int
    found: list[Weighed]
    """Every passage with its truth, without pictures."""
    two_sided: list[Any]
    """Numbers, swapped numbers, label, weight."""
    one_plane: list[Any]
    """Numbers, label, weight."""


def collect(seed: int, crossings: int, directory: Path) -> Collected:
    """Run a world through the filter as it stands, or take what came of that.

    Args:
        seed: Of the world.
        crossings: How many.
        directory: Where the reads of worlds are kept.

    Returns:
        What it taught; the same however many others are asked for.
    """
    kept = directory / f"s{seed}" / f"taught-{crossings}-{filter_digest()}.pickle"
    if not kept.exists():
        found = labelled(seed, crossings, directory)
        two_sided, one_plane = rows_of(found, random.Random(seed), _SHARE)
        taught = Collected(seed, [_slim(each) for each in found], _small(two_sided), _small(one_plane))
        kept.write_bytes(pickle.dumps(taught))
    read: Collected = pickle.loads(kept.read_bytes())  # noqa: S301  we wrote it
    return read


def walks(count: int, directory: Path) -> list[Any]:
    """Walk at doors of any build, or take what came of that.

    Args:
        count: How many walks.
        directory: Where the reads of worlds are kept.

    Returns:
        Rows as those of ``Collected.two_sided``.
    """
    kept = directory / f"walks-{count}-{filter_digest()}.pickle"
    if not kept.exists():
        kept.write_bytes(pickle.dumps(_small(doors_walks.rows(count, 1))))
    read: list[Any] = pickle.loads(kept.read_bytes())  # noqa: S301  we wrote it
    return read


@cache
def filter_digest() -> str:
    """Name the filter as it stands, its weights included, and what asks it.

    Returns:
        12 hexadecimal digits.
    """
    sources = [
        *Path(filters.__path__[0]).glob("*.py"),
        Path(doors_truth.__file__),
        Path(doors_walks.__file__),
    ]
    hashed = hashlib.sha256()
    for source in sorted(sources, key=lambda each: each.name):
        hashed.update(source.read_bytes())
    return hashed.hexdigest()[:12]


def _slim(weighed: Weighed) -> Weighed:
    return replace(weighed, passage=replace(weighed.passage, trace=()), picture=None, passes=[])


def _small(rows: list[Any]) -> list[Any]:
    return [
        tuple(np.asarray(part, np.float32) if isinstance(part, list) else part for part in row)
        for row in rows
    ]
