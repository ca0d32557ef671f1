"""Invites as rows, and why a code is refused; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cloud.gateways.domain import ConfigError

SHORTEST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(days=7)
LIFE: Final = timedelta(hours=1)
"""Of a code, if nobody says otherwise."""
ANSWERED_FOR: Final = timedelta(days=1)
"""So long the machine that used a code is told again what it was told, if it did not hear it."""


class EnrolmentError(ConfigError):
    """A wrong wish about an invite; the message names value, expectation and place."""


class CodeRefusedError(EnrolmentError):
    """A code that is unknown, used, ended or called back."""


class UnknownInviteError(EnrolmentError):
    """The gateway has no such invite."""


class TooManyCodesError(EnrolmentError):
    """Too many wrong codes for a gateway."""

    def __init__(self, retry_at: datetime) -> None:
        """Say when the next is heard.

        Args:
            retry_at: Aware.
        """
        super().__init__(
            f"wrong code after too many for this gateway; the next is looked at from {retry_at:%H:%M:%S} UTC"
        )
        self.retry_at = retry_at


@dataclass(frozen=True, slots=True)
class Invite:
    """A code that was given out; the code itself is kept nowhere."""

    invite_id: int
    gateway: str
    site: str
    made_at: datetime
    made_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    used_at: datetime | None

    def state(self, now: datetime) -> str:
        """Say what became of it: ``open``, ``used``, ``revoked`` or ``expired``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.used_at is not None:
            return "used"
        return "open" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a code that was shown opens."""

    invite_id: int
    gateway: str
    site: str
    gateway_state: str
    made_at: datetime
    made_by: str
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None
    request: str | None
    secret_sha256: bytes | None
    """Of the secret that came with the request."""
    followed_at: datetime | None
    """When a newer code was made."""
    called_back_at: datetime | None
    """When a certificate of the gateway was last called back."""

    def refusal(self, request: str, secret_sha256: bytes, now: datetime) -> str | None:
        """Say why it opens nothing.

        Args:
            request: The certificate request that came with it.
            secret_sha256: Of the secret that came with it.
            now: The present.

        Returns:
            A sentence without its full stop; None if it is good, or was used by this very request and secret.
        """
        is_same = (self.request, self.secret_sha256) == (request, secret_sha256)
        is_again = is_same and self.used_at is not None and now < self.used_at + ANSWERED_FOR
        undo = f"was it not yours, `dockledger gateway revoke-invite {self.gateway}`"
        reasons = (
            (self.revoked_at is not None, f"it was revoked on {_said(self.revoked_at)}"),
            (self.gateway_state == "retired", "its gateway is retired"),
            (
                self.called_back_at is not None and self.called_back_at >= self.made_at,
                f"one of its gateway's certificates was called back later, on {_said(self.called_back_at)}",
            ),
            (
                self.used_at is not None and not is_again,
                f"another machine used it on {_said(self.used_at)}, or this one with another secret; {undo}",
            ),
            (self.followed_at is not None, f"a newer one was made on {_said(self.followed_at)}"),
            (not is_again and now >= self.expires_at, f"it ended on {_said(self.expires_at)}"),
        )
        why = next((why for is_so, why in reasons if is_so), None)
        return why and f"this code opens nothing: {why}; `dockledger gateway invite` makes another"


def _said(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
