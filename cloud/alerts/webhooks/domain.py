"""Webhooks as values: who wants to be told what, how a message is signed, when it is tried again; pure.

Messages follow the Standard Webhooks specification (standardwebhooks.com), version 1.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from pydantic import JsonValue

from cloud.identity.actor import Role

ADMINS: Final = (Role.ADMIN,)
"""Who decides to whom events go: of one site, or of the network."""

EVENTS: Final = (
    "ticket.opened",
    "ticket.worsened",
    "ticket.acknowledged",
    "ticket.assigned",
    "ticket.escalated",
    "ticket.resolved",
    "ticket.closed",
    "decision.drafted",
    "decision.submitted",
    "decision.revised",
    "decision.approved",
    "decision.rejected",
    "decision.applied",
    "decision.reversed",
)
TEST_EVENT: Final = "webhook.test"
_KNOWN: Final = frozenset(EVENTS) | {"*"} | {event.partition(".")[0] + ".*" for event in EVENTS}

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""Before the second, third … attempt, as the specification suggests; after the last one it is dead."""
LONGEST_WAIT: Final = timedelta(hours=24)
"""However much later a receiver asks to be tried again."""
OLD_SECRET_LIFE: Final = timedelta(hours=24)
"""So long a replaced secret signs beside the new one."""

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  what every secret begins with
MAX_URL: Final = 2_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class WebhookError(Exception):
    """A wrong wish about a subscription; the message names value and expectation."""


class WebhookWishError(WebhookError, ValueError):
    """A name, address, event or secret is not as it must be."""


class UnknownWebhookError(WebhookError):
    """The actor's sites hold no such subscription or delivery."""


class TakenNameError(WebhookError):
    """Another subscription has the name."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Somebody who wants to be told; without the secret."""

    subscription_id: int
    name: str
    site: str | None
    """None: events of every site and of the network."""
    url: str
    events: Sequence[str]
    is_active: bool
    stopped_because: str | None
    created_by: str
    created_at: datetime
    pending: int
    """Deliveries that wait."""
    dead: int
    """Deliveries that were given up."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one subscription."""

    event_id: int
    subscription_id: int
    type: str
    site: str | None
    occurred_at: datetime
    data: dict[str, JsonValue]
    state: str
    attempts: int
    due_at: datetime
    last_at: datetime | None
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is to be tried now."""

    event_id: int
    subscription_id: int
    name: str
    url: str
    secret: str
    old_secret: str | None
    """Signs too, until it has run out."""
    type: str
    occurred_at: datetime
    data: dict[str, JsonValue]
    attempts: int
    """This one included."""

    @property
    def webhook_id(self) -> str:
        """Names the message whatever the number of attempts, so that the receiver knows it again."""
        return f"msg_{self.event_id}_{self.subscription_id}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    status: int | None
    """HTTP status; None: no answer."""
    error: str | None
    """None: it was taken."""
    retry_after: timedelta | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that it wants no more of them."""
        return self.status == 410  # noqa: PLR2004  HTTP Gone, as the specification uses it


def signature(secrets: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Sign a message with each of the secrets.

    Args:
        secrets: As ``whsec_…``.
        webhook_id: The ``webhook-id`` header.
        timestamp: The ``webhook-timestamp`` header, in seconds since 1970.
        body: The bytes that are sent.

    Returns:
        The ``webhook-signature`` header: ``v1,`` and base64 of an HMAC-SHA256 for each, apart by spaces.

    Examples:
        The example of the specification's libraries:
        >>> signature(
        ...     ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        ...     "msg_p5jXN8AQM9LWM0D4loKWxJek",
        ...     1614265330,
        ...     b'{"test": 2432232314}',
        ... )
        'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    content = f"{webhook_id}.{timestamp}.".encode() + body
    digests = [hmac.new(_key(secret), content, hashlib.sha256).digest() for secret in secrets]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def wait_before(attempts: int, retry_after: timedelta | None = None) -> timedelta | None:
    """Say how long to wait after an attempt that failed.

    Args:
        attempts: How many there were; > 0.
        retry_after: What the receiver asked for.

    Returns:
        The wait, or None if there were enough.

    Examples:
        >>> str(wait_before(1)), str(wait_before(1, timedelta(hours=1))), wait_before(8)
        ('0:00:05', '1:00:00', None)
    """
    if attempts > len(WAITS):
        return None
    return min(max(WAITS[attempts - 1], retry_after or timedelta()), LONGEST_WAIT)


def checked_subscription(name: str, url: str, events: Sequence[str]) -> None:
    """Check what somebody subscribes to.

    Args:
        name: Short name.
        url: Where to send.
        events: Which events.

    Raises:
        WebhookWishError: Naming what is wrong.
    """
    if _NAME.fullmatch(name) is None:
        raise WebhookWishError(f"name {name!r:.80}: expected 1-64 of a-z 0-9 . _ -, first a letter or digit")
    _check_url(url)
    unknown = [event for event in events if event not in _KNOWN]
    if unknown or not events:
        raise WebhookWishError(f"events {unknown!r:.200}: expected some of {', '.join(sorted(_KNOWN))}")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WebhookWishError(f"url {url!r:.100}: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WebhookWishError(f"url {url!r:.100}: expected https://host/path")
    if (
        parts.username is not None
        or parts.fragment
        or port == 0
        or len(url) > MAX_URL
        or not url.isprintable()
    ):
        raise WebhookWishError(
            f"url {url!r:.100}: expected no user, no fragment, a port above 0, at most {MAX_URL} characters"
        )
    if not url.isascii() or " " in url:
        raise WebhookWishError(f"url {url!r:.100}: expected ASCII without spaces")


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise WebhookWishError(f"a secret is not base64 after {SECRET_PREFIX!r}") from error
