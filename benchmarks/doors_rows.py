"""Worlds in; what their passages taught, out: kept beside the reads for as long as the filter is the same."""

import hashlib
import pickle
import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import doors_truth, doors_walks
from benchmarks.doors_truth import Named, Weighed, Weights, labelled, rows_of, weighing_with
from edge_agent import filters


@dataclass(frozen=True, slots=True)
class Collected:
    """What one world taught."""

    named: Named
    found: list[Weighed]
    """Every passage with its truth, without pictures."""
    two_sided: list[Any]
    """Numbers, swapped numbers, label, weight."""
    one_plane: list[Any]
    """Numbers, label, weight."""


def collect(named: Named, directory: Path, weights: Weights) -> Collected:
    """Run a world through the filter, or take what came of that.

    Args:
        named: Which world.
        directory: Where the reads of worlds are kept.
        weights: With which the filter weighs.

    Returns:
        What it taught; the same however many others are asked for.
    """
    kept = named.under(directory) / f"taught-{_digest(weights)}.pickle"
    if not kept.exists():
        with weighing_with(weights):
            found = labelled(named, directory)
        two_sided, one_plane = rows_of(found, random.Random(named.seed))
        taught = Collected(named, [_slim(each) for each in found], _small(two_sided), _small(one_plane))
        kept.write_bytes(pickle.dumps(taught))
    read: Collected = pickle.loads(kept.read_bytes())  # noqa: S301  we wrote it
    return read


def few_reads(named: Named, directory: Path, weights: Weights) -> list[Any]:
    """Run a world through the filter with most of its reads left out, or take what came of that.

    Args:
        named: Which world.
        directory: Where the reads of worlds are kept.
        weights: With which the filter weighs.

    Returns:
        Of topmost units, rows as those of ``Collected.two_sided``.
    """
    kept = named.under(directory) / f"few-{_digest(weights)}.pickle"
    if not kept.exists():
        with weighing_with(weights):
            found = [each for each in labelled(named, directory, is_thinned=True) if each.is_top]
        two_sided, _ = rows_of(found, random.Random(named.seed))
        kept.write_bytes(pickle.dumps(_small(two_sided)))
    read: list[Any] = pickle.loads(kept.read_bytes())  # noqa: S301  we wrote it
    return read


def walks(count: int, directory: Path, weights: Weights) -> list[Any]:
    """Walk at doors of any build, or take what came of that.

    Args:
        count: How many walks.
        directory: Where the reads of worlds are kept.
        weights: With which the filter weighs.

    Returns:
        Rows as those of ``Collected.two_sided``.
    """
    kept = directory / f"walks-{count}-{_digest(weights)}.pickle"
    if not kept.exists():
        with weighing_with(weights):
            kept.write_bytes(pickle.dumps(_small(doors_walks.rows(count, 1))))
    read: list[Any] = pickle.loads(kept.read_bytes())  # noqa: S301  we wrote it
    return read


def _digest(weights: Weights) -> str:
    """Name the filter as it stands, what asks it, and the weights."""
    return hashlib.sha256((_sources() + repr(weights)).encode()).hexdigest()[:12]


@cache
def _sources() -> str:
    sources = [
        *(each for each in Path(filters.__path__[0]).glob("*.py") if not each.name.startswith("weights_of_")),
        Path(doors_truth.__file__),
        Path(doors_walks.__file__),
    ]
    hashed = hashlib.sha256()
    for source in sorted(sources, key=lambda each: each.name):
        hashed.update(source.read_bytes())
    return hashed.hexdigest()


def _slim(weighed: Weighed) -> Weighed:
    return replace(weighed, passage=replace(weighed.passage, trace=()), picture=None, passes=[])


def _small(rows: list[Any]) -> list[Any]:
    return [
        tuple(np.asarray(part, np.float32) if isinstance(part, list) else part for part in row)
        for row in rows
    ]
