"""Subscribing to events, looking at what was delivered, asking for a test."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cloud.alerts import service as alerts
from cloud.alerts.webhooks import store
from cloud.alerts.webhooks.domain import (
    ADMINS,
    OLD_SECRET_LIFE,
    TEST_EVENT,
    Delivery,
    Subscription,
    TakenNameError,
    UnknownWebhookError,
    checked_subscription,
)
from cloud.alerts.webhooks.secrets import new_secret
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


class Subscribed(NamedTuple):
    """A subscription with its secret, which is told this once."""

    subscription: Subscription
    secret: str


def dead_key(subscription_id: int) -> str:
    """Name the ticket about deliveries that were given up.

    Args:
        subscription_id: The subscription.

    Returns:
        The ticket's key.
    """
    return f"webhook_dead:{subscription_id}"


def subscribe(
    conn: Connection, actor: Actor, *, name: str, url: str, events: Sequence[str], site: str | None = None
) -> Subscribed:
    """Let events be sent to an address.

    Args:
        conn: In a transaction.
        actor: An administrator of the site, or of all sites if none is named.
        name: Short name.
        url: Where to send; https, or http inside the house.
        events: Some of `EVENTS`, ``ticket.*``, ``decision.*`` or ``*``.
        site: Only events of this site; None: of every site and of the network.

    Returns:
        The subscription with its secret.

    Raises:
        WebhookWishError: If a name, address or event is not as it must be.
        TakenNameError: If the name is taken.
        NotAllowedError: If the actor may not.
    """
    _require(actor, site)
    checked_subscription(name, url, events)
    act_as(conn, actor)
    secret = new_secret()
    kept = sorted(set(events))
    number = store.add(conn, name=name, site=site, url=url, events=kept, secret=secret, actor=actor.id)
    if number is None:
        raise TakenNameError(f"webhook {name!r} is there already; remove it first, or choose another name")
    store.record(conn, actor.id, "webhook_subscribed", name, site=site, url=url, events=list(kept))
    return Subscribed(_found(conn, actor, number), secret)


def subscriptions(conn: Connection, actor: Actor, *, after: int = 0, limit: int = 100) -> list[Subscription]:
    """List the subscriptions that an administrator looks after.

    Args:
        conn: In a transaction.
        actor: An administrator.
        after: Only numbers above this one: the last one of the page before.
        limit: Most to give.

    Returns:
        The subscriptions by number, without their secrets.

    Raises:
        NotAllowedError: If the actor may not.
    """
    within = actor.narrowed(*ADMINS)
    act_as(conn, within)
    return store.subscriptions(conn, sites=within.reach, after=after, limit=limit)


def subscription(conn: Connection, actor: Actor, subscription_id: int) -> Subscription:
    """Give one subscription.

    Args:
        conn: In a transaction.
        actor: An administrator.
        subscription_id: Its number.

    Returns:
        The subscription, without its secret.

    Raises:
        UnknownWebhookError: If the actor's sites hold no such subscription.
        NotAllowedError: If the actor may not.
    """
    return _found(conn, actor, subscription_id)


def deliveries(
    conn: Connection,
    actor: Actor,
    subscription_id: int,
    *,
    state: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Delivery]:
    """List what was sent to a subscription, or waits, or was given up.

    Args:
        conn: In a transaction.
        actor: An administrator.
        subscription_id: The subscription.
        state: Only ``pending``, ``delivered`` or ``dead`` ones.
        before: Only events below this number: the last one of the page before.
        limit: Most to give.

    Returns:
        The deliveries, the latest event first.

    Raises:
        UnknownWebhookError: If the actor's sites hold no such subscription.
        NotAllowedError: If the actor may not.
    """
    _found(conn, actor, subscription_id)
    return store.deliveries(conn, subscription_id, state=state, before=before, limit=limit)


def ping(conn: Connection, actor: Actor, subscription_id: int) -> int:
    """Send a test event to a subscription, whatever it asks for.

    Args:
        conn: In a transaction.
        actor: An administrator.
        subscription_id: The subscription.

    Returns:
        The event's number; what becomes of it stands among the deliveries.

    Raises:
        UnknownWebhookError: If the actor's sites hold no such subscription.
        NotAllowedError: If the actor may not.
    """
    found = _found(conn, actor, subscription_id)
    return store.test(conn, subscription_id, TEST_EVENT, {"name": found.name, "asked_by": actor.id})


def redeliver(conn: Connection, actor: Actor, subscription_id: int, event_id: int) -> None:
    """Send an event again, from the first attempt on.

    Args:
        conn: In a transaction.
        actor: An administrator.
        subscription_id: The subscription.
        event_id: The event.

    Raises:
        UnknownWebhookError: If there is no such subscription or delivery.
        NotAllowedError: If the actor may not.
    """
    found = _found(conn, actor, subscription_id)
    if not store.change(conn, "again", subscription_id=subscription_id, event_id=event_id):
        raise UnknownWebhookError(f"webhook {found.name!r} was not sent event {event_id}")
    store.record(conn, actor.id, "webhook_redelivered", found.name, site=found.site, event_id=event_id)
    if not store.has_dead(conn, subscription_id):
        alerts.resolve(conn, [dead_key(subscription_id)])


def set_active(conn: Connection, actor: Actor, subscription_id: int, *, is_active: bool) -> Subscription:
    """Stop sending to a subscription, or go on; what waits stays.

    Args:
        conn: In a transaction.
        actor: An administrator.
        subscription_id: The subscription.
        is_active: Whether to send.

    Returns:
        The subscription.

    Raises:
        UnknownWebhookError: If the actor's sites hold no such subscription.
        NotAllowedError: If the actor may not.
    """
    found = _held(conn, actor, subscription_id)
    because = None if is_active else f"by {actor.id}"
    store.change(conn, "set_active", subscription_id=subscription_id, is_active=is_active, because=because)
    action = "webhook_started" if is_active else "webhook_stopped"
    store.record(conn, actor.id, action, found.name, site=found.site)
    return _found(conn, actor, subscription_id)


def rotate(conn: Connection, actor: Actor, subscription_id: int, *, now: datetime) -> Subscribed:
    """Give a subscription a new secret; the old one signs beside it for a day.

    Args:
        conn: In a transaction.
        actor: An administrator.
        subscription_id: The subscription.
        now: The present.

    Returns:
        The subscription with the new secret.

    Raises:
        UnknownWebhookError: If the actor's sites hold no such subscription.
        NotAllowedError: If the actor may not.
    """
    found = _held(conn, actor, subscription_id)
    secret = new_secret()
    store.change(conn, "rotate", subscription_id=subscription_id, secret=secret, until=now + OLD_SECRET_LIFE)
    store.record(conn, actor.id, "webhook_secret_rotated", found.name, site=found.site)
    return Subscribed(found, secret)


def remove(conn: Connection, actor: Actor, subscription_id: int) -> None:
    """End a subscription; what waits for it is given up.

    Args:
        conn: In a transaction.
        actor: An administrator.
        subscription_id: The subscription.

    Raises:
        UnknownWebhookError: If the actor's sites hold no such subscription.
        NotAllowedError: If the actor may not.
    """
    found = _held(conn, actor, subscription_id)
    store.change(conn, "give_up", subscription_id=subscription_id, because="the subscription was removed")
    store.change(conn, "remove", subscription_id=subscription_id)
    alerts.resolve(conn, [dead_key(subscription_id)])
    store.record(conn, actor.id, "webhook_removed", found.name, site=found.site)


def _require(actor: Actor, site: str | None) -> None:
    if site is None:
        actor.require_everywhere(*ADMINS)
    else:
        actor.require(*ADMINS, site=site)


def _found(conn: Connection, actor: Actor, subscription_id: int) -> Subscription:
    within = actor.narrowed(*ADMINS)
    act_as(conn, within)
    found = store.subscriptions(conn, sites=within.reach, subscription_id=subscription_id)
    if not found:
        raise UnknownWebhookError(f"there is no webhook {subscription_id} at your sites")
    return found[0]


def _held(conn: Connection, actor: Actor, subscription_id: int) -> Subscription:
    found = _found(conn, actor, subscription_id)
    store.change(conn, "hold", subscription_id=subscription_id)
    return found
