"""What a source may touch on this machine: secrets and folders of its site, below what the operator named.

Whoever adds a source names a variable, file or folder; these limits keep that from being any one there is,
and from being another site's.
"""

import os
from pathlib import Path
from typing import Final

from cloud.demand.sources.domain import Source, SourceAwayError, secret_faults

SECRETS: Final = "DEMAND_SOURCE_SECRETS"
"""Environment variable that names the directory of secrets' files, each in a folder named as its site."""
FOLDERS: Final = "DEMAND_SOURCE_FOLDERS"
"""Environment variable that names the directory of sources' folders, each in one named as its site."""
_LONGEST_SECRET: Final = 8192


def secret_of(source: Source) -> str | None:
    """Read a source's secret.

    Args:
        source: It.

    Returns:
        The secret; None if it needs none.

    Raises:
        SourceAwayError: If it is not there, or cannot be a header's value.
    """
    if source.secret_from is None:
        return None
    if faults := secret_faults(source.site, source.secret_from):
        raise SourceAwayError("; ".join(faults))
    kind, _, name = source.secret_from.partition(":")
    text = os.environ.get(name) if kind == "env" else _from_file(source.site, name)
    if not text:
        raise SourceAwayError(
            f"secret {source.secret_from}: this process has no such variable or it is empty"
        )
    if not text.isascii() or not text.isprintable() or len(text) > _LONGEST_SECRET:
        raise SourceAwayError(f"secret {source.secret_from}: expected one line of printable ASCII")
    return text


def folder_of(source: Source) -> Path:
    """Find a source's folder.

    Args:
        source: A file drop.

    Returns:
        The folder, links followed.

    Raises:
        SourceAwayError: If it is not there, or not below the one that the operator named.
    """
    root = os.environ.get(FOLDERS)
    if not root:
        raise SourceAwayError(f"{FOLDERS} is not set: expected the directory that holds folders of demand")
    try:
        top = (Path(root).resolve(strict=True) / source.site).resolve(strict=True)
        folder = Path(source.address or "").resolve(strict=True)
    except OSError as error:
        raise SourceAwayError(f"{error.filename}: {error.strerror}") from error
    if not folder.is_dir() or not folder.is_relative_to(top):
        raise SourceAwayError(f"{source.address}: expected a folder below {FOLDERS}/{source.site}")
    return folder


def _from_file(site: str, name: str) -> str:
    directory = os.environ.get(SECRETS)
    if not directory:
        raise SourceAwayError(f"{SECRETS} is not set: expected the directory of the file {site}/{name}")
    try:
        return (Path(directory) / site / name).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceAwayError(f"secret {site}/{name} in {SECRETS}: {error}") from error
