"""Set what a gateway is to run, see what it runs, and keep what it said of that (PROTOCOL P10)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

import orjson
from pydantic import JsonValue

from cloud.db import Connection
from cloud.gateways import store
from cloud.gateways.domain import (
    LARGEST_BYTES,
    READERS,
    ConfigError,
    ConfigState,
    DesiredRow,
    Difference,
    Editable,
    ReportRow,
    StaleConfigError,
    UnknownGatewayError,
    differences,
    shown,
)
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import record_audit
from contracts.base import is_storable
from contracts.batch import MAX_FRAME_BYTES
from contracts.gateway import REMOTE_SETTINGS, DesiredConfig, ReportedConfig

NEWEST: Final = 2**62
MOST_REASON: Final = 200
MOST_SPELLED_BYTES: Final = MAX_FRAME_BYTES - 64 * 1024
"""Of settings as the database writes them: with what surrounds them, they must fit a publish."""


class _Named(NamedTuple):
    gateway: str
    site: str


def set_config(
    conn: Connection,
    actor: Actor,
    *,
    gateway: str,
    settings: Mapping[str, JsonValue],
    reason: str,
    seen_revision: int | None = None,
    now: datetime,
) -> DesiredRow:
    """Wish a configuration, which ingest publishes; what it does not name stays as the gateway's file says.

    The gateway checks it, tries it, and reports. The revision is the instant in milliseconds or one more than
    the last, so that it grows even over a ledger that was restored to an older state.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of its site.
        gateway: Which.
        settings: By name, each whole.
        reason: Why, for the history.
        seen_revision: The last wish that the actor has seen, 0 for none; None: whatever it is.
        now: The present.

    Returns:
        The wish.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If the actor's sites have no such gateway.
        ConfigError: If a setting is not the cloud's to give, all are too large, or the reason is missing.
        StaleConfigError: If another wish came since.
    """
    named = _found(conn, actor, gateway, Role.ADMIN)
    body = orjson.dumps(dict(settings))
    if foreign := sorted(settings.keys() - REMOTE_SETTINGS):
        raise ConfigError(f"settings.{foreign[0]}: expected one of {', '.join(sorted(REMOTE_SETTINGS))}")
    if len(body) > LARGEST_BYTES:
        raise ConfigError(f"settings take {len(body)} bytes: expected at most {LARGEST_BYTES}")
    _require_room(conn, body)
    if not 1 <= len(reason.strip()) <= MOST_REASON:
        raise ConfigError(f"reason has {len(reason.strip())} characters: expected 1 to {MOST_REASON}")
    store.tuples(conn, "lock_config", gateway=gateway)
    ((last, reported),) = store.tuples(conn, "last_revisions", gateway=gateway)
    if seen_revision is not None and seen_revision != last:
        raise StaleConfigError(
            f"gateway {gateway!r} has revision {last} by now, not {seen_revision}: look at it first"
        )
    revision = max(int(last) + 1, int(reported) + 1, int(now.timestamp() * 1000))
    wish = DesiredConfig(revision=revision, issued_at=now, settings=dict(settings))
    asked = {"gateway": gateway, "revision": revision, "actor": actor.id}
    store.change(conn, "add_config", **asked, settings=body.decode(), reason=reason.strip())
    store.change(conn, "send_config", **asked, payload=wish.model_dump_json(by_alias=True))
    detail = {"revision": revision, "settings": sorted(settings), "reason": reason.strip()}
    record_audit(
        conn,
        actor=actor.id,
        action="gateway_config_set",
        target=f"gateway:{gateway}",
        site=named.site,
        detail=orjson.dumps(detail).decode(),
    )
    return _history(conn, gateway, revision=revision, limit=1)[0]


def set_again(
    conn: Connection,
    actor: Actor,
    *,
    gateway: str,
    revision: int,
    seen_revision: int | None = None,
    now: datetime,
) -> DesiredRow:
    """Wish once more what was wished before, under a new revision.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of its site.
        gateway: Which.
        revision: Of the former wish.
        seen_revision: As in ``set_config``.
        now: The present.

    Returns:
        The new wish.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If there is no such gateway, or it never had that revision.
        StaleConfigError: If another wish came since.
    """
    _found(conn, actor, gateway, Role.ADMIN)
    former = _history(conn, gateway, revision=revision, limit=1)
    if not former:
        raise UnknownGatewayError(f"gateway {gateway!r} never had the configuration {revision}")
    return set_config(
        conn,
        actor,
        gateway=gateway,
        settings=former[0].settings,
        reason=f"revision {revision} again",
        seen_revision=seen_revision,
        now=now,
    )


def config(conn: Connection, actor: Actor, *, gateway: str) -> ConfigState:
    """Say what a gateway is to run and what it runs.

    Args:
        conn: In a transaction.
        actor: Who asks; badges are shown to admins only.
        gateway: Which.

    Returns:
        Its configuration.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If the actor's sites have no such gateway.
    """
    return _state(conn, _found(conn, actor, gateway, *READERS))


def configs(conn: Connection, actor: Actor, *, after: str = "", limit: int) -> list[ConfigState]:
    """List what gateways are to run and what they run, by name.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may.
        after: The last gateway of the page before.
        limit: Most to give.

    Returns:
        Their configurations.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    return [_state(conn, named) for named in store.rows(conn, _Named, "gateways", after=after, limit=limit)]


def history(
    conn: Connection, actor: Actor, *, gateway: str, before: int = NEWEST, limit: int
) -> list[DesiredRow]:
    """List what was wished for a gateway, the newest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        gateway: Which.
        before: Revision of the last one of the page before.
        limit: Most to give.

    Returns:
        The wishes, badges hidden.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If the actor's sites have no such gateway.
    """
    _found(conn, actor, gateway, *READERS)
    return [_hidden(each) for each in _history(conn, gateway, before=before, limit=limit)]


def editable(conn: Connection, actor: Actor, *, gateway: str) -> Editable:
    """Give what an admin changes.

    Args:
        conn: In a transaction.
        actor: An admin of its site.
        gateway: Which.

    Returns:
        The last wish, and what the gateway says it runs. Of a workflow that only the gateway has nothing is
        given: its badges never leave it.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If the actor's sites have no such gateway.
    """
    _found(conn, actor, gateway, Role.ADMIN)
    last = _history(conn, gateway, limit=1)
    told = store.row(conn, ReportRow, "last_report", gateway=gateway)
    running = {name: value for name, value in told.settings.items() if name != "workflow"} if told else {}
    return Editable(last[0].settings if last else {}, running, last[0].revision if last else 0)


def hear(conn: Connection, gateway_id: int, report: ReportedConfig, *, heard_at: datetime) -> None:
    """Keep what a gateway says of its configuration; what it said before and says again is kept once.

    Args:
        conn: A connection of ``dockledger_ingest`` inside a transaction.
        gateway_id: The gateway's key.
        report: As it said it.
        heard_at: When it was received.
    """
    store.change(
        conn,
        "hear",
        gateway_id=gateway_id,
        revision=report.revision,
        outcome=report.outcome,
        running_revision=report.running_revision,
        settings=orjson.dumps(report.settings).decode(),
        origins=orjson.dumps(report.origins).decode(),
        errors=orjson.dumps(report.errors).decode(),
        reported_at=report.reported_at,
        heard_at=heard_at,
    )


def _require_room(conn: Connection, body: bytes) -> None:
    """Demand that what the database makes of numbers can be sent and read: it writes 1e300 as 301 digits."""
    ((spelled,),) = store.tuples(conn, "spelled", settings=body.decode())
    if len(spelled.encode()) > MOST_SPELLED_BYTES:
        raise ConfigError(
            f"settings take {len(spelled.encode())} bytes when their numbers are written out: "
            f"expected at most {MOST_SPELLED_BYTES}"
        )
    if not is_storable(json.loads(spelled)):
        raise ConfigError("settings hold a number beyond 64 bits, which no gateway reads")


def _found(conn: Connection, actor: Actor, gateway: str, *roles: Role) -> _Named:
    actor.require(*roles)
    act_as(conn, actor.narrowed(*roles))
    named = store.row(conn, _Named, "gateway", gateway=gateway)
    if named is None:
        raise UnknownGatewayError(f"there is no gateway {gateway!r:.80}")
    return named


def _history(
    conn: Connection, gateway: str, *, before: int = NEWEST, revision: int | None = None, limit: int
) -> list[DesiredRow]:
    return store.rows(
        conn, DesiredRow, "desired", gateways=[gateway], before=before, revision=revision, limit=limit
    )


def _state(conn: Connection, named: _Named) -> ConfigState:
    wishes = _history(conn, named.gateway, limit=1)
    desired = _hidden(wishes[0]) if wishes else None
    reported = store.row(conn, ReportRow, "last_report", gateway=named.gateway)
    found: tuple[Difference, ...] = ()
    if desired is not None and reported is not None:
        wanted = _comparable(desired.settings)
        found = differences({name: reported.settings.get(name) for name in wanted}, wanted)
    return ConfigState(named.gateway, named.site, desired, reported, found)


def _hidden(row: DesiredRow) -> DesiredRow:
    return replace(row, settings=shown(row.settings))


def _comparable(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Leave out what a gateway never reports."""
    workflow = settings.get("workflow")
    if not isinstance(workflow, dict):
        return dict(settings)
    return {**settings, "workflow": {name: value for name, value in workflow.items() if name != "badges"}}
