"""Who acts: every service command takes an Actor and checks it (PROTOCOL P9)."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from contracts.base import SiteId


class Role(StrEnum):
    """The roles of DESIGN §8."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    INVENTORY_CONTROLLER = "inventory_controller"
    PLANNER = "planner"
    BUYER = "buyer"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"
    DEVICE = "device"


class NotAllowedError(Exception):
    """The actor's roles or sites do not permit the command; retrying will not help."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, device or job, with what it may touch."""

    id: str
    """Stable id as audit shows it: ``user:ada``, ``device:gw-1``, ``job:fold``."""
    roles: frozenset[Role]
    """Roles held at every site within reach."""
    sites: frozenset[SiteId] = field(default_factory=frozenset)
    """Sites within reach."""
    all_sites: bool = False
    """Whether every site is within reach, those not yet made included."""
    site_roles: frozenset[tuple[SiteId, Role]] = field(default_factory=frozenset)
    """Roles held at one site only, so that a supervisor of one site stays an operator at the next."""
    on_behalf_of: str | None = None
    """Of an API key: the person for whom it acts, ``user:ada``; None: nobody."""

    @property
    def person(self) -> str:
        """Who answers for what is done: whoever a key acts for, else the actor."""
        return self.on_behalf_of or self.id

    @property
    def is_machine(self) -> bool:
        """Whether it is a key that acts for no person."""
        return self.id.startswith("key:") and self.on_behalf_of is None

    @property
    def roles_anywhere(self) -> frozenset[Role]:
        """Every role the actor holds at some site."""
        return self.roles | {role for _, role in self.site_roles}

    @property
    def reach(self) -> list[str] | None:
        """Sites within reach as the database takes them: sorted, or None for all."""
        return None if self.all_sites else sorted(self.sites)

    def may_see(self, site: str) -> bool:
        """Tell whether a site is within the actor's reach.

        Args:
            site: Site id.

        Returns:
            True if the actor has all sites or this one.
        """
        return self.all_sites or site in self.sites

    def require(self, *roles: Role, site: str | None = None) -> None:
        """Refuse unless the actor holds one of the roles, and the site is within reach.

        Args:
            *roles: Any one of them suffices; admin does not stand in for others.
            site: The site the command touches; None for a question whose answer is limited to the
                actor's sites, for which a role held at any of them suffices.

        Raises:
            NotAllowedError: Naming the actor, what was needed and where.
        """
        if site is not None and not self.may_see(site):
            msg = f"{self.id} has no right at site {site!r}"
            raise NotAllowedError(msg)
        held = self.roles_anywhere if site is None else self._roles_at(site)
        if held.isdisjoint(roles):
            where = "" if site is None else f" at site {site!r}"
            msg = (
                f"{self.id} holds roles: {', '.join(sorted(held)) or 'none'}; "
                f"this needs {' or '.join(sorted(roles))}{where}"
            )
            raise NotAllowedError(msg)

    def require_everywhere(self, *roles: Role) -> None:
        """Refuse unless the actor holds one of the roles at all sites: what it does concerns them all.

        Args:
            *roles: Any one of them suffices.

        Raises:
            NotAllowedError: Naming the actor and what was needed.
        """
        self.require(*roles)
        if not self.all_sites or self.roles.isdisjoint(roles):
            msg = f"{self.id} needs {' or '.join(sorted(roles))} at all sites, not only at some"
            raise NotAllowedError(msg)

    def narrowed(self, *roles: Role) -> "Actor":
        """Keep only the sites at which the actor holds one of the roles.

        Args:
            *roles: What the question or command needs.

        Returns:
            The same actor with less reach.

        Raises:
            NotAllowedError: If the actor holds none of them anywhere.
        """
        self.require(*roles)
        if not self.roles.isdisjoint(roles):
            return self
        held = frozenset((site, role) for site, role in self.site_roles if role in roles)
        return replace(self, sites=frozenset(site for site, _ in held), all_sites=False, site_roles=held)

    def as_approver_at(self, site: SiteId) -> "Actor":
        """Let whom the approval machine let past carry out what they approved: as approver, at its site only.

        Args:
            site: Of the decision.

        Returns:
            The same actor, with that reach and no other.
        """
        own = frozenset({(site, Role.APPROVER)})
        return Actor(self.id, frozenset(), frozenset({site}), site_roles=own)

    def _roles_at(self, site: str) -> frozenset[Role]:
        return self.roles | {role for at, role in self.site_roles if at == site}


INGEST: Final = Actor("job:ingest", frozenset({Role.DEVICE}), all_sites=True)
"""The ingest process, which posts what gateways state."""
