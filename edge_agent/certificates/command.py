"""`edge-agent certificate request | install | status`: by hand, where the cloud cannot be asked any more."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from edge_agent.certificates.domain import warning_of
from edge_agent.certificates.keeper import CertificateKeeper
from edge_agent.certificates.x509 import CertificateError

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

OK: Final = 0
FAILED: Final = 1


def add_parser(commands: "Subparsers", common: argparse.ArgumentParser) -> None:
    """Add the commands.

    Args:
        commands: What ``edge-agent`` collects its commands in.
        common: Options that all have.
    """
    group = commands.add_parser("certificate", help="the gateway's own certificate")
    parts = group.add_subparsers(required=True, metavar="COMMAND")
    text = "write a request to standard output, for `dockledger gateway certificate sign`; the agent may run"
    parts.add_parser("request", parents=[common], help=text, description=text).set_defaults(
        command="certificate-request"
    )
    text = "take the certificate for that request; the agent tries it, and keeps the old one until it works"
    installing = parts.add_parser("install", parents=[common], help=text, description=text)
    installing.add_argument("file", type=Path)
    installing.set_defaults(command="certificate-install")
    text = "say what it is and when it ends"
    parts.add_parser("status", parents=[common], help=text, description=text).set_defaults(
        command="certificate-status"
    )


def certificate_command(
    options: argparse.Namespace, *, path: Path | None, gateway: str, out: TextIO, err: TextIO
) -> int:
    """Run one of them.

    Args:
        options: The command line.
        path: ``broker_certificate``.
        gateway: Id of the gateway.
        out: Where results go.
        err: Where errors go.

    Returns:
        0, or 1 if it has ended or something cannot be used.
    """
    if path is None:
        print("broker_certificate is not set: expected the file that the certificate is kept in", file=err)
        return FAILED
    keeper, now = CertificateKeeper(path, gateway, renew_link=lambda: None), datetime.now(UTC)
    try:
        if options.command == "certificate-request":
            print(keeper.request(), end="", file=out)
            return OK
        if options.command == "certificate-install":
            keeper.install(options.file.read_bytes(), now)
            print(f"{path}: the agent tries it within a minute, or at its start", file=out)
            return OK
    except (OSError, CertificateError) as error:
        print(error, file=err)
        return FAILED
    facts = keeper.facts()
    if facts is None:
        print(f"{path} holds no certificate yet", file=err)
        return FAILED
    print(f"{facts.subject}  {facts.serial}  until {facts.not_after:%Y-%m-%d %H:%M} UTC", file=out)
    warning = warning_of(facts.not_after, now)
    if warning:
        print(warning, file=err)
    return FAILED if facts.not_after <= now else OK
