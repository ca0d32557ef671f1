"""Keeps the gateway's certificate alive: a request in time, the answer tried, the old one back if it fails.

Files beside ``broker_certificate``: ``.next-key`` while a request is open; while a renewed one has not worked
yet, ``.renewed`` and ``.before``, and ``.trial`` with which of them is in use and since when. They are tried
in turn, a minute each, so that neither a wrong certificate nor a broker that is away shuts the gateway out.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.gateway import CertificateHealth, IssuedCertificate
from edge_agent.certificates.domain import CertificateFacts
from edge_agent.certificates.x509 import (
    CertificateError,
    OtherKeyError,
    facts_of,
    is_of_request,
    new_key,
    request_for,
    require_fit,
)

TURN: Final = timedelta(seconds=60)
"""While neither is accepted, the renewed certificate and the one before are tried for so long each."""
AGAIN_AFTER: Final = timedelta(hours=1)
"""After one that was taken back, before another is asked for."""

log = structlog.get_logger(__name__)


class _Turn(BaseModel):
    """Which certificate is in use while a renewed one has not worked yet."""

    model_config = ConfigDict(frozen=True)

    is_renewed: bool
    since: datetime


class CertificateKeeper:
    """Owns the file that the link to the broker reads at each connection; all on the agent's threads."""

    def __init__(
        self, path: Path, gateway: str, *, renew_link: Callable[[], None], is_renewed_by_cloud: bool = True
    ) -> None:
        """Name the files; nothing is written before ``step``.

        Args:
            path: ``broker_certificate``: certificate and key.
            gateway: Id of the gateway.
            renew_link: Gives the present connection up for a new one.
            is_renewed_by_cloud: False: only the end is watched.
        """
        self._path = path
        self._gateway = gateway
        self._renew_link = renew_link
        self._lock = threading.Lock()
        self._is_renewed_by_cloud = is_renewed_by_cloud
        self._next_key = path.with_name(path.name + ".next-key")
        self._renewed = path.with_name(path.name + ".renewed")
        self._before = path.with_name(path.name + ".before")
        self._trial = path.with_name(path.name + ".trial")
        self._connects_before: int | None = None
        self._connects = 0
        self._not_before_at: datetime | None = None
        self._request: str | None = None
        self._problem = ""
        self.counters: Counter[str] = Counter()

    def step(self, now: datetime, *, connects: int, is_connected: bool) -> None:
        """Ask for a certificate when it is time, and decide about one on trial; called about once a second.

        Args:
            now: The present.
            connects: How often a broker has accepted a connection since the agent started.
            is_connected: Whether one has now.
        """
        try:
            with self._lock:
                self._step(now, connects=connects, is_connected=is_connected)
        except (OSError, ValidationError, CertificateError) as error:
            self._say(f"{self._path}: {error}")

    def take(self, payload: bytes, now: datetime) -> bool:
        """Take a certificate from the cloud; the old one stays until the new one has worked.

        Args:
            payload: As received; what is no answer to the open request is left alone.
            now: The present.

        Returns:
            True if it is on trial now.
        """
        try:
            told = IssuedCertificate.model_validate_json(payload)
            if told.gateway != self._gateway or not self._next_key.exists():
                return False
            self.install(told.certificate.encode(), now)
        except OtherKeyError:
            return False  # the answer to an earlier request, which the broker retains
        except (ValidationError, OSError, CertificateError) as error:
            self.counters["certificates_refused"] += 1
            self._say(f"the cloud's certificate cannot be used: {error}")
            return False
        return True

    def install(self, pem: bytes, now: datetime) -> None:
        """Put a certificate for the open request into use, on trial.

        Args:
            pem: The certificate, then its chain.
            now: The present.

        Raises:
            CertificateError: If there is no open request, or it is of another name, or has ended.
        """
        with self._lock:
            if not self._next_key.exists():
                raise CertificateError("nothing was asked for: `edge-agent certificate request` first")
            key = self._next_key.read_bytes()
            facts = require_fit(pem, key, self._gateway)
            if facts.not_after <= now:
                raise CertificateError(f"it ended on {facts.not_after:%Y-%m-%d %H:%M} UTC")
            content = pem.rstrip() + b"\n" + key
            if self._path.exists():
                write_private(self._before, self._path.read_bytes())
            else:
                write_private(self._path, content)
            write_private(self._renewed, content)
            self._turn_to(self._renewed, now)
            self._next_key.unlink()
            self._request = None
            log.info("certificate_on_trial", serial=facts.serial, ends_at=facts.not_after.isoformat())

    def request(self) -> str:
        """Give the open request, or begin one; the key is durable before the request is shown.

        Returns:
            PEM.

        Raises:
            CertificateError: If the key of the open request cannot be read.
        """
        if not self._next_key.exists():
            write_private(self._next_key, new_key())
        return request_for(self._next_key.read_bytes(), self._gateway)

    def has_answer_to(self, request: str) -> bool:
        """Tell whether the certificate for a request is here, in use or on trial.

        Args:
            request: PKCS #10 in PEM.

        Returns:
            Whether a certificate here is of the key that signed it.
        """
        here = (self._path, self._renewed) if self._trial.exists() else (self._path,)
        return any(path.exists() and is_of_request(path.read_bytes(), request) for path in here)

    def health(self) -> CertificateHealth | None:
        """Say how the certificate is; None if there is none and none is asked for."""
        facts = self.facts()
        if facts is None and self._request is None:
            return None
        return CertificateHealth(
            not_after=None if facts is None else facts.not_after,
            serial=None if facts is None else facts.serial,
            request=self._request,
            is_on_trial=self._trial.exists(),
            problem=self._problem or None,
        )

    def facts(self) -> CertificateFacts | None:
        """Read the certificate in use; None if there is none that can be read."""
        try:
            return facts_of(self._path.read_bytes())
        except (OSError, CertificateError):
            return None

    def _step(self, now: datetime, *, connects: int, is_connected: bool) -> None:
        if self._trial.exists():
            self._judge(now, connects=connects, is_connected=is_connected)
        elif self._is_renewed_by_cloud and self._request is None and self._is_due(now):
            self._ask()

    def _is_due(self, now: datetime) -> bool:
        if self._not_before_at is not None and now < self._not_before_at:
            return False
        facts = self.facts()
        return facts is None or facts.is_due(now)

    def _ask(self) -> None:
        self._request = self.request()
        self.counters["certificates_asked_for"] += 1
        log.info("certificate_asked_for", gateway=self._gateway)

    def _judge(self, now: datetime, *, connects: int, is_connected: bool) -> None:
        """Keep what a broker has accepted since; while none is, try the other one."""
        turn = _Turn.model_validate_json(self._trial.read_bytes())
        in_use = self._renewed if turn.is_renewed else self._before
        was_connects, self._connects = self._connects, connects
        if self._connects_before is None:  # also after a start: what was accepted before proves nothing
            write_private(self._path, in_use.read_bytes())
            self._connects_before = connects
            self._renew_link()
        elif is_connected and self._connects_before < connects == was_connects:  # and it has lasted
            self._settle(turn, now)
        elif not timedelta(0) <= now - turn.since < TURN and self._before.exists():
            self._turn_to(self._before if turn.is_renewed else self._renewed, now)

    def _turn_to(self, file: Path, now: datetime) -> None:
        turn = _Turn(is_renewed=file == self._renewed, since=now)
        write_private(self._trial, turn.model_dump_json().encode())
        self._connects_before = None

    def _settle(self, turn: "_Turn", now: datetime) -> None:
        self._trial.unlink()
        if turn.is_renewed:
            self._renewed.unlink()
            self.counters["certificates_renewed"] += 1
            self._problem = ""
            log.info("certificate_renewed", path=str(self._path))
            return
        self._not_before_at = now + AGAIN_AFTER
        self.counters["certificates_taken_back"] += 1
        self._say("the broker accepts the certificate of before, not the renewed one: it is in use again")

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            log.error("certificate_problem", detail=problem)
        self._problem = problem


def write_private(path: Path, content: bytes) -> None:
    """Replace a file as a whole, durably, readable by its owner only.

    Args:
        path: The file.
        content: What it shall hold.
    """
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
