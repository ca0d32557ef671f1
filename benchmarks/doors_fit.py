"""Fits what the doors' filter weighs with: simulated docks in; weights, worths and their reliability out.

`python -m benchmarks.doors_fit --write` makes the worlds, runs the filter over them, fits the two functions
of edge_agent/filters/weights_of_*.py on those to train on, and says how often each confidence was right on
the others. What is weighed depends a little on when the filter decides, and so on the weights it has then: it
begins on a few worlds with weights that say nothing, and runs over all of them with what was fitted on those.
So a tree writes the same weights whatever weights stand in it. What a world taught is kept beside its reads
in --directory for as long as the filter stays as it is.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks import doors_rows, doors_walks
from benchmarks.doors_rows import Collected
from benchmarks.doors_truth import UNBIASED, Named, Weighed, Weights, weighing_with
from contracts.offline import Assignment
from contracts.vocabulary import CrossingDirection
from edge_agent.decode.tag_role import TagRoles, TagRules
from edge_agent.doors.things import thing_of
from edge_agent.doors.visits import Known
from edge_agent.filters.network import Network
from simulators.warehouse.dock.goods import FOREIGN_PATTERNS
from simulators.warehouse.dock.papers import ASSIGNMENT

Floats = npt.NDArray[np.floating[Any]]
Parameters = list[Floats]
WEIGHTS: Final = Path(__file__).parents[1] / "edge_agent" / "filters"
_MODULES: Final = {"weights_of_sides.py": "TWO_SIDED", "weights_of_planes.py": "ONE_PLANE"}
BEGIN: Final = "usual:200:1001-1006 hard:14:7001-7004 overhead:20:7001-7002 conveyor:20:7001-7002"
TRAIN: Final = (
    "usual:200:1001-1032,1041-1050 hard:14:7001-7023 overhead:20:7001-7004 "
    "conveyor:20:7001-7004 conveyor:100:7201-7204"
)
FEW_READS: Final = "hard:14:7001-7029 overhead:20:7001-7004"
CHECK: Final = "usual:200:1033-1035 hard:14:7031 overhead:20:7011 conveyor:100:7221"
_HIDDEN: Final = (24, 24)
"""For two sides, and for one plane."""
_EPOCHS: Final = 60
_BATCH: Final = 256
_RATE: Final = 3e-3
_DECAY: Final = 1e-3
_MEMORY: Final = 0.999
"""Of the running mean of parameters, which is what is written: it errs less than the last of them."""
_LIMITS: Final = (0.75, 0.80, 0.90, 0.95, 0.98, 0.995, 1.0)
_SIGNS: Final = {CrossingDirection.IN: 1, CrossingDirection.OUT: -1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and check.

    Args:
        arguments: Of the command line.

    Returns:
        Exit code.
    """
    parser = argparse.ArgumentParser(prog="doors_fit", description=(__doc__ or "").partition("\n")[0])
    for name, worlds, purpose in (
        ("--begin", BEGIN, "worlds to fit first weights on"),
        ("--train", TRAIN, "worlds to fit on"),
        ("--few-reads", FEW_READS, "worlds to fit on again with most of their reads left out"),
        ("--check", CHECK, "other worlds, to judge by"),
    ):
        parser.add_argument(
            name,
            type=worlds_of,
            default=worlds,
            help=f"{purpose}, as scene:crossings:seeds; default: {worlds}",
        )
    parser.add_argument("--walks", type=int, default=4000, help="plain walks that are fitted on as well")
    parser.add_argument(
        "--glimpses", type=int, default=800, help="tags read for a moment that are fitted on at last"
    )
    parser.add_argument("--directory", type=Path, default=Path("doors_fit"), help="where reads are kept")
    parser.add_argument(
        "--write", action="store_true", help=f"write {', '.join(_MODULES)}; else only say figures"
    )
    options = parser.parse_args(arguments)
    both = sorted(set(options.train) & set(options.check))
    if both:
        parser.error(f"--check names {both[0]} of --train, expected other worlds")
    first = _fitted(options, options.begin, (), UNBIASED)
    weights = _fitted(
        options, options.train, options.check, first, glimpses=options.glimpses, few_reads=options.few_reads
    )
    judged = [doors_rows.collect(named, options.directory, weights) for named in options.check]
    _reliability([each for world in judged for each in world.found])
    _worths(options.directory, judged)
    if options.write:
        for (file, name), network in zip(_MODULES.items(), weights, strict=True):
            (WEIGHTS / file).write_text(_module(name, network), "utf-8")
    return 0


def worlds_of(text: str) -> tuple[Named, ...]:
    """Read names of worlds.

    Args:
        text: As in ``usual:200:1001-1032,1041 hard:14:7001``: scene, crossings, seeds.

    Returns:
        The worlds.
    """
    found: list[Named] = []
    for word in text.split():
        scene, crossings, seeds = word.split(":")
        for low, _, high in (part.partition("-") for part in seeds.split(",")):
            found += (Named(scene, int(crossings), seed) for seed in range(int(low), int(high or low) + 1))
    return tuple(found)


def _fitted(
    options: argparse.Namespace,
    train: Sequence[Named],
    check: Sequence[Named],
    weights: Weights,
    *,
    glimpses: int = 0,
    few_reads: Sequence[Named] = (),
) -> Weights:
    """Fit both functions on what the filter weighs while it has some weights."""
    taught, held_out = (
        [_collected(named, options, weights) for named in named_ones] for named_ones in (train, check)
    )
    few = [row for named in few_reads for row in doors_rows.few_reads(named, options.directory, weights)]
    walks = doors_rows.walks(options.walks, options.directory, weights)
    with weighing_with(weights):
        walks += doors_walks.glimpses(glimpses, 1)
    return Weights(
        _network(
            *_fit_two_sided(
                [row for world in taught for row in world.two_sided] + few + walks,
                [row for world in held_out for row in world.two_sided],
            )
        ),
        _network(
            *_fit_one_plane(
                [row for world in taught for row in world.one_plane],
                [row for world in held_out for row in world.one_plane],
            )
        ),
    )


def _collected(named: Named, options: argparse.Namespace, weights: Weights) -> Collected:
    taught = doors_rows.collect(named, options.directory, weights)
    rows = f"{len(taught.two_sided)} + {len(taught.one_plane)} to fit on"
    print(f"{named.scene} {named.seed}: {len(taught.found)} passages, {rows}", flush=True)
    return taught


def _reliability(found: list[Weighed]) -> None:
    """Say how often each confidence was right, of all tags that were told in or out."""
    told = [each for each in found if each.passage.direction in _SIGNS and not each.is_doubtful]
    right = [_SIGNS[each.passage.direction] == each.crossed for each in told]
    print("\n| confidence | tags | right | right at this confidence or more |\n|---|---|---|---|")
    for low, high in pairwise(_LIMITS):
        here = [yes for each, yes in zip(told, right, strict=True) if low <= each.passage.confidence < high]
        above = [yes for each, yes in zip(told, right, strict=True) if low <= each.passage.confidence]
        if here:
            shares = f"{sum(here) / len(here):.1%} | {sum(above) / len(above):.1%}"
            print(f"| {low:g}-{high:g} | {len(here):,} | {shares} |")


def _worths(directory: Path, worlds: list[Collected]) -> None:
    """Fit what it is worth, in log-odds, that documents expect a unit, or loose goods of an item, or not."""
    roles = TagRoles(TagRules(foreign_patterns=FOREIGN_PATTERNS))
    chances: dict[str, list[tuple[float, bool]]] = {}
    for world in worlds:
        papers = world.named.under(directory) / ASSIGNMENT
        known = Known.of(Assignment.model_validate_json(papers.read_bytes()))
        for each in world.found:
            passage = each.passage
            visits = known.open_at(passage.portal, passage.occurred_us)
            if len(visits) != 1 or each.is_doubtful or not each.is_top or passage.neighbour is not None:
                continue
            thing, visit = thing_of(roles.of(passage.epc), known), visits[0]
            chance = passage.chances[visit.direction is CrossingDirection.OUT]
            kind, is_expected = "unit", thing.unit in visit.units
            if thing.gtin is not None:
                kind, is_expected = "item", visit.takes_loose(thing.gtin)
            name = f"{'expected' if is_expected else 'unexpected'} {kind}"
            chances.setdefault(name, []).append((chance, each.crossed == _SIGNS[visit.direction]))
    print()
    for name, pairs in sorted(chances.items()):
        unsure = [(math.log(p / (1 - p)), yes) for p, yes in pairs if 0.02 < p < 0.98]
        right = sum(yes for _, yes in unsure)
        worth = 0.0
        for _ in range(50 if 0 < right < len(unsure) else 0):
            likely = [1 / (1 + math.exp(-z - worth)) for z, _ in unsure]
            slope = sum(yes - p for (_, yes), p in zip(unsure, likely, strict=True))
            worth += slope / max(sum(p * (1 - p) for p in likely), 1e-6)
        said = f"worth {worth:.2f}" if worth else "no worth found"
        print(f"{name}: {said} by {len(unsure)} unsure passages, {right} right, of {len(pairs)}")


def _fit_two_sided(rows: list[Any], check: list[Any]) -> tuple[Parameters, Floats, Floats]:
    mine, swapped, label = (np.array([row[n] for row in rows], np.float32) for n in range(3))
    weight = np.array([row[3] for row in rows], np.float32)
    every = np.concatenate([mine, swapped])
    mean, spread = every.mean(axis=0), every.std(axis=0) + 1e-6
    wanted = np.stack([label > 0, label < 0, label == 0], axis=1).astype(np.float32)

    def gradient(parameters: Parameters, chosen: Any) -> Parameters:
        into, out = (_forward(parameters, (side[chosen] - mean) / spread) for side in (mine, swapped))
        wrong = (_three(into[1], out[1]) - wanted[chosen]) * (weight[chosen] / weight.mean() / len(chosen))[
            :, None
        ]
        of_in, of_out = wrong[:, [0, 2]], wrong[:, [1, 2]]
        return [
            one + other
            for one, other in zip(
                _backward(parameters, (mine[chosen] - mean) / spread, into[0], of_in),
                _backward(parameters, (swapped[chosen] - mean) / spread, out[0], of_out),
                strict=True,
            )
        ]

    parameters = _descend((mine.shape[1], _HIDDEN[0], 2), len(rows), gradient)
    if check:
        sides = [(np.array([row[n] for row in check]) - mean) / spread for n in (0, 1)]
        chance = _three(*(_forward(parameters, side)[1] for side in sides))
        truth = np.array([row[2] for row in check])
        _say("two sides", chance[np.arange(len(truth)), np.where(truth > 0, 0, np.where(truth < 0, 1, 2))])
    return parameters, mean, spread


def _fit_one_plane(rows: list[Any], check: list[Any]) -> tuple[Parameters, Floats, Floats]:
    given, label, weight = (np.array([row[n] for row in rows], np.float32) for n in range(3))
    mean, spread = given.mean(axis=0), given.std(axis=0) + 1e-6

    def gradient(parameters: Parameters, chosen: Any) -> Parameters:
        hidden, out = _forward(parameters, (given[chosen] - mean) / spread)
        wrong = 1 / (1 + np.exp(-out[:, 0])) - label[chosen]
        wrong *= weight[chosen] / weight.mean() / len(chosen)
        return _backward(parameters, (given[chosen] - mean) / spread, hidden, wrong[:, None])

    parameters = _descend((given.shape[1], _HIDDEN[1], 1), len(rows), gradient)
    if check:
        out = _forward(parameters, (np.array([row[0] for row in check]) - mean) / spread)[1][:, 0]
        _say("one plane", np.asarray(1 / (1 + np.exp(np.where([row[1] for row in check], -out, out)))))
    return parameters, mean, spread


def _say(name: str, chance_of_truth: Floats) -> None:
    loss = -np.log(np.maximum(chance_of_truth, 1e-9)).mean()
    likelier = (chance_of_truth > 0.5).mean()
    print(f"{name}: on worlds not fitted on, log loss {loss:.4f}, the truth likeliest in {likelier:.2%}")


def _three(into: Floats, out: Floats) -> Floats:
    """Give the chances of in, out and neither, from what is said of a picture and its mirror image."""
    odds = np.stack([into[:, 0], out[:, 0], into[:, 1] + out[:, 1]], axis=1)
    likely = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


def _forward(parameters: Parameters, given: Floats) -> tuple[Floats, Floats]:
    weights, at, out, out_at = parameters
    hidden = np.tanh(given @ weights + at)
    return hidden, hidden @ out + out_at


def _backward(parameters: Parameters, given: Floats, hidden: Floats, wrong: Floats) -> Parameters:
    weights, _, out, _ = parameters
    inner = (wrong @ out.T) * (1 - hidden * hidden)
    return [
        given.T @ inner + _DECAY / 2 * weights,
        inner.sum(axis=0),
        hidden.T @ wrong + _DECAY / 2 * out,
        wrong.sum(axis=0),
    ]


def _descend(sizes: tuple[int, int, int], rows: int, gradient: Any) -> Parameters:
    """Minimise by Adam and average the last steps; seeded, so that the same rows give the same weights."""
    rng = np.random.default_rng(0)
    inputs, hidden, outputs = sizes
    drawn = (
        rng.normal(0, inputs**-0.5, (inputs, hidden)),
        np.zeros(hidden),
        rng.normal(0, 0.3, (hidden, outputs)),
        np.zeros(outputs),
    )
    parameters: Parameters = [each.astype(np.float32) for each in drawn]
    first, second = ([np.zeros_like(each) for each in parameters] for _ in range(2))
    mean = [each.copy() for each in parameters]
    step = 0
    for epoch in range(_EPOCHS):
        rate = _RATE * (1.0 if epoch < 0.6 * _EPOCHS else 0.3 if epoch < 0.85 * _EPOCHS else 0.1)
        order = rng.permutation(rows)
        for begin in range(0, rows, _BATCH):
            step += 1
            for n, slope in enumerate(gradient(parameters, order[begin : begin + _BATCH])):
                first[n] = 0.9 * first[n] + 0.1 * slope
                second[n] = 0.999 * second[n] + 0.001 * slope * slope
                scale = np.sqrt(second[n] / (1 - 0.999**step)) + 1e-8
                parameters[n] = parameters[n] - rate * first[n] / (1 - 0.9**step) / scale
                mean[n] = _MEMORY * mean[n] + (1 - _MEMORY) * parameters[n]
    return mean


def _network(parameters: Parameters, mean: Floats, spread: Floats) -> Network:
    """Take the scaling of inputs into the weights, and round all to four digits."""
    weights, at, out, out_at = parameters
    folded = weights / spread[:, None]
    hidden, hidden_at, outer, outer_at = (
        np.vectorize(lambda number: float(f"{number:.4g}"), otypes=[float])(part).tolist()
        for part in (folded.T, at - mean @ folded, out.T, out_at)
    )
    return Network(tuple(map(tuple, hidden)), tuple(hidden_at), tuple(map(tuple, outer)), tuple(outer_at))


def _module(name: str, network: Network) -> str:
    text = (
        '"""Weights of the doors\' filter: data.\n\n'
        'Written by `python -m benchmarks.doors_fit --write`.\n"""\n\n'
        "from typing import Final\n\nfrom edge_agent.filters.network import Network\n\n# fmt: off\n"
        f"\n{name}: Final = Network(\n"
    )
    for field in fields(network):
        rows = "".join(f"{_row(row)}\n" for row in getattr(network, field.name))
        text += f"    {field.name}=(\n{rows}    ),\n"
    return text + ")\n"


def _row(row: Any) -> str:
    """Write one row of a matrix, or one number of a vector."""
    if np.ndim(row) == 0:
        return f"        {row:.4g},"
    inner = ", ".join(f"{number:.4g}" for number in row)
    return fill(f"({inner})", 108, initial_indent=" " * 8, subsequent_indent=" " * 9) + ","


if __name__ == "__main__":
    sys.exit(main())
