"""A backup restores to the same ledger under a new identity, and edges make good what followed it."""

from pathlib import Path

import psycopg
import pytest
from scenario import Ledger, Outbox, move
from test_verification import fill

from cloud.ledger.backup.archive import BackupError, back_up, restore
from cloud.ledger.balances import rebuild_balances, wrong_balances
from cloud.ledger.verification.service import verify


def quiet(_step: str, _done: int, _total: int) -> None:
    """Show nothing."""


def identity(ledger: Ledger) -> tuple:
    return ledger.query("SELECT ledger_id, position FROM ledger_identity, ledger_head")[0]


def test_restoring_yesterdays_backup_loses_and_doubles_nothing(ledger: Ledger, tmp_path: Path) -> None:
    fill(ledger)
    file = tmp_path / "yesterday.backup"
    kept = ledger.as_owner(lambda conn: back_up(conn, file, quiet))
    ledger_id, position = identity(ledger)
    assert (kept.ledger_id, kept.position) == (str(ledger_id), position)
    assert file.stat().st_mode & 0o777 == 0o600

    today = Outbox("gw-2")
    batch = today.seal([move("3", "@supplier", "A-01", item="00000000000017")])
    ledger.post(batch)
    after = ledger.balances()
    restored = ledger.as_owner(lambda conn: restore(conn, file, replace=True, progress=quiet))
    assert restored.position == position
    assert restored.ledger_id != str(ledger_id)
    assert identity(ledger)[1] == position
    assert ledger.as_owner(verify).is_clean

    ledger.post(batch)
    assert ledger.balances() == after
    assert ledger.as_owner(verify).is_clean


def test_a_restore_replaces_nothing_unasked(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "empty.backup"
    ledger.as_owner(lambda conn: back_up(conn, file, quiet))
    with pytest.raises(BackupError, match="exists; expected the name of a new file"):
        ledger.as_owner(lambda conn: back_up(conn, file, quiet))
    ledger.post(Outbox().seal([move("1", "@supplier", "A-01")]))
    with pytest.raises(BackupError, match="holds 1 positions; expected an empty one, or --replace"):
        ledger.as_owner(lambda conn: restore(conn, file, replace=False, progress=quiet))
    assert ledger.balances() == {"@supplier": -1, "A-01": 1}


@pytest.mark.parametrize("damage", ["not a zip", "cut short", "flipped"])
def test_a_damaged_backup_changes_nothing(ledger: Ledger, tmp_path: Path, damage: str) -> None:
    fill(ledger)
    before = ledger.balances()
    file = tmp_path / "damaged.backup"
    ledger.as_owner(lambda conn: back_up(conn, file, quiet))
    content = bytearray(file.read_bytes())
    if damage == "not a zip":
        content = bytearray(b"hello")
    elif damage == "cut short":
        content = content[: len(content) // 2]
    else:
        for place in range(len(content) // 4, len(content) // 2, 97):
            content[place] ^= 0x55
    file.write_bytes(content)
    with pytest.raises((BackupError, psycopg.DataError, psycopg.IntegrityError)):
        ledger.as_owner(lambda conn: restore(conn, file, replace=True, progress=quiet))
    assert ledger.balances() == before
    with pytest.raises(psycopg.errors.RestrictViolation):
        ledger.as_owner(lambda conn: conn.execute("DELETE FROM movement"))


def test_wrong_balances_are_shown_and_mended(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("4", "@supplier", "A-01")]))
    assert ledger.as_owner(wrong_balances) == []
    ledger.as_owner(lambda conn: conn.execute("UPDATE balance SET quantity = 3 WHERE quantity = 4"))
    ((_, _, location, found, expected),) = ledger.as_owner(wrong_balances)
    assert (location, found, expected) == ("A-01", 3, 4)
    assert len(ledger.as_owner(rebuild_balances)) == 1
    assert ledger.as_owner(wrong_balances) == []
    assert ledger.query("SELECT action FROM audit_event") == [("balances_rebuilt",)]
