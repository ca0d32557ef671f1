"""Templates that a site edits: each change is a version, the last one counts, an earlier one can return."""

from collections.abc import Mapping
from datetime import datetime

import orjson

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.labels import store
from cloud.labels.domain import (
    KEEPERS,
    LAST_VERSION,
    MOST_REASON,
    MOST_TEMPLATE_BYTES,
    MOST_TEMPLATES,
    READERS,
    LabelWishError,
    StaleTemplateError,
    TemplateRow,
    UnknownTemplateError,
    shipped,
)
from cloud.labels.references import in_force, send_to_site
from contracts.labels import LabelKind, LabelTemplate
from contracts.zpl import require_valid


def templates(conn: Connection, actor: Actor, *, site: str) -> list[TemplateRow]:
    """List a site's templates as they are in force.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.

    Returns:
        By name; of kinds that the site never changed, what ships.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    return in_force(conn, site)


def template(
    conn: Connection, actor: Actor, *, site: str, name: str, version: int | None = None
) -> TemplateRow:
    """Give a template.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: Of the template.
        version: Which; None: the one in force.

    Returns:
        The template.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownTemplateError: If there is none.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    return _found(conn, site, name, version)


def versions(
    conn: Connection, actor: Actor, *, site: str, name: str, before: int = LAST_VERSION, limit: int
) -> list[TemplateRow]:
    """List what a template was, the newest first; last what ships.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: Of the template.
        before: The last version of the page before.
        limit: Most to give.

    Returns:
        Its versions.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownTemplateError: If there is no such template.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    _found(conn, site, name, None)
    found = store.rows(conn, TemplateRow, "versions", site=site, name=name, before=before, limit=limit)
    ships = [shipped(site, LabelKind(name))] if name in set(LabelKind) and before > 0 else []
    return [*found, *ships][:limit]


def set_template(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    given: LabelTemplate,
    reason: str,
    seen_version: int | None = None,
    now: datetime,
) -> TemplateRow:
    """Change a template, or add one; the site's gateways are sent it.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or admin of the site.
        site: Site id.
        given: The template; its version does not count.
        reason: Why.
        seen_version: The version that was changed; None: whatever is in force.
        now: The present.

    Returns:
        The new version; the one in force if nothing differs.

    Raises:
        NotAllowedError: If the actor may not.
        LabelWishError: If there is no such site, no reason, the name is that of another kind, or the site's
            templates get too many or too long for a message.
        StaleTemplateError: If somebody else has changed it since.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    if not 0 < len(reason.strip()) <= MOST_REASON:
        raise LabelWishError(f"reason {reason!r:.80}: expected 1 to {MOST_REASON} characters")
    if given.name in set(LabelKind) and given.name != given.kind:
        raise LabelWishError(f"template {given.name!r} of kind {given.kind}: expected kind {given.name}")
    require_valid(given)
    if not store.tuples(conn, "site_exists", site=site):
        raise LabelWishError(f"there is no site {site!r}")
    store.tuples(conn, "lock_templates", site=site)
    before = _last(conn, site, given.name)
    if before is not None and before.kind != given.kind:
        raise LabelWishError(f"template {given.name!r} is of kind {before.kind}, got {given.kind}")
    last = 0 if before is None else before.version
    if seen_version is not None and seen_version != last:
        raise StaleTemplateError(
            f"template {given.name!r}: version {last} is in force, you changed version {seen_version}; "
            "look at it and change it again"
        )
    if before is not None and (before.zpl, before.dots_per_mm) == (given.zpl, given.dots_per_mm):
        return before
    _require_room(conn, site, given)
    fields: Mapping[str, object] = {
        "site": site,
        "name": given.name,
        "version": last + 1,
        "kind": given.kind,
        "dots_per_mm": given.dots_per_mm,
        "zpl": given.zpl,
        "reason": reason.strip(),
        "actor": actor.id,
    }
    store.change(conn, "add_template", **fields)
    store.tuples(
        conn,
        "audit",
        actor=actor.id,
        action="label_template_set",
        target=f"label_template:{site}/{given.name}",
        site=site,
        detail=orjson.dumps({"version": last + 1, "reason": reason.strip()}).decode(),
    )
    send_to_site(conn, site, sent_by=actor.id, now=now)
    return _found(conn, site, given.name, None)


def set_again(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    name: str,
    version: int,
    seen_version: int | None = None,
    now: datetime,
) -> TemplateRow:
    """Take a change back: an earlier version becomes the newest.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or admin of the site.
        site: Site id.
        name: Of the template.
        version: Which to have again; 0: as it ships.
        seen_version: The version in force that was seen; None: whatever is.
        now: The present.

    Returns:
        The new version.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownTemplateError: If it never had that version.
        LabelWishError: If somebody else has changed it since.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    given = _found(conn, site, name, version).template
    return set_template(
        conn,
        actor,
        site=site,
        given=given,
        reason=f"version {version} again",
        seen_version=seen_version,
        now=now,
    )


def _require_room(conn: Connection, site: str, given: LabelTemplate) -> None:
    held = {row.name: _length(row.template) for row in in_force(conn, site)}
    if given.name not in held and len(held) >= MOST_TEMPLATES:
        raise LabelWishError(
            f"template {given.name!r}: site {site!r} has {len(held)} templates, expected at most "
            f"{MOST_TEMPLATES}; change one that is no longer needed"
        )
    total, grown = sum(held.values()), _length(given) - held.get(given.name, 0)
    if grown > 0 and total + grown > MOST_TEMPLATE_BYTES:
        raise LabelWishError(
            f"template {given.name!r}: the templates of site {site!r} would have {total + grown} bytes "
            f"together, expected at most {MOST_TEMPLATE_BYTES}, for gateways get them in one message"
        )


def _length(template: LabelTemplate) -> int:
    return len(template.model_dump_json().encode())


def _last(conn: Connection, site: str, name: str) -> TemplateRow | None:
    found = store.rows(conn, TemplateRow, "templates", site=site, name=name)
    if found:
        return found[0]
    return shipped(site, LabelKind(name)) if name in set(LabelKind) else None


def _found(conn: Connection, site: str, name: str, version: int | None) -> TemplateRow:
    last = _last(conn, site, name)
    if last is not None and version in {None, last.version}:
        return last
    if version == 0 and name in set(LabelKind):
        return shipped(site, LabelKind(name))
    if version is not None:
        found = store.rows(conn, TemplateRow, "versions", site=site, name=name, before=version + 1, limit=1)
        if found and found[0].version == version:
            return found[0]
    raise UnknownTemplateError(
        f"site {site!r} has no label template {name!r:.40}"
        + ("" if version is None else f" of version {version}")
    )
