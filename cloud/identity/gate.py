"""From what a request carries to an Actor, and from an Actor to a transaction that sees its sites only."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from typing_extensions import override

from cloud.db import Connection, ConnectionPool, one_snapshot
from cloud.identity import sessions
from cloud.identity.actor import Actor
from cloud.identity.credentials import csrf_token, is_csrf_token
from cloud.identity.store import act_as

SESSION_COOKIE: Final = "dockledger_session"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class NotLoggedInError(Exception):
    """The request carries no credential, or one that has ended."""


class ForgedRequestError(Exception):
    """A request that changes something came by cookie without the session's CSRF token."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is asking, and how the request showed it."""

    actor: Actor
    session_token: str | None
    """The cookie's value; None for an API key, which no browser sends by itself."""

    @property
    def csrf_token(self) -> str:
        """What the forms of this visitor's pages carry."""
        return csrf_token(self.session_token) if self.session_token else ""

    def check_csrf(self, candidate: str | None) -> None:
        """Refuse a change that another site may have made the browser ask for.

        Args:
            candidate: What the form or the ``X-CSRF-Token`` header carried.

        Raises:
            ForgedRequestError: If the visitor came by cookie and the token is not the session's.
        """
        if self.session_token and not is_csrf_token(candidate or "", self.session_token):
            raise ForgedRequestError("the request lacks this session's CSRF token; reload the page")


class Gate:
    """The one way in: identifies requests and opens their transactions."""

    def __init__(self, pool: ConnectionPool, clock: Callable[[], datetime]) -> None:
        """Stand before a database.

        Args:
            pool: Connections of `dockledger_app`.
            clock: The present, aware.
        """
        self.pool = pool
        self.clock = clock

    def identify(self, *, authorization: str | None, cookies: Mapping[str, str]) -> Visitor:
        """Find who sends a request.

        Args:
            authorization: The ``Authorization`` header; a key in it goes before a cookie.
            cookies: The request's cookies.

        Returns:
            The visitor, with the roles held at this moment.

        Raises:
            NotLoggedInError: If there is no credential, or it is unknown, revoked or has ended.
        """
        now = self.clock()
        if authorization is not None:
            scheme, _, key = authorization.partition(" ")
            if scheme.casefold() != "bearer":
                raise NotLoggedInError(f"Authorization {scheme[:20]!r}, expected Bearer and an API key")
            with self.pool.connection() as conn:
                actor = sessions.actor_of_key(conn, key=key.strip(), now=now)
            if actor is None:
                raise NotLoggedInError("the API key is unknown, revoked or expired")
            return Visitor(actor, None)
        token = cookies.get(SESSION_COOKIE)
        if not token:
            raise NotLoggedInError("sign in, or send an API key as Authorization: Bearer KEY")
        with self.pool.connection() as conn:
            actor = sessions.resume(conn, token=token, now=now)
        if actor is None:
            raise NotLoggedInError("the session has ended; sign in again")
        return Visitor(actor, token)

    @contextmanager
    def acting(self, actor: Actor) -> Iterator[Connection]:
        """Open a transaction in which row-level security shows the actor's sites and no others.

        Args:
            actor: Who acts.

        Yields:
            A connection; the transaction is committed when the block ends well.
        """
        with self.pool.connection() as conn:
            act_as(conn, actor)
            yield conn

    @contextmanager
    def one_look(self, actor: Actor) -> Iterator["Gate"]:
        """Open a gate that shows one instant however often it is asked, and through which nothing changes.

        Args:
            actor: Who looks.

        Yields:
            A gate whose transactions are all one, and whose clock stands still.
        """
        with one_snapshot(self.pool) as conn:
            act_as(conn, actor)
            yield _Still(self.pool, self.clock(), conn)


class _Still(Gate):
    """A gate within a transaction."""

    def __init__(self, pool: ConnectionPool, now: datetime, conn: Connection) -> None:
        super().__init__(pool, lambda: now)
        self._conn = conn

    @contextmanager
    @override
    def acting(self, actor: Actor) -> Iterator[Connection]:
        act_as(self._conn, actor)
        yield self._conn
