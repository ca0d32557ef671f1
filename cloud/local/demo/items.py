"""The items that people scan and customers ask for, by the names that the retailer gave them."""

import csv
import subprocess
from pathlib import Path
from typing import Final

from cloud.db import Connection, LastingConnection, in_transaction
from cloud.local.demo.stage import script
from cloud.local.demo.store import SQL
from cloud.local.home import private_directory

SCHEME: Final = "local"
"""Stock codes are the retailer's own, as they are scanned."""


def register(app_dsn: str, data_dir: Path) -> None:
    """Make the items known to the ledger.

    Args:
        app_dsn: Connection of ``dockledger_app``.
        data_dir: The data directory.
    """
    listed = private_directory(data_dir / "demo") / "items.csv"
    command = (script("warehouse-sim"), "pos-items", "--out", str(listed))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our command
    source = LastingConnection(app_dsn, "dockledger-demo")
    in_transaction(source, lambda conn: _name(conn, listed))
    source.close()


def _name(conn: Connection, listed: Path) -> None:
    """Name the items; a ledger in which scans made them stays as it is, with names."""
    with listed.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    codes, names = [row[SCHEME] for row in rows], [row["name"] or None for row in rows]
    conn.execute(SQL["name_items"], {"scheme": SCHEME, "codes": codes, "names": names})
