"""What a file of windows does not say of a visit stays; many are moved in one order of locks."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest

from cloud.db import LastingConnection, in_transaction
from cloud.documents import appointments
from cloud.documents.appointment_rows import read_appointments
from cloud.documents.appointments import AtDoor
from cloud.documents.domain import DocumentError
from cloud.sheets.fields import Conventions
from tests.integration.documents.dock import KEEPER, Dock, open_dock
from tests.integration.ledger.scenario import SITE, at
from tests.patience import PATIENCE_S


@pytest.fixture
def dock(database: object) -> Iterator[Dock]:
    with open_dock(database) as dock:
        yield dock


def moves(dock: Dock, path: Path, text: str) -> list[AtDoor]:
    path.write_text(text, "utf-8")
    rows = read_appointments(path, site=SITE, conventions=Conventions())
    return dock.ledger.as_app(lambda conn: appointments.appoint_all(conn, KEEPER, rows, now=at(0)))


def test_a_column_that_the_file_has_not_leaves_what_there_is(dock: Dock, tmp_path: Path) -> None:
    dock.expect("V-1")
    path = tmp_path / "windows.csv"
    head = "visit,door,from_at"
    end = datetime.fromisoformat("2026-03-02T10:00Z")
    (row,) = moves(dock, path, f"{head},to_at,carrier\nV-1,dock-2,2026-03-02T09:00Z,2026-03-02T10:00Z,DSV\n")
    assert (row.to_at, row.carrier) == (end, "DSV")
    (row,) = moves(dock, path, f"{head}\nV-1,dock-1,2026-03-02T08:00Z\n")
    assert (row.door, row.to_at, row.carrier) == ("dock-1", end, "DSV")
    with pytest.raises(DocumentError, match=r"line 2: .*to_at 2026-03-02T10:00:00\+00:00, which stays"):
        moves(dock, path, f"{head}\nV-1,dock-1,2026-03-02T10:00Z\n")
    (row,) = moves(dock, path, f"{head},carrier\nV-1,dock-1,2026-03-02T08:00Z,\n")
    assert (row.to_at, row.carrier) == (end, None), "an empty cell clears it"
    (row,) = moves(dock, path, f"{head},to_at\nV-1,dock-1,2026-03-02T12:00Z,\n")
    assert row.to_at is None


def test_files_in_other_orders_wait_for_each_other_and_never_both(dock: Dock, tmp_path: Path) -> None:
    for visit in ("V-1", "V-2"):
        dock.expect(visit)
    path = tmp_path / "windows.csv"
    path.write_text(
        "visit,door,from_at\nV-2,dock-1,2026-03-02T07:00Z\nV-1,dock-1,2026-03-02T07:00Z\n", "utf-8"
    )
    rows = read_appointments(path, site=SITE, conventions=Conventions())

    def other() -> None:
        with closing(LastingConnection(dock.ledger.app_dsn, "test-windows")) as source:
            in_transaction(source, lambda conn: appointments.appoint_all(conn, KEEPER, rows, now=at(0)))

    lock = "SELECT FROM visit WHERE visit = %s FOR UPDATE NOWAIT"
    thread = threading.Thread(target=other)
    with psycopg.connect(dock.ledger.owner_dsn) as mine:
        mine.execute(lock, ("V-1",))
        thread.start()
        last = monotonic() + PATIENCE_S
        while not dock.ledger.query(
            "SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE NOT l.granted AND a.datname = current_database()"
        ):
            assert monotonic() < last, "it does not wait"
            sleep(0.05)
        mine.execute(lock, ("V-2",))
    thread.join(PATIENCE_S)
    assert dock.story("V-2").visit.from_at.hour == 7
