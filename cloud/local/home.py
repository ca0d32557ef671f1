"""Where an embedded service lives and as whom: a private directory, also when the caller is root."""

import hashlib
import os
import pwd
import secrets
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cloud.local.process import Identity

SYSTEM_DIR: Final = Path("/var/lib")
_SYSTEM_PREFIX: Final = "dockledger-"
_TRANSIENT_UIDS: Final = range(61184, 65520)
"""The range that Linux distributions reserve for users without an account (systemd's dynamic users)."""


class HomeError(Exception):
    """A place for an embedded service cannot be had; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Home:
    """A service's own directory and, when we are root, the user who owns it."""

    directory: Path
    identity: Identity | None

    def give(self, path: Path) -> Path:
        """Hand a file or directory tree in this home to its user.

        Args:
            path: What to hand over.

        Returns:
            The same path.
        """
        if self.identity:
            own(path, self.identity)
        return path

    def write(self, name: str, text: str) -> Path:
        """Write a file of this home that only its user reads, all or nothing.

        Args:
            name: File name.
            text: What it holds.

        Returns:
            Its path.
        """
        return self.give(write_private(self.directory / name, text))


def open_home(data_dir: Path, service: str) -> Home:
    """Find or make the home of an embedded service.

    For an ordinary user it is a directory of the data directory. For root, whose directories are closed
    to the unprivileged user a database must run as, it is ``/var/lib/dockledger-<token>-<service>``, and
    the data directory holds the token and a link.

    Args:
        data_dir: The data directory; made if it does not exist.
        service: Name of the service.

    Returns:
        The home, existing and private.

    Raises:
        HomeError: If the data directory belongs to another user.
    """
    data_dir = private_directory(data_dir).resolve()
    if os.geteuid() != 0:
        return Home(private_directory(data_dir / service), None)
    token = _instance_token(data_dir)
    directory = SYSTEM_DIR / f"{_SYSTEM_PREFIX}{token}-{service}"
    if directory.is_dir():
        identity = Identity(directory.stat().st_gid, directory.stat().st_gid)
    else:
        identity = _unused_identity(directory.name)
        directory.mkdir(mode=0o710)
        os.chown(directory, 0, identity.gid)
    link = data_dir / service
    if not link.is_symlink():
        link.symlink_to(directory)
    return Home(directory, identity)


def erase(data_dir: Path) -> None:
    """Remove a data directory with everything that lives outside of it for its sake.

    Args:
        data_dir: The data directory; no service of it may be running.
    """
    for entry in data_dir.iterdir() if data_dir.is_dir() else ():
        target = entry.readlink() if entry.is_symlink() else None
        if target is not None and target.parent == SYSTEM_DIR and target.name.startswith(_SYSTEM_PREFIX):
            shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(data_dir, ignore_errors=True)


def public_copy(root: Path, parts: tuple[str, ...], distribution: str) -> Path:
    """Give programs of a wheel a place where an unprivileged user can run them.

    Args:
        root: Directory that holds the parts, perhaps below root's private directories.
        parts: Programs and directories of the wheel, relative to the root; they find each other by it.
        distribution: The wheel's name; its version is part of the copy's name.

    Returns:
        The same root for an ordinary user, else the root of the copy, made once per version.
    """
    if os.geteuid() != 0:
        return root
    copy = SYSTEM_DIR / "dockledger" / f"{distribution}-{version(distribution)}"
    if copy.exists():
        return copy
    unfinished = copy.with_name(f".{copy.name}.{os.getpid()}")
    skipped = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a")
    for part in parts:
        source, target = root / part, unfinished / part
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=skipped)
        else:
            shutil.copy2(source, target)
    try:
        unfinished.rename(copy)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not copy.exists():
            raise
    return copy


def private_directory(path: Path) -> Path:
    """Make a directory that only its owner enters, leaving its parents as they are.

    Args:
        path: The directory.

    Returns:
        The same path.

    Raises:
        HomeError: If it belongs to another user.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise HomeError(
            f"directory {str(path)!r} belongs to user {owner}: expected {os.geteuid()}, who runs this;"
            " choose another with --data-dir"
        )
    return path


def write_private(path: Path, text: str) -> Path:
    """Write a file that only its owner reads, all or nothing.

    Args:
        path: The file.
        text: What it holds.

    Returns:
        The same path.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return unfinished.replace(path)


def own(path: Path, identity: Identity) -> None:
    """Make a user the owner of a file or a whole tree, never through a link.

    Args:
        path: File or directory.
        identity: The new owner.
    """
    os.chown(path, identity.uid, identity.gid, follow_symlinks=False)
    for parent, directories, files in os.walk(path):
        for name in (*directories, *files):
            os.chown(Path(parent) / name, identity.uid, identity.gid, follow_symlinks=False)


def existing_unprivileged_user() -> int:
    """Find a user that the system's user database knows and that owns nothing.

    Returns:
        The uid of ``nobody``.

    Raises:
        HomeError: If there is none.
    """
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError as error:
        raise HomeError("the system has no user 'nobody': expected one, to prepare a database as") from error


def _instance_token(data_dir: Path) -> str:
    path = data_dir / "instance"
    if not path.exists():
        write_private(path, secrets.token_hex(4))
    return path.read_text(encoding="ascii")


def _unused_identity(name: str) -> Identity:
    taken = {home.stat().st_gid for home in SYSTEM_DIR.glob(f"{_SYSTEM_PREFIX}*")}
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    for step in range(len(_TRANSIENT_UIDS)):
        uid = _TRANSIENT_UIDS[(start + step) % len(_TRANSIENT_UIDS)]
        if uid not in taken and not _has_account(uid):
            return Identity(uid, uid)
    raise HomeError(f"no unused user id between {_TRANSIENT_UIDS[0]} and {_TRANSIENT_UIDS[-1]}")


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
