"""Questions about models: versions with their lineage, and what was decided on them."""

from cloud.db import Connection
from cloud.forecasting.admission import admit
from cloud.forecasting.registry import store
from cloud.forecasting.registry.domain import Event, Version
from cloud.forecasting.registry.service import version as version_of
from cloud.forecasting.registry.settings import ModelSetting, setting_of
from cloud.identity.actor import Actor


def versions(
    conn: Connection, actor: Actor, *, site: str | None = None, before: int | None = None, limit: int
) -> list[Version]:
    """List versions, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        before: Only numbers below this one.
        limit: Most to give.

    Returns:
        The versions.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return store.versions(conn, site=site, before=before, limit=limit)


def version(conn: Connection, actor: Actor, version_id: int) -> Version:
    """Give a version.

    Args:
        conn: In a transaction.
        actor: Who asks.
        version_id: Which.

    Returns:
        The version.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownModelError: If the actor's sites hold no such version.
    """
    admit(conn, actor, None)
    return version_of(conn, version_id)


def setting(conn: Connection, actor: Actor, site: str) -> ModelSetting:
    """Give who challenges at a site, and which series are tried.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.

    Returns:
        What was set, or the defaults.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return setting_of(conn, site)


def events(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    kind: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[Event]:
    """List what was decided, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        kind: Only of this kind, as ``ablated``.
        before: Only numbers below this one.
        limit: Most to give.

    Returns:
        Trainings, skipped ones, challenges, promotions.

    Raises:
        NotAllowedError: If the actor may not.
    """
    admit(conn, actor, site)
    return store.rows(conn, Event, "events", site=site, kind=kind, before=before, limit=limit)
