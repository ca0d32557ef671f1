"""The first start: an administrator with a generated password, kept in a file that only its owner reads."""

import os
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from cloud.db import Connection
from cloud.identity import service
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import new_password
from cloud.identity.domain import Grant

NAME: Final = "admin"
FIRST_ROLES: Final = (Role.ADMIN, Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.AUDITOR)
"""What the first person may do at every site; admin alone sees no stock."""

_STARTER: Final = Actor("system:first-start", frozenset({Role.ADMIN, Role.AUDITOR}), all_sites=True)


def ensure_first_admin(conn: Connection, password_file: Path) -> str | None:
    """Add the user ``admin`` if there is nobody yet, its generated password written to a file first.

    Args:
        conn: In a transaction that the caller commits.
        password_file: Written with mode 0600, replacing what a start that did not finish left there.

    Returns:
        The password, to be shown once; None if there are users already.
    """
    if service.list_users(conn, _STARTER):
        return None
    password = new_password()
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{password}\n")
    grants = [Grant(role) for role in FIRST_ROLES]
    service.add_user(conn, _STARTER, name=NAME, password=password, grants=grants)
    return password


def one_time_url(conn: Connection, base_url: str, *, name: str, now: datetime) -> str:
    """Make an address that logs a person in once, within 15 minutes.

    Args:
        conn: In a transaction that the caller commits.
        base_url: Where the pages are, as ``http://127.0.0.1:8420``.
        name: The person.
        now: The present.

    Returns:
        The address. Whoever opens it first is logged in: show it on the owner's terminal only.

    Raises:
        IdentityError: If there is no such person.
    """
    token = service.make_login_link(conn, _STARTER, name=name, now=now)
    return f"{base_url.rstrip('/')}/login/link?{urlencode({'token': token})}"
