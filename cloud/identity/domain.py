"""Grants in, an Actor out; how long a name is locked after wrong passwords. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from typing_extensions import override

from cloud.identity.actor import Actor, Role
from contracts.base import SiteId, is_valid_id

SESSION_IDLE: Final = timedelta(hours=2)
"""A session ends when it was not used for so long."""
SESSION_MAX: Final = timedelta(hours=12)
"""A session ends so long after login, however much it is used: one shift."""
KEY_MAX: Final = timedelta(days=366)
"""An API key lives at most so long."""
LOGIN_LINK_LIFE: Final = timedelta(minutes=15)
"""A one-time login link works for so long."""

FREE_ATTEMPTS: Final = 5
"""Wrong passwords in a row before a name is locked for the first time."""
FIRST_LOCK: Final = timedelta(seconds=30)
LONGEST_LOCK: Final = timedelta(minutes=15)

PASSWORD_MIN: Final = 10
PASSWORD_MAX: Final = 256

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class LoginRefusedError(Exception):
    """Name or password is wrong; which of the two is not said."""


class LockedOutError(LoginRefusedError):
    """Too many wrong passwords for one name; ``retry_at`` says when the next attempt is heard."""

    def __init__(self, retry_at: datetime) -> None:
        """Keep the instant beside the message.

        Args:
            retry_at: When the next attempt will be heard; aware.
        """
        super().__init__(f"too many attempts; the next one is heard at {retry_at:%H:%M:%S} UTC")
        self.retry_at = retry_at


class IdentityError(ValueError):
    """A user, role, site or key is not as it must be; the message names value and expectation."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at one site, or at all of them."""

    role: Role
    site: SiteId | None = None
    """None means all sites."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a grant as people write it.

        Args:
            text: ``role`` for all sites or ``role@site``.

        Returns:
            The grant.

        Raises:
            IdentityError: If the role is not one of the nine or the site is not a site id.

        Examples:
            >>> str(Grant.parse("supervisor@london")), str(Grant.parse("auditor"))
            ('supervisor@london', 'auditor')
        """
        role, at, site = text.partition("@")
        if role not in {known.value for known in Role}:
            raise IdentityError(f"role {role!r} in {text!r}: expected one of {', '.join(Role)}")
        if at and not is_valid_id(site):
            raise IdentityError(f"site {site!r} in {text!r}: expected 1-64 of A-Z a-z 0-9 _ -")
        return cls(Role(role), SiteId(site) if at else None)

    @override
    def __str__(self) -> str:
        """Write the grant as `parse` reads it."""
        return self.role.value if self.site is None else f"{self.role.value}@{self.site}"


def actor_of(actor_id: str, grants: Iterable[Grant], *, on_behalf_of: str | None = None) -> Actor:
    """Put a person's or key's grants together.

    Args:
        actor_id: Stable id as audit shows it: ``user:ada``, ``key:erp``.
        grants: Roles with their sites.
        on_behalf_of: The person for whom a key acts.

    Returns:
        The actor; a role granted at one site is not held at another.

    Examples:
        >>> ada = actor_of("user:ada", [Grant.parse("supervisor@x"), Grant.parse("operator@y")])
        >>> ada.require(Role.OPERATOR, site="y")
        >>> ada.require(Role.SUPERVISOR, site="x")
        >>> ada.may_see("z")
        False
    """
    grants = tuple(grants)
    return Actor(
        id=actor_id,
        roles=frozenset(grant.role for grant in grants if grant.site is None),
        sites=frozenset(grant.site for grant in grants if grant.site is not None),
        all_sites=any(grant.site is None for grant in grants),
        site_roles=frozenset((grant.site, grant.role) for grant in grants if grant.site is not None),
        on_behalf_of=on_behalf_of,
    )


def lock_after(failures: int) -> timedelta:
    """Say for how long a name is locked after so many wrong passwords in a row.

    Args:
        failures: Wrong passwords in a row; >= 0.

    Returns:
        Zero below `FREE_ATTEMPTS`, then 30 s, doubling, at most 15 minutes.

    Examples:
        >>> [int(lock_after(n).total_seconds()) for n in (4, 5, 6, 7, 60)]
        [0, 30, 60, 120, 900]
    """
    if failures < FREE_ATTEMPTS:
        return timedelta()
    doublings = min(failures - FREE_ATTEMPTS, 10)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def checked_name(name: str) -> str:
    """Check the name of a user or key.

    Args:
        name: What was typed.

    Returns:
        The same.

    Raises:
        IdentityError: If it is not 1-64 of a-z 0-9 . _ - beginning with a letter or digit.
    """
    if _NAME.fullmatch(name) is None:
        raise IdentityError(f"name {name!r}: expected 1-64 of a-z 0-9 . _ -, first a letter or digit")
    return name


def checked_password(password: str, *, name: str) -> str:
    """Check a new password: long enough, and not the name.

    Args:
        password: What was typed.
        name: Whose it will be.

    Returns:
        The same.

    Raises:
        IdentityError: If it is shorter than 10 or longer than 256 characters, or holds the name.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise IdentityError(
            f"password: expected {PASSWORD_MIN}-{PASSWORD_MAX} characters, got {len(password)}"
        )
    if name in password.casefold():
        raise IdentityError(f"the password of {name!r} must not hold the name")
    return password
