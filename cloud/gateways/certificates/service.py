"""Certificates of gateways: signed when a heartbeat asks, listed, revoked; their end becomes a ticket."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import structlog
from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.gateways.certificates import store
from cloud.gateways.certificates.authority import Authority, load_authority
from cloud.gateways.certificates.domain import (
    LIFE,
    MOST_REASON,
    URGENCY,
    CertificateRow,
    CertificateWishError,
    InUse,
    UnknownCertificateError,
    stage_of,
    words_of,
)
from cloud.gateways.domain import READERS
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from contracts.base import GatewayId
from contracts.gateway import IssuedCertificate

JOB: Final = Actor("job:certificates", frozenset({Role.DEVICE}), all_sites=True)
NO_AUTHORITY: Final = (
    "there is no authority: `dockledger gateway certificate authority` makes one, or give your own as "
    "gateway-ca.pem and gateway-ca.key in the data directory"
)
CALLED_BACK: Final = (
    "one of its certificates was called back on {since:%Y-%m-%d}, and whoever holds that one may be asking; "
    "once the broker has the new list and has dropped its connection, a person signs (`dockledger gateway "
    "certificate sign {gateway} REQUEST`), and what it asks for later is signed by itself again"
)
_SERIAL: Final = re.compile("[0-9a-f]{1,40}")

log = structlog.get_logger()


def follow(
    source: Source, actor: Actor, now: datetime, *, directory: Path, accounts: Collection[str] = ()
) -> Mapping[str, Any]:
    """Sign what heartbeats ask for, and tell people of certificates that end.

    Args:
        source: Where transactions come from.
        actor: The job.
        now: The present.
        directory: Where the authority's files lie.
        accounts: Of our own services at the broker.

    Returns:
        How many were signed and how many requests refused.

    Raises:
        NotAllowedError: If somebody else asks.
    """
    actor.require(Role.DEVICE)
    signed = refused = 0
    try:
        authority = load_authority(directory, accounts)
    except CertificateWishError as error:
        log.error("authority_unusable", detail=str(error))  # noqa: TRY400  the text says it
        authority = None
    if authority is not None:
        for asked in in_transaction(source, lambda conn: _asking(conn, actor, now)):
            is_signed = _answer(source, actor, authority, asked, now)
            signed, refused = signed + is_signed, refused + (not is_signed)
    in_transaction(source, lambda conn: _watch(conn, actor, now))
    return {"signed": signed, "refused": refused}


def sign(
    conn: Connection, actor: Actor, *, gateway: str, request: str, authority: Authority, now: datetime
) -> str:
    """Sign a request that a person brings; the gateway is sent the certificate too.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of its site.
        gateway: The gateway.
        request: PKCS #10 in PEM.
        authority: Who signs.
        now: The present.

    Returns:
        The certificate with its chain, PEM; of a request that was answered before the same one.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownCertificateError: If the actor's sites have no such gateway.
        CertificateWishError: If the request is not one of this gateway, or its certificate was called back.
    """
    of = _found(conn, actor, gateway, Role.ADMIN)
    made = _signed(conn, actor.id, authority, of._replace(request=request), now)
    alerts.resolve(conn, [_request_key(gateway)])
    return made


def certificates(conn: Connection, actor: Actor, *, gateway: str, limit: int) -> list[CertificateRow]:
    """List the certificates that were signed for a gateway, the newest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        gateway: The gateway.
        limit: Most to give.

    Returns:
        Its certificates.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownCertificateError: If the actor's sites have no such gateway.
    """
    _found(conn, actor, gateway, *READERS)
    return store.rows(conn, CertificateRow, "certificates", gateway=gateway, limit=limit)


def in_use(conn: Connection, actor: Actor, *, gateway: str | None = None) -> list[InUse]:
    """Tell what gateways said last of their certificates.

    Args:
        conn: In a transaction.
        actor: Who asks.
        gateway: Only of this one.

    Returns:
        By gateway; those without a certificate are left out.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    return store.rows(conn, InUse, "in_use", gateway=gateway)


def revoke(conn: Connection, actor: Actor, *, gateway: str, serial: str, why: str) -> None:
    """Call a certificate back; the broker refuses it once it has the new list of revoked ones.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of the gateway's site.
        gateway: The gateway.
        serial: Of the certificate, in hexadecimal.
        why: The reason.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownCertificateError: If there is no such certificate.
        CertificateWishError: If there is no reason.
    """
    of = _found(conn, actor, gateway, Role.ADMIN)
    if not 0 < len(why.strip()) <= MOST_REASON:
        raise CertificateWishError(f"reason {why!r:.80}: expected 1 to {MOST_REASON} characters")
    store.tuples(conn, "lock", gateway=gateway)
    known = {
        row.serial for row in store.rows(conn, CertificateRow, "certificates", gateway=gateway, limit=None)
    }
    if serial not in known:
        raise UnknownCertificateError(
            f"gateway {gateway!r} has no certificate {serial!r:.60} that this ledger knows; one "
            "that was signed before a restore is called back by `dockledger gateway "
            "certificate revoked --also SERIAL`"
        )
    if not store.change(conn, "revoke", gateway=gateway, serial=serial, actor=actor.id, why=why.strip()):
        return  # called back before, and the first reason stays
    _audit(conn, actor.id, "gateway_certificate_revoked", of, {"serial": serial, "why": why.strip()})


def revoke_forgotten(conn: Connection, actor: Actor, *, serials: Mapping[str, datetime]) -> int:
    """Call certificates back by their serials alone: what a restored ledger forgot.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of the network.
        serials: In hexadecimal, each with when it was called back.

    Returns:
        How many the list of revoked ones has more than before.

    Raises:
        NotAllowedError: If the actor may not.
        CertificateWishError: If a serial is none.
    """
    actor.require_everywhere(Role.ADMIN)
    act_as(conn, actor)
    added = []
    for serial, at in serials.items():
        if not _SERIAL.fullmatch(serial):
            raise CertificateWishError(f"serial {serial!r:.60}: expected 1 to 40 digits of 0-9 and a-f")
        fields: Mapping[str, object] = {"serial": serial, "at": at, "actor": actor.id}
        is_known = store.change(
            conn, "revoke_again", **fields, why="called back before the ledger was restored"
        )
        if is_known or store.change(conn, "add_forgotten", **fields):
            added.append(serial)
    if added:
        detail = orjson.dumps({"serials": added}).decode()
        action = "gateway_certificates_revoked"
        store.tuples(conn, "audit", actor=actor.id, action=action, target="network", site=None, detail=detail)
    return len(added)


class _Asked(NamedTuple):
    gateway: str
    site: str
    request: str
    invited_by: str | None = None
    """Who made the code that the request came by; None: a heartbeat brought it."""


def _asking(conn: Connection, actor: Actor, now: datetime) -> list[_Asked]:
    act_as(conn, actor)
    return store.rows(conn, _Asked, "asking", now=now)


def _answer(source: Source, actor: Actor, authority: Authority, asked: _Asked, now: datetime) -> bool:
    def work(conn: Connection) -> bool:
        act_as(conn, actor)
        store.tuples(conn, "lock", gateway=asked.gateway)
        if asked.invited_by is not None and asked not in _asking(conn, actor, now):
            return False  # its code was called back meanwhile
        if asked.invited_by is None:
            for (since,) in store.tuples(conn, "called_back", gateway=asked.gateway, job=actor.id):
                raise CertificateWishError(CALLED_BACK.format(gateway=asked.gateway, since=since))
        _signed(conn, asked.invited_by or actor.id, authority, asked, now)
        alerts.resolve(conn, [_request_key(asked.gateway)])
        return True

    try:
        return in_transaction(source, work)
    except CertificateWishError as error:
        in_transaction(source, partial(_tell_refused, actor=actor, asked=asked, why=str(error)))
        return False


def _signed(conn: Connection, signer: str, authority: Authority, asked: _Asked, now: datetime) -> str:
    gateway = asked.gateway
    store.tuples(conn, "lock", gateway=gateway)
    sha256 = store.request_sha256(asked.request)
    if known := store.tuples(conn, "known", gateway=gateway, sha256=sha256):
        certificate, revoked_at = known[0]
        if revoked_at is not None:
            raise CertificateWishError(
                f"the certificate of this request was called back on {revoked_at:%Y-%m-%d}: expected a "
                "request of a new key"
            )
        return str(certificate)
    made = authority.sign(asked.request, gateway=gateway, now=now, life=LIFE)
    store.change(
        conn,
        "add",
        gateway=gateway,
        serial=made.serial,
        sha256=sha256,
        not_before=made.not_before,
        not_after=made.not_after,
        certificate=made.certificate,
        actor=signer,
    )
    ((last,),) = store.tuples(conn, "last_revision", gateway=gateway)
    message = IssuedCertificate(
        gateway=GatewayId(gateway),
        revision=max(int(last) + 1, int(now.timestamp() * 1000)),
        issued_at=now,
        certificate=made.certificate,
    )
    store.change(
        conn,
        "send",
        gateway=gateway,
        revision=message.revision,
        payload=message.model_dump_json(),
        actor=signer,
    )
    detail = {"serial": made.serial, "not_after": made.not_after.isoformat()}
    _audit(conn, signer, "gateway_certificate_issued", asked, detail)
    return made.certificate


def _request_key(gateway: str) -> str:
    return f"certificate_request:{gateway}"


def _tell_refused(conn: Connection, *, actor: Actor, asked: _Asked, why: str) -> None:
    act_as(conn, actor)
    text = f"Gateway {asked.gateway} asks for a certificate that cannot be signed: {why}"
    alerts.notice(
        conn, [Notice(_request_key(asked.gateway), "certificate_refused", Severity.WARNING, text, asked.site)]
    )


def _watch(conn: Connection, actor: Actor, now: datetime) -> None:
    """Open a ticket at each stage of a certificate's end, and close those of other stages."""
    act_as(conn, actor)
    wrong: list[Notice] = []
    right: list[str] = []
    for each in store.rows(conn, InUse, "in_use", gateway=None):
        if each.not_after is None:
            continue
        left = each.not_after - now
        stage = stage_of(left)
        keys = {within: f"certificate:{each.gateway}:{within.days}" for within, _ in URGENCY}
        if stage is not None:
            within, severity = stage
            text = f"Gateway {each.gateway}: its certificate {words_of(left, each.not_after)}"
            detail: dict[str, JsonValue] = {"serial": each.serial, "problem": each.problem}
            wrong.append(Notice(keys.pop(within), "certificate_ends", severity, text, each.site, detail))
        right += keys.values()
    alerts.resolve(conn, right)
    alerts.notice(conn, wrong)


def _found(conn: Connection, actor: Actor, gateway: str, *roles: Role) -> _Asked:
    actor.require(*roles)
    act_as(conn, actor.narrowed(*roles))
    found = store.tuples(conn, "gateway", gateway=gateway)
    if not found:
        raise UnknownCertificateError(f"there is no gateway {gateway!r:.80}")
    return _Asked(gateway, str(found[0][2]), "")


def _audit(conn: Connection, actor: str, action: str, of: _Asked, detail: Mapping[str, str]) -> None:
    target, text = f"gateway:{of.gateway}", orjson.dumps(detail).decode()
    store.tuples(conn, "audit", actor=actor, action=action, target=target, site=of.site, detail=text)
