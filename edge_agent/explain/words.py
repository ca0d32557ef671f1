"""An account in words: for a terminal, and as one JSON object."""

from collections.abc import Iterable
from typing import Final

from edge_agent.explain.account import Account, side_name
from edge_agent.filters.site import Portal
from edge_agent.readers.capture import written_at

_BARS: Final = "▁▂▃▄▅▆▇█"
_COLUMNS: Final = 60
_SHOWN_VOTES: Final = 8


def as_text(account: Account, portal: Portal, epc: str) -> Iterable[str]:
    """Tell one visit to people.

    Args:
        account: Of the visit.
        portal: Where.
        epc: As the capture spells it.

    Yields:
        Lines.
    """
    passage = account.passage
    first_us = account.reads[0][0]
    yield (
        f"{epc} at {passage.portal}: {passage.direction}, sure by {passage.confidence:.1%}; "
        f"{passage.reads} reads in {(passage.last_seen_us - passage.first_seen_us) / 1e6:.1f} s"
    )
    if account.decision is not None:
        decision = account.decision
        why = f" ({decision.because})" if decision.because else ""
        yield (
            f"  with papers: {decision.direction}, sure by {decision.confidence:.1%}; {decision.posted}{why}"
            + (f", visit {decision.visit}" if decision.visit else "")
        )
        if decision.cart is not None:
            yield f"  loose: {decision.cart.words}"
    yield from (f"  {rule}" for rule in account.rules)
    yield ""
    yield from _picture(account, portal)
    yield ""
    yield "  when"
    for at_s, text in timeline(account, first_us):
        yield f"    {at_s:+7.2f} s  {text}"
    yield "  likely by the radio alone"
    yield from (f"    {chance:6.1%}  {name}" for name, chance in account.alternatives.items())
    if account.terms:
        yield "  evidence, in log-odds:        in against out   passed against stayed"
        for term in account.terms:
            toward = "" if term.toward is None else f"{term.toward:+.2f}"
            yield f"    {toward:>8}  {term.passed:+8.2f}  {term.name}"
    if account.votes:
        yield f"  {len(account.votes)} tags moved with it; by their own reads alone"
        for vote in account.votes[:_SHOWN_VOTES]:
            into, out = vote.chances
            yield f"    {vote.epc}  in {into:6.1%}  out {out:6.1%}  stayed {1 - into - out:6.1%}"
        if len(account.votes) > _SHOWN_VOTES:
            yield f"    and {len(account.votes) - _SHOWN_VOTES} more"


def timeline(account: Account, first_us: int) -> list[tuple[float, str]]:
    """List what happened, in order.

    Args:
        account: Of the visit.
        first_us: Its first read.

    Returns:
        Seconds since the first read, and what was then.
    """
    passage = account.passage
    events = [(passage.occurred_us, f"passed as far as the radio tells: {passage.direction}")]
    for number, heard in enumerate(account.heard):
        mine = [read for read in account.reads if read[1] == number]
        if mine:
            loudest = max(mine, key=lambda read: read[2])
            events += [
                (mine[0][0], f"{heard.antenna} ({heard.side}) hears it first, {mine[0][2]:.0f} dBm"),
                (loudest[0], f"{heard.antenna} ({heard.side}) hears it loudest, {loudest[2]:.0f} dBm"),
                (mine[-1][0], f"{heard.antenna} ({heard.side}) hears it last, {mine[-1][2]:.0f} dBm"),
            ]
    ways = {1: "from the outer beam to the inner", -1: "from the inner beam to the outer", 0: "in and back"}
    for beams, odds in zip(account.beams, account.beam_odds, strict=True):
        events.append(
            (beams.begin_us, f"something enters the beams: {ways[beams.toward]}; log-odds {odds:+.1f}")
        )
        events.append((beams.end_us, "the beams are free again"))
    return [((at_us - first_us) / 1e6, text) for at_us, text in sorted(events)]


def _beams_as_json(account: Account) -> list[dict[str, object]]:
    return [
        {
            "begin_at": written_at(beams.begin_us),
            "end_at": written_at(beams.end_us),
            "toward": {1: "in", -1: "out", 0: None}[beams.toward],
            "log_odds": round(odds, 3),
        }
        for beams, odds in zip(account.beams, account.beam_odds, strict=True)
    ]


def as_json(account: Account, portal: Portal, epc: str) -> dict[str, object]:
    """Tell one visit to programs.

    Args:
        account: Of the visit.
        portal: Where.
        epc: As the capture spells it.

    Returns:
        JSON-compatible values.
    """
    passage, decision = account.passage, account.decision
    first_us = account.reads[0][0]
    told: dict[str, object] = {
        "kind": "explanation",
        "portal": passage.portal,
        "epc": epc,
        "direction": str(passage.direction),
        "confidence": round(passage.confidence, 4),
        "first_seen_at": written_at(passage.first_seen_us),
        "occurred_at": written_at(passage.occurred_us),
        "last_seen_at": written_at(passage.last_seen_us),
        "reads": passage.reads,
        "alternatives": {name: round(chance, 4) for name, chance in account.alternatives.items()},
        "rules": list(account.rules),
        "antennas": [
            {
                "antenna": heard.antenna,
                "side": heard.side,
                "reads": heard.reads,
                "peak_dbm": heard.peak_dbm if heard.reads else None,
                "middle_s": round(heard.middle_s, 3) if heard.reads else None,
            }
            for heard in account.heard
        ],
        "evidence": [
            {
                "name": term.name,
                "toward": None if term.toward is None else round(term.toward, 3),
                "passed": round(term.passed, 3),
            }
            for term in account.terms
        ],
        "votes": [
            {"epc": vote.epc, "in": round(vote.chances[0], 4), "out": round(vote.chances[1], 4)}
            for vote in account.votes
        ],
        "beams": _beams_as_json(account),
        "timeline": [{"at_s": round(at_s, 3), "text": text} for at_s, text in timeline(account, first_us)],
        "trace": [
            {"at_s": round((at_us - first_us) / 1e6, 3), "antenna": portal.ports[antenna], "rssi_dbm": dbm}
            for at_us, antenna, dbm in account.reads
        ],
    }
    if decision is not None:
        told |= {
            "posted": decision.posted,
            "because": decision.because,
            "visit": decision.visit,
            "unit": decision.thing.unit,
            "confidence_with_documents": round(decision.confidence, 4),
            "loose": None if decision.cart is None else decision.cart.words,
        }
    return told


def _picture(account: Account, portal: Portal) -> Iterable[str]:
    first_us, last_us = account.reads[0][0], account.reads[-1][0]
    span_us = last_us - first_us + 1
    low = min(read[2] for read in account.reads)
    high = max(read[2] for read in account.reads)
    scale = (len(_BARS) - 1) / max(high - low, 1.0)

    def column(at_us: int) -> int:
        return min(max((at_us - first_us) * _COLUMNS // span_us, 0), _COLUMNS - 1)

    for number, port in enumerate(portal.ports):
        strongest: dict[int, float] = {}
        for at_us, antenna, dbm in account.reads:
            if antenna == number:
                strongest[column(at_us)] = max(dbm, strongest.get(column(at_us), low))
        drawn = "".join(
            _BARS[round((strongest[n] - low) * scale)] if n in strongest else " " for n in range(_COLUMNS)
        )
        yield f"  {port:>12} {side_name(portal, number):8}|{drawn}|"
    if account.beams:
        broken = {n for each in account.beams for n in range(column(each.begin_us), column(each.end_us) + 1)}
        yield f"  {'beams':>12} {'':8}|" + "".join("█" if n in broken else " " for n in range(_COLUMNS)) + "|"
    mark = column(account.passage.occurred_us)
    yield f"  {'':12} {'':8} {' ' * mark}^ {account.passage.direction}"
    yield f"  {'':12} {'':8} 0 s{(f'{span_us / 1e6:.1f} s, {low:.0f} to {high:.0f} dBm'):>{_COLUMNS - 3}}"
