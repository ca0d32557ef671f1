"""The backup file: a zip of one COPY stream per table and a manifest that says what it holds."""

import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import orjson

from cloud.db import Connection
from cloud.ledger import store as ledger_store
from cloud.ledger.backup import store
from cloud.ledger.backup.store import TableShape

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_BLOCK_BYTES: Final = 1 << 20
_LEVEL: Final = 1
SERIALS_PASSED_OVER: Final = 100_000
"""At a restore, of each series of SSCCs: gateways may hold those that were reserved after the backup."""

Progress = Callable[[str, int, int], None]
"""Told a table's name, how many are done and how many there are."""


class BackupError(Exception):
    """A backup that cannot be made or restored; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds, or what was restored."""

    ledger_id: str
    position: int
    next_serials: Mapping[str, int] = field(default_factory=dict)
    """Of SSCCs after a restore, by site."""


def back_up(conn: Connection, file: Path, progress: Progress) -> Kept:
    """Write the whole database to a file, as of one instant, while it works on.

    Args:
        conn: A connection of the owner, inside a transaction that has done nothing yet.
        file: Must not exist; appears whole or not at all, readable by its owner only.
        progress: Told how far it is.

    Returns:
        What the file holds.

    Raises:
        BackupError: If the file exists.
    """
    if file.exists():
        raise BackupError(f"{file} exists; expected the name of a new file")
    store.begin_snapshot(conn)
    shapes = store.tables(conn)
    position, ledger_id = store.position(conn)
    manifest = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(),
        "ledger_id": ledger_id,
        "position": position,
        "migrations": store.migrations(conn),
        "sequences": store.sequences(conn),
        "tables": {shape.name: shape.columns for shape in shapes},
    }
    partial = file.with_name(file.name + ".partial")
    try:
        with (
            os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw,
            ZipFile(raw, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
        ):
            archive.writestr(_MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
            for done, shape in enumerate(shapes):
                progress(shape.name, done, len(shapes))
                with archive.open(shape.name, "w", force_zip64=True) as member:
                    for block in store.read_table(conn, shape):
                        member.write(block)
            archive.close()
            raw.flush()
            os.fsync(raw.fileno())
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    progress("done", len(shapes), len(shapes))
    return Kept(ledger_id, position)


def restore(conn: Connection, file: Path, *, replace: bool, progress: Progress) -> Kept:
    """Fill a migrated database from a backup; the ledger gets a new identity, so that edges send anew (F23).

    Args:
        conn: A connection of the owner, inside a transaction.
        file: Written by ``back_up`` of a release with the same migrations.
        replace: Whether to replace a ledger that holds postings.
        progress: Told how far it is.

    Returns:
        The new identity and the position restored.

    Raises:
        BackupError: If the file is no backup or of other migrations, or the ledger holds postings.
    """
    held, _ = store.position(conn)
    if held and not replace:
        raise BackupError(f"the ledger holds {held} positions; expected an empty one, or --replace")
    try:
        with ZipFile(file) as archive:
            manifest = orjson.loads(archive.read(_MANIFEST))
            _check_migrations(manifest["migrations"], store.migrations(conn))
            shapes = [TableShape(name, tuple(columns)) for name, columns in manifest["tables"].items()]
            store.empty(conn, store.tables(conn))
            for done, shape in enumerate(shapes):
                progress(shape.name, done, len(shapes))
                store.write_table(conn, shape, _blocks(archive, shape.name))
    except (BadZipFile, KeyError, OSError, orjson.JSONDecodeError, zlib.error) as error:
        raise BackupError(f"{file} is no backup that can be read: {error}") from error
    ledger_id = store.settle(conn, store.tables(conn), manifest["sequences"])
    next_serials = store.pass_over_given(conn, SERIALS_PASSED_OVER)
    detail = {
        "from_ledger_id": manifest["ledger_id"],
        "position": manifest["position"],
        "next_serials": next_serials,
    }
    ledger_store.record_audit(
        conn,
        actor="system:shell",
        action="ledger_restored",
        target=f"ledger:{ledger_id}",
        site=None,
        detail=orjson.dumps(detail).decode(),
    )
    progress("done", len(shapes), len(shapes))
    return Kept(ledger_id, manifest["position"], next_serials)


def _blocks(archive: ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as member:
        while block := member.read(_BLOCK_BYTES):
            yield block


def _check_migrations(made_with: dict[str, str], here: dict[str, str]) -> None:
    if made_with == here:
        return
    differing = sorted(
        name for name in made_with.keys() | here.keys() if made_with.get(name) != here.get(name)
    )
    raise BackupError(
        f"the backup was made with other migrations ({', '.join(differing)}); "
        "restore it with the release that made it, then migrate"
    )
