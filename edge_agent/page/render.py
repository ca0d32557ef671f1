"""A status in, the page's HTML out; pure, and everything that came from outside is escaped."""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Final

from contracts.records import Crossing
from edge_agent.page.radiogram import legend, radiogram
from edge_agent.page.status import FIGURES, PageStatus, problems
from edge_agent.page.strength import strength_bar

REFRESH_S: Final = 3
CROSSINGS: Final = 12
"""As many are shown, those that posted or wait for a person before evidence; ``status.json`` has more."""
_OF_ANTENNAS: Final = "antenna_reads_"
"""Counters that the antennas' own table shows."""
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_MB: Final = 1024 * 1024
_DIRECTIONS: Final = {"in": "← in", "out": "out →", "undecided": "undecided", "stray": "stray"}
_SHOWN_AS: Final = {"posted": "good", "held": "bad", "evidence": "quiet"}


def render(status: PageStatus) -> str:
    """Write the page.

    Args:
        status: One look at the agent.

    Returns:
        A whole HTML document without script, style or anything from elsewhere.
    """
    health = status.health
    found = problems(status)
    banner = (
        "".join(f'<p class="bad" role="alert">{escape(each)}</p>' for each in found)
        or '<p class="good">All is well.</p>'
    )
    main = (
        f"{banner}{_visits(status)}{_devices(status)}{_antennas(status)}{_zones(status)}{_outbox(status)}"
        f"{_clock(status)}{_config(status)}{_crossings(status)}{_counters(status)}"
    )
    foot = 'For programs: <a href="/status.json">status.json</a>, <a href="/metrics">metrics</a>'
    head = f'<meta http-equiv="refresh" content="{REFRESH_S}">'
    told = f"up {_duration(health.uptime_s)} · {escape(status.version)}"
    return _document(status, head=head, told=told, main=main, foot=foot)


def render_settings(status: PageStatus) -> str:
    """Write the page of settings, which stands still so that it can be read.

    Args:
        status: One look at the agent.

    Returns:
        A whole HTML document, as of the other page.
    """
    settings = () if status.config is None else status.config.settings
    main = "".join(
        f'<div class="setting"><h3>{escape(each.name)} <span class="quiet">{escape(each.origin)}</span></h3>'
        f'<p class="code">{escape(each.value)}</p></div>'
        for each in settings
    )
    foot = '<a href="/">Back to what it does</a>'
    return _document(status, head="", told="every setting in force", main=main, foot=foot)


def _document(status: PageStatus, *, head: str, told: str, main: str, foot: str) -> str:
    title = escape(f"{status.health.gateway} · {status.health.site}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{head}<meta name="color-scheme" content="light dark">'
        f'<title>{title}</title><link rel="stylesheet" href="/page.css"></head><body>'
        f'<header><h1>{title}</h1><p class="quiet">{_instant(status.health.sent_at)} · {told}</p></header>'
        f'<main>{main}</main><footer class="quiet">{foot}</footer></body></html>'
    )


def _section(name: str, content: str) -> str:
    slug = name.split(" ", maxsplit=1)[0].lower()
    return f'<section aria-labelledby="{slug}"><h2 id="{slug}">{name}</h2>{content}</section>'


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], *, nothing: str) -> str:
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    if not lines:
        return f'<p class="quiet">{nothing}</p>'
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _visits(status: PageStatus) -> str:
    if not status.visits:
        return ""
    rows = ((escape(door), escape(far)) for door, far in sorted(status.visits.items()))
    return _section("Visits at the doors", _table(("door", "visit"), rows, nothing=""))


def _devices(status: PageStatus) -> str:
    now = status.health.sent_at
    rows = (
        (
            escape(each.id),
            escape(each.kind),
            f'<span class="{"good" if each.state == "open" else "bad"}">{escape(each.state)}</span>',
            f"{each.reads:,}",
            _ago(each.last_heard_at, now),
        )
        for each in status.health.readers
    )
    heads = ("device", "kind", "state", "reads", "last heard")
    return _section("Readers and scanners", _table(heads, rows, nothing="None is set up."))


def _antennas(status: PageStatus) -> str:
    now = status.health.sent_at
    rows = (
        (
            escape(f"{each.reader}:{each.antenna}"),
            escape(each.portal or "-"),
            f"{each.reads_per_s:,.1f}",
            strength_bar(each),
            f"{each.reads:,}",
            _ago(each.last_read_at, now),
        )
        for each in status.antennas
    )
    heads = ("antenna", "portal", "reads/s", "strength", "reads", "last read")
    return _section("Antennas", _table(heads, rows, nothing="No reader has antennas."))


def _zones(status: PageStatus) -> str:
    if not status.zones:
        return ""
    rows = (
        (escape(each.id), escape(each.location), f"{each.tags:,}", f"{each.came:,}", f"{each.went:,}")
        for each in status.zones
    )
    return _section("Read zones", _table(("zone", "location", "tags", "came", "went"), rows, nothing=""))


def _crossings(status: PageStatus) -> str:
    first = sorted(status.crossings, key=lambda each: each.posted == "evidence")  # each kind the newest first
    cards = "".join(_crossing(each, status.health.sent_at) for each in first[:CROSSINGS])
    return _section("Crossings", cards or '<p class="quiet">None since the agent started.</p>')


def _crossing(crossing: Crossing, now: datetime) -> str:
    sure = "" if crossing.confidence is None else f"{crossing.confidence:.0%} sure · "
    is_news = crossing.because is not None and crossing.because.value != crossing.direction.value
    because = f" ({escape(str(crossing.because).replace('_', ' '))})" if is_news else ""
    what = crossing.unit or crossing.epc
    return (
        f'<article><h3>{escape(crossing.portal)} <span class="direction">'
        f"{_DIRECTIONS[crossing.direction]}</span> "
        f'<span class="{_SHOWN_AS[crossing.posted]}">{escape(crossing.posted)}</span>{because}</h3>'
        f'<p class="code">{escape(what)}</p>{radiogram(crossing)}'
        f"<p>{legend(crossing.antennas)}</p>"
        f'<p class="quiet">{sure}{crossing.reads} reads · {_instant(crossing.occurred_at_claimed)} · '
        f"{_ago(crossing.occurred_at_claimed, now)}</p></article>"
    )


def _outbox(status: PageStatus) -> str:
    outbox, counted, disk = status.health.outbox, status.health.counters, status.disk
    state = '<span class="bad">full</span>' if outbox.is_full else '<span class="good">has room</span>'
    oldest = _duration(outbox.oldest_unacked_age_s) if outbox.unacked_rows else "-"
    used = outbox.used_bytes / _MB
    quota = f"{used:,.1f} of {outbox.quota_bytes / _MB:,.0f} MB"
    commits = counted.get("outbox_commits", 0)
    facts = [
        ("not in the ledger yet", f"{outbox.unacked_rows:,} rows in {outbox.unacked_batches:,} batches"),
        ("the oldest waits for", oldest),
        ("space", f"{quota}, {state}"),
    ]
    if commits:
        each_ms = counted.get("outbox_commit_us", 0) / commits / 1000
        facts.append(("a commit takes", f"{each_ms:,.1f} ms on average of {commits:,}"))
    if disk is not None:
        free = f"{disk.free_bytes / _MB:,.0f} of {disk.total_bytes / _MB:,.0f} MB free"
        facts.append(("disk", free))
    return _section("Outbox and disk", _facts(facts))


def _clock(status: PageStatus) -> str:
    clock = status.health.clock
    state = '<span class="good">believed</span>' if clock.ok else '<span class="bad">not believed</span>'
    offset = "not measured" if clock.offset_s is None else f"{clock.offset_s:+.3f} s"
    way = {"mqtt": "the broker", "https": "HTTPS", None: "none: not connected"}[status.way]
    colour = "good" if status.way is not None and not status.health.is_on_detour else "bad"
    facts = (
        ("clock", state),
        ("steps since start", f"{clock.steps:,}"),
        ("offset", offset),
        ("way to the ledger", f'<span class="{colour}">{way}</span>'),
    )
    return _section("Clock and connection", _facts(facts))


def _config(status: PageStatus) -> str:
    config = status.config
    if config is None:
        return ""
    good = config.outcome == "applied"
    last = f"revision {config.last_revision}, " if config.last_revision else ""
    outcome = f'<span class="{"good" if good else "bad"}">{escape(config.outcome.replace("_", " "))}</span>'
    runs = f"revision {config.running_revision}" if config.running_revision else "this gateway's own file"
    why = "".join(f'<p class="bad">{escape(each)}</p>' for each in config.errors)
    facts = _facts((("runs", runs), ("last wish of the cloud", f"{last}{outcome}" if last else "none")))
    link = '<p><a href="/settings">Every setting with its origin</a></p>'
    return _section("Configuration", f"{facts}{why}{link}")


def _counters(status: PageStatus) -> str:
    counted = sorted(
        (name, number)
        for name, number in status.health.counters.items()
        if number and not name.startswith(_OF_ANTENNAS) and name not in FIGURES
    )
    rows = ((escape(name), f"{number:,}") for name, number in counted)
    return _section("Counters", _table(("counted", "times"), rows, nothing="Nothing was counted yet."))


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts) + "</dl>"


def _instant(at: datetime) -> str:
    return f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M:%S} UTC</time>'


def _ago(at: datetime | None, now: datetime) -> str:
    return "never" if at is None else f"{_duration((now - at).total_seconds())}\N{NO-BREAK SPACE}ago"


def _duration(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return f"{whole}\N{NO-BREAK SPACE}s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}\N{NO-BREAK SPACE}min"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}\N{NO-BREAK SPACE}h {whole % _HOUR_S // _MINUTE_S}\N{NO-BREAK SPACE}min"
    return f"{whole // _DAY_S}\N{NO-BREAK SPACE}d {whole % _DAY_S // _HOUR_S}\N{NO-BREAK SPACE}h"
