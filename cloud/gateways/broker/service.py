"""Tell a broker who may log in and which certificates are called back; people are told where it lags."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.gateways.broker import store
from cloud.gateways.broker.domain import LIFE, RENEWED_AFTER, TOLD_BEFORE, ListState, with_passwords
from cloud.gateways.broker.files import PASSWORDS_FILE, REVOKED_FILE, BrokerFiles, BrokerFilesError
from cloud.gateways.certificates import store as certificates
from cloud.gateways.certificates.authority import Authority, load_authority
from cloud.gateways.certificates.domain import CertificateWishError
from cloud.gateways.domain import READERS
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

JOB: Final = Actor("job:broker", frozenset({Role.DEVICE}), all_sites=True)
_LATE: Final = "broker:revoked_list"
_NOT_TOLD: Final = "broker:files"

log = structlog.get_logger()


def follow(
    source: Source, actor: Actor, now: datetime, *, directory: Path, files: BrokerFiles
) -> Mapping[str, Any]:
    """Bring the broker's files up to date, and let it read them.

    Args:
        source: Where transactions come from.
        actor: The job.
        now: The present.
        directory: Where the authority's files lie.
        files: Where the broker reads.

    Returns:
        Which files were written.

    Raises:
        NotAllowedError: If somebody else asks.
    """
    actor.require(Role.DEVICE)
    written: list[str] = []
    problems: list[str] = []
    if files.directory is not None:
        wanted = in_transaction(source, partial(_wanted, actor=actor, now=now))
        steps: tuple[Callable[[], list[str] | None], ...] = (
            partial(_write_passwords, files, wanted),
            partial(_write_revoked, source, files, wanted, directory, now),
            files.tell,
        )
        for step in steps:  # none holds up another: who was called back is refused whatever passwords hold
            try:
                written += step() or []
            except (BrokerFilesError, CertificateWishError) as error:
                problems.append(str(error))
                log.error("broker_not_told", detail=str(error))  # noqa: TRY400  the text says it
    problem = "; ".join(problems) or None
    in_transaction(source, partial(_watch, actor=actor, now=now, problem=problem))
    return {"written": written}


def list_state(conn: Connection, actor: Actor, *, now: datetime) -> ListState:
    """Hold the list of revoked certificates that was written last against the ledger's.

    Args:
        conn: In a transaction.
        actor: Who asks.
        now: The present.

    Returns:
        The state; what it lacks is counted at the actor's sites.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    return _state(conn, now)


def revoked(conn: Connection, actor: Actor, *, authority: Authority, now: datetime) -> str:
    """Write the list of revoked certificates, for a person to lay where the broker reads it.

    Args:
        conn: In a transaction that the caller commits.
        actor: An admin of the network.
        authority: Who signs it.
        now: The present.

    Returns:
        PEM.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require_everywhere(Role.ADMIN)
    wanted = _wanted(conn, actor=actor, now=now)
    _note(conn, wanted, now, is_laid_out=False)
    return authority.revoked(wanted.serials, now=now, life=LIFE)


def _write_passwords(files: BrokerFiles, wanted: "_Wanted") -> list[str]:
    passwords = files.read(PASSWORDS_FILE)
    if passwords is None:  # without it the broker takes certificates only
        return []
    hashes = {name: kept for name, kept in wanted.hashes.items() if name != files.ours}
    fresh = with_passwords(passwords, hashes, wanted.ended - {files.ours})
    if fresh == passwords:
        return []
    files.write(PASSWORDS_FILE, fresh)
    return [PASSWORDS_FILE]


def _write_revoked(
    source: Source, files: BrokerFiles, wanted: "_Wanted", directory: Path, now: datetime
) -> list[str]:
    authority = load_authority(directory)
    if authority is None or not _is_due(files.read(REVOKED_FILE), authority, wanted, now):
        return []
    files.write(REVOKED_FILE, authority.revoked(wanted.serials, now=now, life=LIFE).encode())
    in_transaction(source, lambda conn: _note(conn, wanted, now, is_laid_out=True))
    return [REVOKED_FILE]


def _is_due(laid: bytes | None, authority: Authority, wanted: "_Wanted", now: datetime) -> bool:
    state = wanted.state
    if laid is None or not state.is_laid_out or state.ends_at is None:
        return True
    if state.ends_at - now <= LIFE - RENEWED_AFTER:
        return True
    try:
        return authority.serials_of(laid, place=REVOKED_FILE).keys() != {
            serial for serial, _ in wanted.serials
        }
    except CertificateWishError:
        return True  # of a former authority, or none at all


class _Wanted(NamedTuple):
    at: datetime
    """By the database's clock, as certificates are called back by."""
    hashes: dict[str, str]
    ended: set[str]
    serials: list[tuple[str, datetime]]
    state: ListState


def _wanted(conn: Connection, *, actor: Actor, now: datetime) -> _Wanted:
    act_as(conn, actor)
    ((at,),) = store.tuples(conn, "present")
    accounts = store.tuples(conn, "accounts")
    return _Wanted(
        at,
        {str(name): str(kept) for name, kept, is_ended in accounts if not is_ended},
        {str(name) for name, _, is_ended in accounts if is_ended},
        [(str(serial), since) for serial, since in certificates.tuples(conn, "revoked", now=now)],
        _state(conn, now),
    )


def _note(conn: Connection, wanted: _Wanted, now: datetime, *, is_laid_out: bool) -> None:
    fields = {"made_at": wanted.at, "ends_at": now + LIFE, "serials": len(wanted.serials)}
    store.change(conn, "note_list", **fields, is_laid_out=is_laid_out)


def _state(conn: Connection, now: datetime) -> ListState:
    found = store.row(conn, ListState, "list_state", now=now)
    return found or ListState(None, None, is_laid_out=False, lacking=0, lacking_since=None)


def _watch(conn: Connection, *, actor: Actor, now: datetime, problem: str | None) -> None:
    act_as(conn, actor)
    state = _state(conn, now)
    problems = state.problems(now)
    if problem is None:
        alerts.resolve(conn, [_NOT_TOLD])
    else:
        text = f"The broker cannot be told who may log in: {problem}"
        alerts.notice(conn, [Notice(_NOT_TOLD, "broker_not_told", Severity.CRITICAL, text, None)])
    if not problems:
        alerts.resolve(conn, [_LATE])
        return
    is_only_near = (
        not state.lacking and state.ends_at is not None and timedelta(0) < state.ends_at - now < TOLD_BEFORE
    )
    severity = Severity.WARNING if is_only_near else Severity.CRITICAL
    alerts.notice(conn, [Notice(_LATE, "revoked_list_late", severity, "; ".join(problems), None)])
