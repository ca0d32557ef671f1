"""Proposals for people: a table with a picture for a terminal, a file of SVG, and JSON."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from edge_agent.calibrate.domain import Antenna, Proposal

_FAINTEST_DBM: Final = -80.0
_LOUDEST_DBM: Final = -20.0
_COLUMNS: Final = 24
_WIDTH: Final = 920
_LEFT: Final = 150
_LONG: Final = 520
_ROW: Final = 34


def as_text(proposals: Sequence[Proposal]) -> Iterable[str]:
    """Tell proposals to people.

    Args:
        proposals: Of each place that was walked.

    Yields:
        Lines.
    """
    for proposal in proposals:
        yield f"{proposal.kind} {proposal.id}"
        for antenna in proposal.antennas:
            if antenna.level_dbm is None:
                yield f"  {antenna.port:>12}  never heard the tag: its cable, its power, where it looks?"
                continue
            yield (
                f"  {antenna.port:>12}  {antenna.level_dbm:6.1f} dBm  "
                f"before {_bar(antenna.level_dbm + antenna.before_db)} {antenna.before_db:+5.1f} dB   "
                f"after {_bar(antenna.level_dbm + antenna.after_db)} {antenna.after_db:+5.1f} dB"
            )
        for judged in proposal.judged:
            stretch = judged.stretch
            what = f"{stretch.way or 'there'} from {stretch.begin_s:g} to {stretch.end_s:g} s"
            yield f"  {what:<28} truly so: before {judged.before:6.1%}, after {judged.after:6.1%}"
        if not proposal.settings:
            yield "  nothing judges this walk better than what is in force"
        yield ""


def as_json(proposal: Proposal) -> dict[str, object]:
    """Tell one proposal to programs.

    Args:
        proposal: Of one place.

    Returns:
        JSON-compatible values.
    """
    return {
        "kind": proposal.kind,
        "id": proposal.id,
        "antennas": [
            {
                "antenna": antenna.port,
                "level_dbm": None if antenna.level_dbm is None else round(antenna.level_dbm, 2),
                "offset_before_db": antenna.before_db,
                "offset_after_db": antenna.after_db,
            }
            for antenna in proposal.antennas
        ],
        "walked": [
            {
                "way": judged.stretch.way,
                "from_s": judged.stretch.begin_s,
                "to_s": judged.stretch.end_s,
                "chance_before": round(judged.before, 4),
                "chance_after": round(judged.after, 4),
            }
            for judged in proposal.judged
        ],
        "settings": dict(proposal.settings),
    }


def drawing(proposals: Sequence[Proposal]) -> str:
    """Draw what each antenna hears, before and after.

    Args:
        proposals: Of each place that was walked.

    Returns:
        An SVG document.
    """
    rows: list[str] = []
    y = 24
    for proposal in proposals:
        sure = ", ".join(f"{each.before:.0%} → {each.after:.0%}" for each in proposal.judged)
        rows.append(
            f'<text x="12" y="{y}" font-size="15" font-weight="600">'
            f"{escape(f'{proposal.kind} {proposal.id}: chance of the truth {sure}')}</text>"
        )
        y += 18
        for antenna in proposal.antennas:
            rows += _rows(antenna, y)
            y += _ROW
        y += 20
    style = (
        "text{fill:#1f2937}.ground{fill:#fff}.before{fill:#9ca3af}.after{fill:#0b6bcb}.quiet{fill:#6b7280}"
        "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.ground{fill:#111827}.after{fill:#7cc4ff}"
        ".before{fill:#6b7280}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img" '
        'aria-label="What each antenna hears of the tag, before and after calibration" '
        'font-family="system-ui, sans-serif" font-size="12">'
        f'<style>{style}</style><rect class="ground" width="{_WIDTH}" height="{y}"/>{"".join(rows)}</svg>\n'
    )


def _rows(antenna: Antenna, y: int) -> Iterable[str]:
    yield f'<text x="{_LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(antenna.port)}</text>'
    if antenna.level_dbm is None:
        yield f'<text class="quiet" x="{_LEFT}" y="{y + 16}">never heard the tag</text>'
        return
    for name, added, lower in (("before", antenna.before_db, 0), ("after", antenna.after_db, 14)):
        level = antenna.level_dbm + added
        long = _share(level) * _LONG
        yield f'<rect class="{name}" x="{_LEFT}" y="{y + lower}" width="{long:.1f}" height="11"/>'
        yield (
            f'<text class="quiet" x="{_LEFT + long + 8:.1f}" y="{y + lower + 10}">'
            f"{level:.1f} dBm {name} ({added:+.1f} dB)</text>"
        )


def _bar(dbm: float) -> str:
    return ("█" * round(_share(dbm) * _COLUMNS)).ljust(_COLUMNS, "·")


def _share(dbm: float) -> float:
    return min(max((dbm - _FAINTEST_DBM) / (_LOUDEST_DBM - _FAINTEST_DBM), 0.0), 1.0)
