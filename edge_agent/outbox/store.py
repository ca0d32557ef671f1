"""The outbox's SQLite file: named statements in, typed rows out. The only door to sqlite3."""

import errno
import importlib.resources
import re
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_agent.outbox.errors import DiskFullError, OutboxError, StoreCorruptError
from edge_agent.outbox.shape import misshapen

SQLITE_VERSION: Final = sqlite3.sqlite_version
PAGE_BYTES: Final = 4096
CHECKPOINT_PAGES: Final = 200
JOURNAL_LIMIT_BYTES: Final = 0
"""The first commit after a checkpoint cuts the log behind itself, so that stale frames never follow committed
ones: ``wal.judge`` rests on it."""
_VACUUM_PAGES: Final = 256
_DISK_FULL_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_FSYNC,
    }
)
_CORRUPT_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema; additive, so that the release before can run on the result."""

    number: int
    name: str
    sql: str


class Store:
    """One SQLite connection. The writer has the only one that writes and checkpoints."""

    def __init__(self, connection: sqlite3.Connection, path: Path, *, is_patient: bool = False) -> None:
        """Wrap an open connection; use ``create_or_open`` or ``open_readonly``.

        Args:
            connection: In autocommit mode.
            path: Its file, for messages.
            is_patient: Whether it is known to be damaged: then whoever reads judges each value.
        """
        self._connection = connection
        self._is_patient = is_patient
        self.path = path
        self._queries = _named_statements(_package_text("queries.sql"))

    @classmethod
    def create_or_open(cls, path: Path, migrations: Sequence[Migration] | None = None) -> "Store":
        """Open for writing, migrate, and check the whole file.

        Args:
            path: The database file; made when absent.
            migrations: Steps of the schema; the packaged ones by default.

        Returns:
            The open store.

        Raises:
            StoreCorruptError: If the file is not a sound database.
            DiskFullError: If there is no space to open it.
        """
        with _translated(path):
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        store = cls(connection, path)
        try:
            with _translated(path):
                connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
                connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_BYTES}")
                connection.execute("PRAGMA cache_size = -4096")
                problem = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            _expect_integrity(path, problem)
            store._migrate(packaged_migrations() if migrations is None else migrations)
        except BaseException:
            connection.close()
            raise
        return store

    @classmethod
    def open_readonly(cls, path: Path, *, is_patient: bool = False) -> "Store":
        """Open a file for reading only, beside a writer or as a patient.

        A file that was closed in order is read as it lies: SQLite would make files beside it that belong to
        whoever looks, and that the agent's user then could not open.

        Args:
            path: The database file; must exist.
            is_patient: Whether its values are not what was written, perhaps.

        Returns:
            The open store.

        Raises:
            OutboxError: If it cannot be opened at all.
        """
        if not path.exists():
            raise OutboxError(f"outbox {str(path)!r} does not exist: no agent has run here with it")
        is_closed = not path.with_name(path.name + "-wal").exists()
        mode = "mode=ro&immutable=1" if is_closed else "mode=ro"
        with _translated(path):
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?{mode}", uri=True, check_same_thread=False, timeout=5
            )
        connection.isolation_level = None
        return cls(connection, path, is_patient=is_patient)

    def close(self) -> None:
        """Checkpoint, if this is the writer, and close."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit durably on leaving; roll back on any error.

        Raises:
            DiskFullError: If the volume is full; nothing was stored.
            StoreCorruptError: If the file is damaged; nothing was stored.
        """
        with _translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def run(self, name: str, **values: Any) -> int:
        """Run a statement.

        Args:
            name: Its name in ``queries.sql``.
            **values: Its parameters.

        Returns:
            How many rows it changed.
        """
        with _translated(self.path):
            return self._connection.execute(self._queries[name], values).rowcount

    def run_many(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once per row.

        Args:
            name: Its name in ``queries.sql``.
            rows: Positional parameters.
        """
        with _translated(self.path):
            self._connection.executemany(self._queries[name], rows)

    def rows(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        """Fetch all rows of a bounded query.

        Args:
            name: Its name in ``queries.sql``.
            **values: Its parameters.

        Returns:
            The rows.
        """
        return list(self.each(name, **values))

    def row(self, name: str, **values: Any) -> tuple[Any, ...] | None:
        """Fetch the first row.

        Args:
            name: Its name in ``queries.sql``.
            **values: Its parameters.

        Returns:
            The row, or None.
        """
        with closing(self.each(name, **values)) as found:
            return next(found, None)

    def each(self, name: str, **values: Any) -> Generator[tuple[Any, ...], None, None]:
        """Read rows one at a time, so that what comes before a damaged page is not lost.

        Args:
            name: Its name in ``queries.sql``.
            **values: Its parameters.

        Yields:
            Rows.

        Raises:
            StoreCorruptError: At the first row that cannot be read, or holds what its columns never hold.
        """
        with _translated(self.path):
            found = self._connection.execute(self._queries[name], values)
            columns = [str(each[0]) for each in found.description or ()]
            for row in found:
                if not self._is_patient and (wrong := misshapen(columns, row)):
                    raise StoreCorruptError(f"{self.path}: {wrong}")
                yield row

    def fault(self) -> str | None:
        """Read the whole file and look for damage.

        Returns:
            What is wrong first; None if nothing is.
        """
        try:
            found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            return str(error)
        return None if found == "ok" else str(found)

    def used_bytes(self) -> int:
        """Tell how much of the file holds data.

        Returns:
            Bytes of the pages in use; free pages inside the file do not count.
        """
        with _translated(self.path):
            pages, free, size = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def give_back_space(self) -> None:
        """Return some free pages to the volume, and let the log shrink."""
        with _translated(self.path):
            self._connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def schema_version(self) -> int:
        """Tell which migration the file has reached.

        Returns:
            The number of the last one; 0 for a new file.
        """
        with _translated(self.path):
            return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        for migration in migrations:
            if migration.number <= self.schema_version():
                continue
            with self.transaction():
                for statement in _statements(migration.sql):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {migration.number}")


def packaged_migrations() -> list[Migration]:
    """Read the migrations that this release carries.

    Returns:
        In ascending order of number.
    """
    folder = importlib.resources.files("edge_agent.outbox") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, (folder / name).read_text(encoding="utf-8")) for name in names]


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        text = f"{path}: {error}"
        if code in _DISK_FULL_CODES:
            raise DiskFullError(text) from error
        is_undecodable = code is None and isinstance(error, sqlite3.OperationalError)
        if is_undecodable or (code is not None and code & 0xFF in _CORRUPT_CODES):
            raise StoreCorruptError(text) from error
        raise OutboxError(f"{text} (SQLite code {code})") from error
    except UnicodeDecodeError as error:  # the words of SQLite's own complaint quote what is damaged
        raise StoreCorruptError(f"{path}: {error}") from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFullError(f"{path}: {error}") from error
        raise


def _expect_integrity(path: Path, problem: str) -> None:
    if problem != "ok":
        raise StoreCorruptError(f"{path}: integrity_check says {problem!r}, expected 'ok'")


def _package_text(name: str) -> str:
    return (importlib.resources.files("edge_agent.outbox") / name).read_text(encoding="utf-8")


def _named_statements(text: str) -> dict[str, str]:
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}


def _statements(sql: str) -> Iterator[str]:
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
