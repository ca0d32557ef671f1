"""A pull of a folder: files taken by a rename, stored, put to `done/`, or to `failed/` with what was wrong.

A writer writes under another name (``.part``) and renames, or leaves a file alone for `SETTLED`.
"""

import hashlib
import stat
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, DataError, IntegrityError, in_transaction
from cloud.demand.csv_file import read_csv
from cloud.demand.domain import DemandError, Fault, Faults, StagedLine
from cloud.demand.parquet_file import read_parquet
from cloud.demand.rows import Defaults
from cloud.demand.sources.confines import folder_of
from cloud.demand.sources.domain import Source, SourceAwayError
from cloud.demand.sources.keeping import Pull
from cloud.demand.sources.pages import conventions_of
from cloud.demand.xlsx_file import read_xlsx
from cloud.identity.store import act_as

SETTLED: Final = timedelta(seconds=5)
"""So long a file must have been left alone."""
MOST_BYTES: Final = 1 << 30
TAKEN, DONE, FAILED = "taken", "done", "failed"
_SUFFIXES: Final = frozenset({".csv", ".parquet", ".xlsx"})
_SHOWN_FAULTS: Final = 20
_AT_ONCE: Final = 1 << 20


def pull_drop(pull: Pull) -> bool:
    """Pull a folder, file by file in the order of their names; a faulty file holds up no other.

    Args:
        pull: Of the source.

    Returns:
        Whether every file was taken; the next pull goes on with the others.

    Raises:
        SourceAwayError: If the folder cannot be read or written.
    """
    folder = folder_of(pull.source)
    try:
        for name in (TAKEN, DONE, FAILED):
            (folder / name).mkdir(exist_ok=True)
        for file in _files(folder / TAKEN):  # a pull that died left them: what is known changes nothing
            _store(pull, folder, file)
        for file in _files(folder):
            if not _is_settled(file, pull.now):
                continue
            if pull.is_over():
                return False
            _store(pull, folder, _moved(file, folder / TAKEN))
    except OSError as error:
        raise SourceAwayError(f"{error.filename}: {error.strerror}") from error
    return True


def _files(folder: Path) -> list[Path]:
    """List what may be demand; what a link points to is not."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in _SUFFIXES
        and not file.name.startswith(".")
        and file.name.isprintable()
        and stat.S_ISREG(file.lstat().st_mode)
    )


def _is_settled(file: Path, now: datetime) -> bool:
    return file.lstat().st_mtime <= (now - SETTLED).timestamp()


def _store(pull: Pull, folder: Path, file: Path) -> None:
    if pull.is_over():
        return
    try:
        sha256 = _sha256(file)
        pull.keep(
            partial(_lines, pull.source, file),
            origin=f"{file.name}, {'line' if file.suffix.lower() == '.csv' else 'row'}",
            cursor=None,
            sha256=sha256,
            about={"file": file.name, "sha256": sha256},
        )
    except (DemandError, DataError, IntegrityError) as error:
        words = str(error)
        kept = _moved(file, folder / FAILED)
        kept.with_name(f"{kept.name}.faults.txt").write_text(f"{words}\n", "utf-8", "replace")
        in_transaction(pull.connections, partial(_tell, pull=pull, kept=kept, words=words))
    else:
        _moved(file, folder / DONE)


def _lines(source: Source, file: Path, faults: Faults) -> Iterable[StagedLine]:
    how = source.how
    defaults = Defaults(site=source.site, source=source.name)
    suffix = file.suffix.lower()
    if suffix != ".csv":
        read = read_parquet if suffix == ".parquet" else read_xlsx
        conventions = conventions_of(how)
        lines = read(file, defaults=defaults, conventions=conventions, faults=faults, progress=_unseen)
    else:
        lines = read_csv(
            file,
            defaults=defaults,
            conventions=conventions_of(how),
            encoding=how.encoding,
            faults=faults,
            progress=_unseen,
        )
    for line in lines:
        if line.site == source.site:
            yield line
        else:
            message = f"{line.site!r:.80}: expected {source.site!r}, the site of the folder"
            faults.add(Fault(line.place, "site", message))


def _tell(conn: Connection, *, pull: Pull, kept: Path, words: str) -> None:
    act_as(conn, pull.actor)
    source, faults = pull.source, words.splitlines()
    alerts.notice(
        conn,
        [
            Notice(
                f"demand_file:{source.source_id}:{kept.name}",
                "demand_source",
                Severity.WARNING,
                f"Demand source {source.name}: {kept.name} is faulty, nothing of it was stored: {faults[0]}"[
                    :500
                ],
                source.site,
                {
                    "source_id": source.source_id,
                    "file": str(kept),
                    "faults": list(faults[:_SHOWN_FAULTS]),
                },
            )
        ],
    )


def _moved(file: Path, folder: Path) -> Path:
    """Put a file into a folder of the same disk, beside those of its name."""
    there, number = folder / file.name, 1
    while there.exists():
        number += 1
        there = folder / f"{file.stem}-{number}{file.suffix}"
    return file.rename(there)


def _sha256(file: Path) -> str:
    if (size := file.stat().st_size) > MOST_BYTES:
        raise DemandError(f"{file.name}: {size} bytes: expected at most {MOST_BYTES}")
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def _unseen(_: int) -> None:
    """Nobody watches a job's progress."""
