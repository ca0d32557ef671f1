"""Generated passwords of the embedded services: names in, one private file, the same passwords for ever."""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from cloud.local.home import private_directory, write_private

_ENTROPY_BYTES = 24


def passwords(data_dir: Path, names: Iterable[str]) -> dict[str, str]:
    """Give each name its password, generating those that do not exist yet.

    Args:
        data_dir: The data directory; the passwords live in its ``passwords.json``, readable by its owner.
        names: Whose passwords.

    Returns:
        Password by name, for these names only.

    Raises:
        HomeError: If the data directory belongs to another user.
        ValueError: If the file is not JSON.
    """
    path = private_directory(data_dir) / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    wanted = list(names)
    missing = [name for name in wanted if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(_ENTROPY_BYTES) for name in missing}
        write_private(path, json.dumps(known, indent=2))
    return {name: known[name] for name in wanted}


def put_password(data_dir: Path, name: str, password: str) -> None:
    """Give a name another password.

    Args:
        data_dir: The data directory.
        name: Whose.
        password: The new one.

    Raises:
        HomeError: If the data directory belongs to another user.
        ValueError: If the file is not JSON.
    """
    path = private_directory(data_dir) / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    write_private(path, json.dumps(known | {name: password}, indent=2))
