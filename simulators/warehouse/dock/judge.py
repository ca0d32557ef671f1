"""The truth and what the edge decided in, a score in topmost units out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

MATCH_S: Final = 60.0
"""A posting belongs to a crossing if it happened so close to the crossing's own span of time at the door."""
POST_AT: Final = 0.95
HOLD_AT: Final = 0.50


@dataclass
class TrueCrossing:
    """A topmost unit that crossed, and what became of it."""

    epc: str
    portal: str
    direction: str
    at: datetime
    begin_at: datetime
    end_at: datetime
    outcome: str = "missed"
    """``right``, ``wrong``, ``held`` or ``missed``."""

    def distance_s(self, at: datetime) -> float:
        """Measure how far an instant is from this crossing's time at the door, in seconds; 0 inside of it."""
        if at < self.begin_at:
            return (self.begin_at - at).total_seconds()
        return max(0.0, (at - self.end_at).total_seconds())


@dataclass
class Decision:
    """A line of `edge-agent replay`."""

    epc: str
    portal: str
    direction: str
    at: datetime
    posted: str
    """``posted``, ``held`` or ``evidence``."""
    because: str | None = None


@dataclass
class Score:
    """What came of all true crossings, and what was posted without one."""

    truth: int = 0
    right: int = 0
    wrong: int = 0
    false_movements: int = 0
    held: int = 0
    missed: int = 0
    raw_reads: int = 0
    seconds: float = 0.0
    oddities: list[str] = field(default_factory=list)
    """One line for each wrong, false, held and missed one."""

    def figures(self) -> dict[str, float]:
        """Give the figures without the explanations."""
        return {key: value for key, value in vars(self).items() if key != "oddities"}


def judge(truth: Iterable[Mapping[str, Any]], lines: Iterable[Mapping[str, Any]]) -> Score:
    """Compare in topmost units: pallets with an SSCC, and loose cases.

    A posting counts for the nearest crossing of its unit that has none yet. Whatever else is posted, for
    goods that did not cross, a second time, or for a case or item inside a pallet, is a false movement. A
    held decision is counted whether its unit crossed or not: a person is asked either way.

    Args:
        truth: Lines of truth.jsonl.
        lines: Lines of `edge-agent replay --json`; those with ``posted`` carry the verdict of the posting
            rules, others are judged by their confidence.

    Returns:
        The score, without reads and seconds.
    """
    appearances = [line for line in truth if "epc" in line]
    crossings: dict[str, list[TrueCrossing]] = defaultdict(list)
    happened: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in appearances:
        happened[line["epc"]].append(line)
        if line["kind"] == "crossing":
            crossings[line["epc"]].append(_crossing(line))
    labels = {line["unit"]: line["epc"] for line in appearances if line.get("unit")}
    decided = [_decision(line, labels) for line in lines if line.get("kind") == "crossing"]
    has_rules = any("posted" in line for line in lines if line.get("kind") == "crossing")
    score = Score(truth=sum(len(each) for each in crossings.values()))
    ordered = sorted(decided, key=lambda each: each.at)
    judged = [each for each in ordered if has_rules or each.epc in happened]
    # Right ones choose their crossing first, then the other postings; holds explain what is left.
    posted = [each for each in judged if each.posted == "posted"]
    rest = [each for each in posted if not _is_right(each, crossings.get(each.epc, []))]
    for decision in [*rest, *(each for each in judged if each.posted == "held")]:
        _count(score, decision, crossings.get(decision.epc, []), happened.get(decision.epc, []))
    for each in (crossing for listed in crossings.values() for crossing in listed):
        score.right += each.outcome == "right"
        score.wrong += each.outcome == "wrong"
        if each.outcome == "missed":
            score.missed += 1
            seen = [f"{d.portal} {d.direction} {d.because or ''}" for d in decided if d.epc == each.epc]
            score.oddities.append(
                f"missed {each.epc} {each.portal} {each.direction} at {each.at}: decided {seen}"
            )
    return score


def _is_right(decision: Decision, crossings: list[TrueCrossing]) -> bool:
    fitting = [
        each
        for each in _open_near(decision, crossings)
        if (each.portal, each.direction) == (decision.portal, decision.direction)
    ]
    if fitting:
        min(fitting, key=lambda each: abs((each.at - decision.at).total_seconds())).outcome = "right"
    return bool(fitting)


def _open_near(decision: Decision, crossings: list[TrueCrossing]) -> list[TrueCrossing]:
    return [
        each for each in crossings if each.outcome == "missed" and each.distance_s(decision.at) <= MATCH_S
    ]


def _count(
    score: Score, decision: Decision, crossings: list[TrueCrossing], happened: list[Mapping[str, Any]]
) -> None:
    found = min(
        _open_near(decision, crossings),
        key=lambda each: abs((each.at - decision.at).total_seconds()),
        default=None,
    )
    what = (
        f"{decision.epc} {decision.portal} {decision.direction} at {decision.at} ({decision.because or '-'})"
    )
    truly = "; ".join(
        f"{line['kind']} {line['portal']} {line['direction']} {line['at']}" for line in happened
    )
    if decision.posted == "held":
        score.held += 1
        score.oddities.append(f"held {what}: truly {truly}")
        if found is not None:
            found.outcome = "held"
    elif found is None:
        score.false_movements += 1
        score.oddities.append(f"false {what}: truly {truly or 'no unit of its own'}")
    else:
        found.outcome = "wrong"
        score.oddities.append(f"wrong {what}: truly {truly}")


def _crossing(line: Mapping[str, Any]) -> TrueCrossing:
    return TrueCrossing(
        line["epc"],
        line["portal"],
        line["direction"],
        datetime.fromisoformat(line["at"]),
        datetime.fromisoformat(line["begin_at"]),
        datetime.fromisoformat(line["end_at"]),
    )


def _decision(line: Mapping[str, Any], labels: Mapping[str, str]) -> Decision:
    """Read a line; what a piece said of a unit whose label was silent is told of that label."""
    posted = line.get("posted")
    if posted is None:
        confidence, moves = float(line["confidence"]), line["direction"] in {"in", "out"}
        if moves and confidence >= POST_AT:
            posted = "posted"
        elif (moves and confidence >= HOLD_AT) or line["direction"] == "undecided":
            posted = "held"
        else:
            posted = "evidence"
    return Decision(
        labels.get(line.get("unit") or "", str(line["epc"]).upper()),
        line["portal"],
        line["direction"],
        datetime.fromisoformat(line["occurred_at"]),
        posted,
        line.get("because"),
    )
