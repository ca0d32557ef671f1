"""A reader whose connection lives and that says nothing: the agent notices, the ledger knows since when."""

from datetime import datetime
from importlib.resources import files

from cloud.inquiry import operations
from contracts.records import Gap
from contracts.vocabulary import GapCause
from tests.integration.doors.conftest import SITE, Dock, until
from tests.integration.ledger.scenario import NETWORK_CONTROLLER, Outbox, open_ledger


def gaps(dock: Dock) -> list[Gap]:
    return [record for record in dock.records() if isinstance(record, Gap) and record.gap_device == "r1"]


def test_a_reader_that_is_alive_at_tcp_and_keeps_no_keepalive_is_a_silent_gap_in_the_ledger(
    dock: Dock, database: object
) -> None:
    generic = files("firmware_configs").joinpath("readers", "generic_llrp.toml").read_text("utf-8")
    profile = dock.directory / "lively.toml"
    profile.write_text(f"keepalive_s = 0.2\n{generic}")
    dock.config.write_text(
        dock.config.read_text().replace('id = "r1"\n', f'id = "r1"\nprofile = "{profile}"\n')
    )
    running = dock.start()
    until(lambda: dock.reader.is_reporting, "the reader reports")
    before = dock.reader.connections
    dock.reader.faults.silence()
    until(lambda: bool(gaps(dock)), "the gap is recorded while it lasts")
    assert dock.reader.connections > before, "it is tried again, and answers nothing"
    dock.reader.faults.speak()
    until(lambda: gaps(dock)[-1].to_at is not None, "the gap ends when it speaks")
    running.stop()
    dock.running.remove(running)
    opened, closed = gaps(dock)
    assert (opened.cause, opened.to_at, closed.cause) == (GapCause.SILENT, None, GapCause.SILENT)
    assert closed.from_at == opened.from_at
    assert isinstance(closed.to_at, datetime)
    with open_ledger(database, sites=(SITE,)) as ledger:
        outbox = Outbox(site=SITE)
        ledger.post(outbox.seal([opened]))
        (told,) = ledger.as_app(
            lambda conn: operations.gaps(conn, NETWORK_CONTROLLER, open_only=True, limit=9)
        )
        assert (told.device, told.cause, told.from_at) == ("r1", "silent", opened.from_at)
        ledger.post(outbox.seal([closed]))
        found = ledger.as_app(lambda conn: operations.gaps(conn, NETWORK_CONTROLLER, limit=9))
        assert [(each.cause, each.to_at) for each in found] == [("silent", closed.to_at)]
