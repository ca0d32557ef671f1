"""What a gateway was told when it enrolled in, its first settings file out; pure."""

import json
from pathlib import PurePath
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from contracts.enrolment import Enrolled

CA_FILE: Final = "broker-ca.pem"
_REST: Final = """\
page_port = 8421                  # the gateway's own page, on this machine only
# time_server = "pool.ntp.org"    # to measure the clock's offset

# What stands at this gateway: `edge-agent profile list` names what is known, docs/devices.md says more.
# [[reader]]
# id = "r1"
# host = "192.0.2.10"
# profile = "impinj_r700"
#
# [[portal]]
# id = "dock-1"
# kind = "two_sided"
# inside = ["r1:1", "r1:2"]
# outside = ["r1:3", "r1:4"]
#
# [[scanner]]
# id = "scan-1"
# port = "/dev/serial/by-id/..."
# profile = "honeywell_xenon"
#
# [[printer]]
# id = "zt1"
# host = "192.0.2.40"
"""


def settings_text(told: Enrolled, *, url: str, secret: str, folder: PurePath, ca: PurePath | None) -> str:
    """Write the first settings file of a gateway.

    Args:
        told: What it was told.
        url: Of the ledger's server, as the gateway reached it.
        secret: With which it shows itself there.
        folder: Where certificate and outbox lie.
        ca: Who signed that server's certificate; None: the machine's authorities.

    Returns:
        TOML.

    Examples:
        >>> told = Enrolled(site="leeds", gateway="gw-7")
        >>> text = settings_text(
        ...     told, url="https://ledger.example/", secret="s", folder=PurePath("/var/lib/edge"), ca=None
        ... )
        >>> text.splitlines()[2:5]
        ['gateway = "gw-7"', 'publish = "https"', 'https_url = "https://gw-7:s@ledger.example"']
    """
    parts = urlsplit(url)
    netloc = f"{told.gateway}:{secret}@{parts.netloc.rpartition('@')[2]}"
    said = {"site": told.site, "gateway": told.gateway}
    if told.broker_url is None:
        said["publish"] = "https"
    else:
        said["broker_url"] = told.broker_url
        said["broker_ca"] = str(folder / CA_FILE)
        said["broker_certificate"] = str(folder / f"{told.gateway}.pem")
    said["https_url"] = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))
    if ca is not None:
        said["https_ca"] = str(ca)
    said["outbox"] = str(folder / "outbox.db")
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in said.items())
    head = "# Written by `edge-agent enrol`; it holds a secret: only the agent's user may read it."
    return "\n".join((head, *lines, _REST))
