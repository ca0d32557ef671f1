"""The picture of one visit: its account in, a file of SVG out that stands alone."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from edge_agent.explain.account import Account, side_name
from edge_agent.explain.worth import Term
from edge_agent.filters.site import Portal
from edge_agent.readers.capture import written_at

_WIDTH: Final = 920
_PLOT: Final = (58, 46, 848, 300)
"""Left, top, width and height."""
_ROW: Final = 20
_LEAST_SPAN_DB: Final = 10.0
_COLOURS: Final = ("#0b6bcb", "#c2410c", "#15803d", "#7e22ce", "#0e7490", "#a16207")
_DARK: Final = ("#7cc4ff", "#fdba74", "#86efac", "#d8b4fe", "#67e8f9", "#fde047")
_SHAPES: Final = (
    "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z",
    "m-3 -3h6v6h-6z",
    "m0 -4l4 7h-8z",
    "m0 -4l4 4l-4 4l-4 -4z",
)
_BAR: Final = (520, 150)
"""Where a bar of weight 0 stands, and the longest one."""
_STEPS_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0)
_MOST_STEPS: Final = 9


def drawing(account: Account, portal: Portal, epc: str) -> str:
    """Draw one visit.

    Args:
        account: Of the visit.
        portal: Where.
        epc: As the capture spells it.

    Returns:
        An SVG document.
    """
    terms = [term for term in account.terms if term.toward is not None or term.passed]
    height = _PLOT[1] + _PLOT[3] + 60 + _ROW * (len(terms) + 2 if terms else 0)
    passage = account.passage
    title = f"{epc} at {passage.portal}: {passage.direction}, sure by {passage.confidence:.1%}"
    told = ", ".join(f"{name} {chance:.1%}" for name, chance in account.alternatives.items())
    frame = f'viewBox="0 0 {_WIDTH} {height}" font-family="system-ui, sans-serif" font-size="12"'
    when = escape(f"{written_at(passage.occurred_us)}: {told}")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {frame} role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><style>{_style()}</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}"/>',
        f'<text x="{_PLOT[0]}" y="18" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{_PLOT[0]}" y="36" class="quiet">{when}</text>',
        *_plot(account, portal),
        *_bars(terms),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _style() -> str:
    light = "".join(f".a{n}{{fill:{colour};stroke:{colour}}}" for n, colour in enumerate(_COLOURS))
    dark = "".join(f".a{n}{{fill:{colour};stroke:{colour}}}" for n, colour in enumerate(_DARK))
    return (
        f"text{{fill:#1f2937}}.ground{{fill:#fff}}.axis{{stroke:#6b7280;fill:none}}.grid{{stroke:#e5e7eb}}"
        f".quiet{{fill:#6b7280}}.beam{{fill:#f59e0b;opacity:.18}}.at{{stroke:#dc2626;stroke-dasharray:4 3}}"
        f".line{{fill:none!important;opacity:.35}}.for{{fill:#15803d}}.against{{fill:#c2410c}}{light}"
        f"@media(prefers-color-scheme:dark){{text{{fill:#e5e7eb}}.ground{{fill:#111827}}.grid{{stroke:#374151}}"
        f".quiet{{fill:#9ca3af}}{dark}}}"
    )


def _plot(account: Account, portal: Portal) -> Iterable[str]:
    left, top, width, height = _PLOT
    first_us = account.reads[0][0]
    span_us = max(account.reads[-1][0] - first_us, 1)
    highest = max(read[2] for read in account.reads)
    lowest = min(*(read[2] for read in account.reads), highest - _LEAST_SPAN_DB)

    def x(at_us: int) -> float:
        return left + width * min(max((at_us - first_us) / span_us, 0.0), 1.0)

    def y(dbm: float) -> float:
        return top + height * (highest - dbm) / (highest - lowest)

    for beam in account.beams:
        begin, end = x(beam.begin_us), x(beam.end_us)
        wide = max(end - begin, 1.0)
        yield f'<rect class="beam" x="{begin:.1f}" y="{top}" width="{wide:.1f}" height="{height}"/>'
    for step in range(5):
        dbm = lowest + (highest - lowest) * step / 4
        yield f'<path class="grid" d="M{left} {y(dbm):.1f}h{width}"/>'
        yield f'<text class="quiet" x="{left - 6}" y="{y(dbm) + 4:.1f}" text-anchor="end">{dbm:.0f}</text>'
    for at_s in _ticks(span_us * 1e-6):
        at = x(first_us + round(at_s * 1e6))
        below = top + height + 16
        yield f'<text class="quiet" x="{at:.1f}" y="{below}" text-anchor="middle">{at_s:g} s</text>'
    yield f'<path class="axis" d="M{left} {top}v{height}h{width}"/>'
    yield f'<text class="quiet" x="{left - 6}" y="{top - 12}" text-anchor="end">dBm</text>'
    for number, heard in enumerate(account.heard):
        points = [(x(at_us), y(dbm)) for at_us, antenna, dbm in account.reads if antenna == number]
        if not points:
            continue
        colour, shape = f"a{number % len(_COLOURS)}", _SHAPES[number % len(_SHAPES)]
        line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        yield f'<polyline class="{colour} line" points="{line}"/>'
        yield f'<path class="{colour}" d="{"".join(f"M{px:.1f} {py:.1f}{shape}" for px, py in points)}"/>'
        where = left + number * width / max(len(account.heard), 1)
        words = f"{heard.antenna} {side_name(portal, number)}, {heard.reads} reads"
        yield f'<path class="{colour}" d="M{where + 6:.1f} {top + height + 34}{shape}"/>'
        yield f'<text x="{where + 16:.1f}" y="{top + height + 38}">{escape(words)}</text>'
    at = x(account.passage.occurred_us)
    anchor, aside = ("end", -5) if at > left + width / 2 else ("start", 5)
    yield f'<path class="at" d="M{at:.1f} {top}v{height}"/>'
    yield (
        f'<text x="{at + aside:.1f}" y="{top + 12}" text-anchor="{anchor}">'
        f"{escape(str(account.passage.direction))}</text>"
    )


def _bars(terms: Sequence[Term]) -> Iterable[str]:
    if not terms:
        return
    top = _PLOT[1] + _PLOT[3] + 70
    middle, longest = _BAR
    most = max(1.0, *(max(abs(term.toward or 0.0), abs(term.passed)) for term in terms))
    yield f'<text x="{_PLOT[0]}" y="{top}" font-weight="600">Evidence, in log-odds</text>'
    yield f'<text class="quiet" x="{middle}" y="{top}" text-anchor="middle">out / in</text>'
    yield f'<text class="quiet" x="{middle + 250}" y="{top}" text-anchor="middle">stayed / passed</text>'
    for number, term in enumerate(terms, start=1):
        y = top + number * _ROW
        yield f'<text x="{_PLOT[0]}" y="{y}">{escape(term.name)}</text>'
        for at, value in ((middle, term.toward), (middle + 250, term.passed)):
            if value is None:
                continue
            length = longest * 0.6 * value / most
            begin, kind = (at, "for") if length >= 0 else (at + length, "against")
            yield f'<rect class="{kind}" x="{begin:.1f}" y="{y - 10}" width="{abs(length):.1f}" height="11"/>'
            yield f'<text class="quiet" x="{at + 118}" y="{y}" text-anchor="end">{value:+.1f}</text>'


def _ticks(span_s: float) -> Iterable[float]:
    step = next((each for each in _STEPS_S if span_s / each <= _MOST_STEPS), _STEPS_S[-1])
    number = 0
    while number * step <= span_s:
        yield number * step
        number += 1
