"""`edge-agent enrol`: a machine becomes a gateway by a one-time code."""

import argparse
import secrets
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.enrolment import ENROLMENT_PATH, Enrolled, EnrolmentRequest, read_code
from edge_agent.certificates.keeper import CertificateKeeper, write_private
from edge_agent.certificates.x509 import CertificateError
from edge_agent.config.settings import DEFAULT_FILE, SettingsError, load
from edge_agent.enrolment.settings_file import CA_FILE, settings_text
from edge_agent.publish.address import parse_ledger_url
from edge_agent.publish.https import LedgerClient

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

OK: Final = 0
FAILED: Final = 1
ASK_EVERY_S: Final = 3.0
PATIENCE_S: Final = 180.0
"""So long it is asked for a certificate that is being signed."""
_SECRET_BYTES: Final = 24
_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

Pause = Callable[[float], None]


class EnrolmentFailedError(Exception):
    """The machine is no gateway; the message says why, and what to do."""


class _Begun(BaseModel):
    """What must be the same if the command is typed again: the server knows this machine by it."""

    model_config = ConfigDict(frozen=True)

    code: str
    request: str
    """Signed anew it would be another one, of the same key."""
    secret: str = Field(repr=False)


def add_parser(commands: "Subparsers", common: argparse.ArgumentParser) -> None:
    """Add the command.

    Args:
        commands: What ``edge-agent`` collects its commands in.
        common: Options that all have.
    """
    text = (
        "make this machine the gateway that a one-time code names: `dockledger gateway invite` makes one; "
        "key and secret are made here; typed again, it goes on where it was"
    )
    parser = commands.add_parser("enrol", parents=[common], help=text.partition(":")[0], description=text)
    parser.add_argument("--url", required=True, help="the ledger's server, https://host")
    parser.add_argument("--code", required=True, help="as gw-7.7KQ2-9MPD-41XR-VT8E")
    parser.add_argument(
        "--ca",
        type=Path,
        metavar="FILE",
        help="PEM: who signed the server's certificate, if no public authority did",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="where certificate and outbox are to lie; default: beside the settings",
    )
    parser.set_defaults(command="enrol")


def enrol(options: argparse.Namespace, out: TextIO, err: TextIO, *, pause: Pause = time.sleep) -> int:
    """Make this machine a gateway.

    Args:
        options: The command line.
        out: Where results go.
        err: Where errors go.
        pause: Waits for so many seconds.

    Returns:
        0, or 1 if it is none.
    """
    config = (options.config or Path(DEFAULT_FILE)).absolute()
    folder = (options.state or config.parent).absolute()
    try:
        gateway = _enrol(options, config, folder, out, pause)
    except (EnrolmentFailedError, CertificateError, SettingsError, OSError, ValidationError) as error:
        print(f"edge-agent: {error}", file=err)
        return FAILED
    print(f"{config} is written: this machine is gateway {gateway}", file=out)
    print(f"put readers and scanners into it, then: edge-agent check --config {config}", file=out)
    return OK


def _enrol(options: argparse.Namespace, config: Path, folder: Path, out: TextIO, pause: Pause) -> str:
    read = read_code(options.code)
    if read is None:
        raise EnrolmentFailedError(f"code {options.code!r:.40}: expected one as gw-7.7KQ2-9MPD-41XR-VT8E")
    gateway, code = read
    if config.exists():
        raise EnrolmentFailedError(
            f"{config} is there: this machine is a gateway already; move it away to make it another one"
        )
    _require_private(options.url)
    pending, draft = folder / "enrolment.json", config.with_name(config.name + ".enrolled")
    path = folder / f"{gateway}.pem"
    keeper = CertificateKeeper(path, gateway, renew_link=lambda: None)
    begun = _begin(pending, code, keeper)
    if draft.exists() and keeper.has_answer_to(begun.request):  # it was interrupted after that had come
        _finish(config, draft, pending, path)
        return gateway
    asked = EnrolmentRequest(code=code, request=begun.request, secret=begun.secret)
    told = _told(options, gateway, asked, out, pause)
    if told.gateway != gateway:
        raise EnrolmentFailedError(f"the server answered for {told.gateway!r}: expected {gateway!r}")
    ca = None if options.ca is None else options.ca.absolute()
    text = settings_text(told, url=options.url, secret=begun.secret, folder=folder, ca=ca)
    write_private(draft, text.encode())
    load(draft)
    if told.broker_ca is not None and told.certificate is not None:
        write_private(folder / CA_FILE, told.broker_ca.encode())
        keeper.install(told.certificate.encode(), datetime.now(UTC))
    _finish(config, draft, pending, path)
    return gateway


def _require_private(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise EnrolmentFailedError(f"--url {url!r:.100}: expected https://host, for the secret travels there")


def _begin(pending: Path, code: str, keeper: CertificateKeeper) -> _Begun:
    """Give what an enrolment by this code was begun with, or begin one, durably."""
    try:
        begun = _Begun.model_validate_json(pending.read_bytes())
    except FileNotFoundError:
        begun = None
    if begun is None or begun.code != code:
        begun = _Begun(code=code, request=keeper.request(), secret=secrets.token_urlsafe(_SECRET_BYTES))
        write_private(pending, begun.model_dump_json().encode())
    return begun


def _told(
    options: argparse.Namespace, gateway: str, asked: EnrolmentRequest, out: TextIO, pause: Pause
) -> Enrolled:
    """Ask until the certificate is there."""
    parts = urlsplit(options.url)
    named = parts._replace(netloc=f"{gateway}:{asked.secret}@{parts.netloc.rpartition('@')[2]}").geturl()
    body, waited_s = asked.model_dump_json().encode(), 0.0
    with closing(LedgerClient(parse_ledger_url(named, gateway=gateway, ca=options.ca))) as client:
        while True:
            answer = client.ask("POST", ENROLMENT_PATH, body, media_type="application/json")
            if answer.status == HTTPStatus.OK:
                told = Enrolled.model_validate_json(answer.body)
                if told.broker_url is None or told.certificate is not None:
                    return told
                why = "the certificate is being signed"
            elif answer.status in _BUSY:
                why = answer.words
            else:
                raise EnrolmentFailedError(f"the server says {answer.words}")
            if waited_s >= PATIENCE_S:
                raise EnrolmentFailedError(
                    f"{why}, for {waited_s:.0f} s by now (does the scheduler run?): type the same again "
                    "later, the code holds for this machine for a day"
                )
            if waited_s == 0:
                print(f"{why}: waiting", file=out, flush=True)
            wait_s = max(ASK_EVERY_S, answer.retry_after_s)
            pause(wait_s)
            waited_s += wait_s


def _finish(config: Path, draft: Path, pending: Path, certificate: Path) -> None:
    draft.replace(config)
    for done in (pending, certificate.with_name(certificate.name + ".next-key")):
        done.unlink(missing_ok=True)
