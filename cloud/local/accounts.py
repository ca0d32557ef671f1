"""Who may connect to the embedded broker: gateways admitted by the operator, kept in the data directory."""

import json
from pathlib import Path

from cloud.local.broker import BrokerError, GatewayAccount
from cloud.local.home import write_private
from cloud.local.passwords import passwords, put_password


def admit(data_dir: Path, site: str, gateway: str) -> GatewayAccount:
    """Give a gateway an account; a running `dockledger local` takes it up within a second.

    Args:
        data_dir: The data directory.
        site: The site it stands in.
        gateway: Its id, unique in the network.

    Returns:
        Its account; the same again for a gateway admitted before.

    Raises:
        BrokerError: If an id is not valid, or the gateway is admitted to another site.
    """
    password = passwords(data_dir, [f"gateway {gateway}"])[f"gateway {gateway}"]
    account = GatewayAccount(site, gateway, password)
    sites = _sites(data_dir)
    if sites.get(gateway, site) != site:
        raise BrokerError(f"gateway {gateway!r} is admitted to site {sites[gateway]!r}: expected {site!r}")
    write_private(accounts_file(data_dir), json.dumps({**sites, gateway: site}, indent=2))
    return account


def replace_password(data_dir: Path, gateway: str, password: str) -> bool:
    """Let a gateway log in with another password; what it had no longer holds.

    A running `dockledger local` tells the broker within a second, which drops whoever came by the old one.

    Args:
        data_dir: The data directory.
        gateway: Its id.
        password: The new one.

    Returns:
        False if it has no account here.
    """
    sites = _sites(data_dir)
    if gateway not in sites:
        return False
    put_password(data_dir, f"gateway {gateway}", password)
    write_private(accounts_file(data_dir), json.dumps(sites, indent=2))
    return True


def withdraw(data_dir: Path, gateway: str) -> bool:
    """Take a gateway's account away; `admit` gives it back.

    Args:
        data_dir: The data directory.
        gateway: Its id.

    Returns:
        False if it has no account here.
    """
    sites = _sites(data_dir)
    if sites.pop(gateway, None) is None:
        return False
    write_private(accounts_file(data_dir), json.dumps(sites, indent=2))
    return True


def admitted(data_dir: Path) -> list[GatewayAccount]:
    """List the accounts of all gateways.

    Args:
        data_dir: The data directory.

    Returns:
        The accounts in order of their gateways' ids.
    """
    sites = _sites(data_dir)
    known = passwords(data_dir, [f"gateway {gateway}" for gateway in sites])
    return [
        GatewayAccount(site, gateway, known[f"gateway {gateway}"]) for gateway, site in sorted(sites.items())
    ]


def accounts_file(data_dir: Path) -> Path:
    """Name the file that says which gateways are admitted; it changes when one is."""
    return data_dir / "gateways.json"


def _sites(data_dir: Path) -> dict[str, str]:
    path = accounts_file(data_dir)
    sites: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return sites
