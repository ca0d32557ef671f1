"""One-time codes for new gateways: made by an admin, shown once, used once, called back."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.gateways.certificates import store as certificates
from cloud.gateways.certificates.authority import CA_FILE, require_request
from cloud.gateways.certificates.service import revoke as call_back
from cloud.gateways.credentials.service import new_secret, put_secret
from cloud.gateways.domain import READERS, UnknownGatewayError, why_reserved
from cloud.gateways.enrolment import store
from cloud.gateways.enrolment.domain import (
    LIFE,
    LONGEST,
    SHORTEST,
    CodeRefusedError,
    EnrolmentError,
    Invite,
    Shown,
    TooManyCodesError,
    UnknownInviteError,
)
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import token_sha256
from cloud.identity.domain import lock_after
from cloud.identity.store import IdentityStore, act_as
from cloud.ledger.store import record_audit
from contracts.base import GatewayId, SiteId, is_valid_id
from contracts.enrolment import ALPHABET, CODE_CHARACTERS, Enrolled, EnrolmentRequest, read_code, write_code

DOOR: Final = Actor("job:enrolment", frozenset({Role.DEVICE}), all_sites=True)
"""In whose name a code is looked at: nobody has shown yet who they are."""
NEWEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class Invited:
    """An invite with its code, which is shown once and kept nowhere."""

    invite: Invite
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BrokerOffer:
    """The broker that gateways which enrol are told of."""

    url: str
    ca: Path
    """PEM file with who signed its certificate."""
    accounts: frozenset[str] = frozenset()
    """Of our own services there, which no gateway may be named like."""


def broker_offer(
    url: str | None, ca: Path | None, data_dir: Path, accounts: Collection[str] = ()
) -> BrokerOffer | None:
    """Say what gateways are told of the broker.

    Args:
        url: As they reach it; None: they use HTTPS only.
        ca: Who signed its certificate; None: the authority that signs gateways'.
        data_dir: Where that authority lies.
        accounts: Of our own services there.

    Returns:
        The offer.
    """
    return None if url is None else BrokerOffer(url, ca or data_dir / CA_FILE, frozenset(accounts))


def invite(
    conn: Connection,
    actor: Actor,
    *,
    gateway: str,
    site: str | None = None,
    life: timedelta = LIFE,
    accounts: Collection[str] = (),
    now: datetime,
) -> Invited:
    """Make a code for a gateway; the ones before that nobody used end.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of its site.
        gateway: Its id; one that is not registered yet is, if a site is given.
        site: Of the gateway.
        life: How long the code holds.
        accounts: Of our own services at the broker.
        now: The present.

    Returns:
        The invite with its code.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If the actor's sites have no such gateway and no site is given.
        EnrolmentError: If it is of another site, retired, named like an account of the broker, or the life is
            out of range.
    """
    actor.require(Role.ADMIN, site=site)
    if not SHORTEST <= life <= LONGEST:
        told = f"{life.total_seconds() / 60:g}"
        raise EnrolmentError(f"a code for {told} minutes: expected 5 to {LONGEST.total_seconds() / 60:g}")
    if why := why_reserved(gateway, accounts):
        raise EnrolmentError(why)
    of = _registered(conn, actor, gateway, site)
    store.tuples(conn, "lock", gateway=gateway)
    store.change(conn, "end_open", gateway=gateway, now=now, actor=actor.id)
    code = write_code(gateway, "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS)))
    expires_at = now + life
    fields = {"gateway": gateway, "actor": actor.id, "now": now, "expires_at": expires_at}
    ((made,),) = store.tuples(conn, "add", **fields, sha256=token_sha256(code))
    detail = {"invite": made, "expires_at": expires_at.isoformat()}
    _audit(conn, of, "gateway_invited", actor=actor.id, gateway=gateway, detail=detail)
    return Invited(_invites(conn, gateway, limit=1)[0], code)


def invites(
    conn: Connection, actor: Actor, *, gateway: str, before: int = NEWEST, limit: int
) -> list[Invite]:
    """List a gateway's invites, the newest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        gateway: The gateway.
        before: The last invite of the page before.
        limit: Most to give.

    Returns:
        Its invites, without their codes.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If the actor's sites have no such gateway.
    """
    _found(conn, actor, gateway, *READERS)
    return _invites(conn, gateway, before=before, limit=limit)


def revoke(
    conn: Connection, actor: Actor, *, gateway: str, invite_id: int | None = None, now: datetime
) -> Invite:
    """Call a code back, also one that was used: what came of it ends too.

    Nothing is signed for it any more; the secret that came with it holds no longer, if the gateway was given
    no other since; a certificate that came of it is called back. One that is called back already or ended
    unused stays as it is.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of its site.
        gateway: The gateway.
        invite_id: Which invite; None: the newest.
        now: The present.

    Returns:
        The invite.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownGatewayError: If the actor's sites have no such gateway.
        UnknownInviteError: If it has no such invite.
    """
    of = _found(conn, actor, gateway, Role.ADMIN)
    store.tuples(conn, "lock", gateway=gateway)
    certificates.tuples(conn, "lock", gateway=gateway)  # against whoever signs just now
    held = store.tuples(conn, "hold", gateway=gateway, newest=NEWEST if invite_id is None else invite_id)
    if not held or invite_id not in {None, held[0][0]}:
        raise UnknownInviteError(f"gateway {gateway!r} has no invite {invite_id or ''}".strip())
    ((invite_id,),) = held
    ((request, has_secret),) = store.tuples(conn, "held", invite=invite_id)  # once nobody is using it
    done = store.tuples(conn, "revoke", invite=invite_id, now=now, actor=actor.id)
    if done:
        detail = {"invite": invite_id, "was_used": request is not None}
        _audit(conn, of, "gateway_invite_revoked", actor=actor.id, gateway=gateway, detail=detail)
    if done and request is not None:
        if has_secret:
            put_secret(conn, gateway, new_secret(), kept_by="registry", sites=None)
        sha256 = certificates.request_sha256(request)
        for (serial,) in store.tuples(conn, "serials", gateway=gateway, sha256=sha256):
            why = f"the code that it came by was called back (invite {invite_id})"
            call_back(conn, actor, gateway=gateway, serial=str(serial), why=why)
    return _invites(conn, gateway, before=invite_id + 1, limit=1)[0]


def enrol(
    source: Source, actor: Actor, *, asked: EnrolmentRequest, offer: BrokerOffer | None, now: datetime
) -> Enrolled:
    """Let a new gateway in by its code; whoever asks again with the same key is told the same again.

    Its certificate is signed by the job that holds the authority's key; until then none is told.

    Args:
        source: Where transactions come from.
        actor: `DOOR`.
        asked: What it brings.
        offer: The broker that it is told of.
        now: The present.

    Returns:
        What it is told.

    Raises:
        NotAllowedError: If somebody else asks.
        CodeRefusedError: If the code opens nothing.
        TooManyCodesError: After too many wrong codes for this gateway.
        EnrolmentError: If the broker's authority cannot be read.
        CertificateWishError: If the request is none, or for another name.
    """
    actor.require(Role.DEVICE)
    read = read_code(asked.code)
    if read is None:
        raise CodeRefusedError(f"code {asked.code!r:.40}: expected one as gw-7.7KQ2-9MPD-41XR-VT8E")
    gateway, code = read
    require_request(asked.request, gateway, () if offer is None else offer.accounts)
    ca = None if offer is None else _read(offer.ca)
    found = in_transaction(source, lambda conn: _use(conn, actor, gateway, code=code, asked=asked, now=now))
    if isinstance(found, EnrolmentError):
        raise found
    site, certificate = found
    if offer is None:
        return Enrolled(site=SiteId(site), gateway=GatewayId(gateway))
    return Enrolled(
        site=SiteId(site),
        gateway=GatewayId(gateway),
        broker_url=offer.url,
        broker_ca=ca,
        certificate=certificate,
    )


def _read(ca: Path) -> str:
    try:
        return ca.read_text()
    except OSError as error:
        raise EnrolmentError(
            f"the server cannot say who signed the broker's certificate ({ca.name}: {error.strerror}): "
            "`dockledger gateway certificate authority`, or gateway_broker_ca"
        ) from error


def _use(
    conn: Connection, actor: Actor, gateway: str, *, code: str, asked: EnrolmentRequest, now: datetime
) -> tuple[str, str | None] | EnrolmentError:
    """Use a code up; a refusal is given, not raised, so that it is counted."""
    act_as(conn, actor)
    shown = store.row(conn, Shown, "shown", sha256=token_sha256(code))
    if shown is None or shown.gateway != gateway:
        return _wrong(conn, actor, gateway, now)
    IdentityStore(conn).forget_attempts(_attempts_of(gateway), now=now)
    secret_sha256 = token_sha256(asked.secret)
    why = shown.refusal(asked.request, secret_sha256, now)
    if why is not None:
        detail = {"invite": shown.invite_id, "why": why}
        _audit(conn, shown.site, "gateway_code_refused", actor=actor.id, gateway=gateway, detail=detail)
        return CodeRefusedError(why)
    if shown.used_at is None:
        fields = {"request": asked.request, "secret_sha256": secret_sha256, "now": now}
        store.change(conn, "use", invite=shown.invite_id, **fields)
        detail = {"invite": shown.invite_id, "invited_by": shown.made_by}
        _audit(conn, shown.site, "gateway_enrolled", actor=actor.id, gateway=gateway, detail=detail)
        put_secret(conn, gateway, asked.secret, kept_by="registry", sites=None)
    return shown.site, _certificate(conn, gateway, asked.request)


def _wrong(conn: Connection, actor: Actor, gateway: str, now: datetime) -> EnrolmentError:
    """Count a wrong code of a gateway that there is; a right one, of 80 random bits, is always heard."""
    wrong = CodeRefusedError(f"there is no such code for gateway {gateway}: look at it again")
    found = store.tuples(conn, "gateway", gateway=gateway)
    if not found:
        return wrong
    attempts, name = IdentityStore(conn), _attempts_of(gateway)
    before = attempts.lock_attempts(name, now=now)
    if before.locked_until > now:
        return TooManyCodesError(before.locked_until)
    failures = before.failures + 1
    until = now + lock_after(failures)
    attempts.count_attempt(name, failures=failures, locked_until=until, now=now)
    detail = {"why": "there is no such code", "in_a_row": failures}
    _audit(conn, str(found[0][0]), "gateway_code_refused", actor=actor.id, gateway=gateway, detail=detail)
    return wrong


def _attempts_of(gateway: str) -> str:
    return f"gateway/{gateway}"


def _certificate(conn: Connection, gateway: str, request: str) -> str | None:
    known = certificates.tuples(conn, "known", gateway=gateway, sha256=certificates.request_sha256(request))
    return str(known[0][0]) if known else None


def _registered(conn: Connection, actor: Actor, gateway: str, site: str | None) -> str:
    """Find a gateway, or register it at a site; give its site."""
    act_as(conn, actor.narrowed(Role.ADMIN))
    found = store.tuples(conn, "gateway", gateway=gateway)
    if not found and site is not None:
        for kind, value in (("gateway", gateway), ("site", site)):
            if not is_valid_id(value):
                raise EnrolmentError(f"{kind} id {value!r:.80}: expected 1-64 of A-Z a-z 0-9 _ -")
        store.change(conn, "add_site", site=site)
        if not store.tuples(conn, "add_gateway", gateway=gateway, site=site):
            raise EnrolmentError(f"gateway {gateway!r} is registered already: ids are unique in the network")
        _audit(conn, site, "gateway_registered", actor=actor.id, gateway=gateway, detail={})
        return site
    if not found:
        raise UnknownGatewayError(f"there is no gateway {gateway!r:.80}: give its site to register it")
    of, state = found[0]
    if site is not None and site != of:
        raise EnrolmentError(f"gateway {gateway!r} is of site {of!r}: expected no other")
    if state not in {"active", "paused"}:
        raise EnrolmentError(f"gateway {gateway!r} is {state}: expected an active one")
    return str(of)


def _found(conn: Connection, actor: Actor, gateway: str, *roles: Role) -> str:
    actor.require(*roles)
    act_as(conn, actor.narrowed(*roles))
    found = store.tuples(conn, "gateway", gateway=gateway)
    if not found:
        raise UnknownGatewayError(f"there is no gateway {gateway!r:.80}")
    return str(found[0][0])


def _invites(conn: Connection, gateway: str, *, before: int = NEWEST, limit: int) -> list[Invite]:
    return store.rows(conn, Invite, "invites", gateway=gateway, before=before, limit=limit)


def _audit(
    conn: Connection, site: str, action: str, *, actor: str, gateway: str, detail: dict[str, Any]
) -> None:
    said = orjson.dumps(detail).decode()
    record_audit(conn, actor=actor, action=action, target=f"gateway:{gateway}", site=site, detail=said)
