"""`dockledger gateway certificate authority | broker | sign | list | revoke | revoked | status`."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cloud import shell
from cloud.db import Connection
from cloud.gateways.broker import service as at_broker
from cloud.gateways.certificates import service
from cloud.gateways.certificates.authority import CA_FILE, Authority, load_authority, make_authority
from cloud.gateways.certificates.domain import CertificateWishError
from cloud.gateways.certificates.service import NO_AUTHORITY
from cloud.gateways.domain import ingest_account
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

_reporting: Final = shell.reporting_with(ValueError, OSError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers


SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""
MOST_LISTED: Final = 1000

_EXAMPLES: Final = """examples:
  dockledger gateway certificate authority                   an authority of your own, in the data directory
  dockledger gateway certificate broker mqtt.example server.pem server.key
  dockledger gateway certificate sign dock-1 dock-1.csr > dock-1.pem
  dockledger gateway certificate list dock-1
  dockledger gateway certificate revoke dock-1 4f2a… --reason "stolen"
  dockledger gateway certificate revoked > revoked.crl            for the broker's crlfile
  dockledger gateway certificate revoked --add old.crl > revoked.crl    after a restore
  dockledger gateway certificate status           is the broker's list as new as the ledger's"""


def add_commands(group: "Subparsers") -> None:
    """Add this area's commands below `dockledger gateway`.

    Args:
        group: What `dockledger gateway` collects its commands in.
    """
    parser = group.add_parser(
        "certificate",
        help="sign, list and revoke gateways' certificates",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    parts = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    shell.command(parts, "authority", "make an authority that signs gateways' certificates", run_authority)
    broker = shell.command(parts, "broker", "make a broker's key and certificate by it", run_broker)
    broker.add_argument("host", help="name or address by which gateways reach the broker")
    broker.add_argument("certificate", type=Path)
    broker.add_argument("key", type=Path)
    broker.add_argument("--days", type=int, default=365)
    signing = shell.command(
        parts, "sign", "sign a request that `edge-agent certificate request` made", run_sign
    )
    signing.add_argument("gateway")
    signing.add_argument("request", type=Path)
    listing = shell.command(parts, "list", "list a gateway's certificates, the newest first", run_list)
    listing.add_argument("gateway")
    revoking = shell.command(parts, "revoke", "call a certificate back", run_revoke)
    revoking.add_argument("gateway")
    revoking.add_argument("serial")
    revoking.add_argument("--reason", required=True)
    revoked = shell.command(parts, "revoked", "write the list of revoked ones, for the broker", run_revoked)
    revoked.add_argument(
        "--add", type=Path, metavar="FILE", help="a list from before a restore: its serials stay revoked"
    )
    shell.command(
        parts, "status", "say whether the broker's list of revoked ones is as new as the ledger's", run_status
    )
    revoked.add_argument(
        "--also", metavar="SERIAL", help="of a certificate that the ledger does not know, after a restore"
    )


def run_status(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Hold the broker's list of revoked certificates against the ledger's."""
    found: list[str] = []

    def work() -> None:
        now = datetime.now(UTC)
        state = shell.once(settings, lambda conn: at_broker.list_state(conn, SHELL, now=now))
        if state.made_at is None or state.ends_at is None:
            print("no list of revoked certificates was written yet")
        else:
            who = "laid out by the scheduler" if state.is_laid_out else "written for a person to lay out"
            print(
                f"list of {state.made_at:%Y-%m-%d %H:%M} UTC, {who}, until {state.ends_at:%Y-%m-%d %H:%M} UTC"
            )
        found.extend(state.problems(now))
        for problem in found:
            print(f"problem: {problem}")

    return _reporting(work) or (1 if found else 0)


def run_authority(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Make an authority."""

    def work() -> None:
        made = make_authority(settings.data_dir, network=settings.network, now=datetime.now(UTC))
        ends = made.certificate.not_valid_after_utc
        print(f"{settings.data_dir / CA_FILE} until {ends:%Y-%m-%d}: what gateways' broker_ca and the")
        print("broker's cafile name; its key stays here, for the scheduler only")

    return _reporting(work)


def run_broker(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make a broker's certificate."""

    def work() -> None:
        life = timedelta(days=arguments.days)
        made, key = _authority(settings).sign_server(arguments.host, now=datetime.now(UTC), life=life)
        arguments.key.touch(mode=0o600)
        arguments.key.write_text(key)
        arguments.certificate.write_text(made)

    return _reporting(work)


def run_sign(arguments: argparse.Namespace, settings: Settings) -> int:
    """Sign a request."""

    def work(conn: Connection) -> str:
        return service.sign(
            conn,
            SHELL,
            gateway=arguments.gateway,
            request=arguments.request.read_text(),
            authority=_authority(settings),
            now=datetime.now(UTC),
        )

    return _reporting(lambda: print(shell.once(settings, work), end=""))


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List certificates."""

    def work() -> None:
        for row in shell.once(
            settings,
            lambda conn: service.certificates(conn, SHELL, gateway=arguments.gateway, limit=MOST_LISTED),
        ):
            state = "revoked" if row.revoked_at else "in use" if row.is_in_use else "signed"
            span = f"{row.not_before:%Y-%m-%d} to {row.not_after:%Y-%m-%d %H:%M} UTC"
            print(f"{row.serial}  {state}  {span}  by {row.issued_by}  {row.revoked_why or ''}".rstrip())

    return _reporting(work)


def run_revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    """Call a certificate back."""

    def work(conn: Connection) -> None:
        service.revoke(conn, SHELL, gateway=arguments.gateway, serial=arguments.serial, why=arguments.reason)

    return _reporting(lambda: shell.once(settings, work))


def run_revoked(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write the list of revoked ones."""

    def work(conn: Connection) -> str:
        authority, now = _authority(settings), datetime.now(UTC)
        old: Path | None = arguments.add
        serials = {} if old is None else authority.serials_of(old.read_bytes(), place=str(old))
        if arguments.also:
            serials = {arguments.also: now} | serials
        service.revoke_forgotten(conn, SHELL, serials=serials)
        return at_broker.revoked(conn, SHELL, authority=authority, now=now)

    return _reporting(lambda: print(shell.once(settings, work), end=""))


def _authority(settings: Settings) -> Authority:
    found = load_authority(settings.data_dir, {ingest_account(settings.broker_url)})
    if found is None:
        raise CertificateWishError(NO_AUTHORITY)
    return found
