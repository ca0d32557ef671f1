"""Labels at the gateway: SSCCs each given once, printers with their moods, prints that are recorded."""

import io
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.labels import LabelError, LabelKind, LabelOrder
from contracts.offline import ReferenceSnapshot, SsccBlock
from edge_agent.cli import build_parser
from edge_agent.clock import Clock, Stamp
from edge_agent.labels.command import label_command
from edge_agent.labels.desk import LabelDesk
from edge_agent.labels.domain import StatusUnreadableError, parse_host_status
from edge_agent.labels.logbook import Logbook
from edge_agent.labels.printer import PrinterError, PrinterUncertainError, ask_status, send_label
from edge_agent.labels.queues import MOST_TOLD, MOST_WAITING, PrintQueues
from edge_agent.labels.settings import PrinterSettings
from edge_agent.labels.shelf import LabelShelf, NoSerialsError
from edge_agent.readers.framing import Frame
from edge_agent.readers.profile import load_profile
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.session import Session
from simulators.zpl_printer.server import ZplPrinter
from tests.patience import PATIENCE_S
from tests.unit.workflows.test_session import SITE, MemoryJournal

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
BIN = LabelOrder(LabelKind.BIN, {"location": "A-01"})


@pytest.fixture
def printer() -> Iterator[ZplPrinter]:
    printer = ZplPrinter()
    yield printer
    printer.close()


def settings(printer: ZplPrinter, **fields: Any) -> PrinterSettings:
    return PrinterSettings(**{"id": "zt1", "host": "127.0.0.1", "port": printer.port} | fields)


def reference(shelf: LabelShelf, revision: int, *serials: tuple[int, int], **fields: Any) -> bytes:
    blocks = [
        SsccBlock(
            company_prefix="9521141",
            extension_digit=0,
            first_serial=first,
            last_serial=last,
            shelf=fields.get("shelf", shelf.counters()["label_shelf"]),
        )
        for first, last in serials
    ]
    site = fields.get("site", "leeds")
    message = ReferenceSnapshot(site=site, revision=revision, issued_at=NOW, sscc_blocks=tuple(blocks))
    return message.model_dump_json().encode()


def serial_of(sscc: str) -> int:
    return int(sscc[8:17])


def test_each_number_is_given_once_to_many_who_ask_over_restarts_and_blocks(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    shelf = LabelShelf(path, "leeds")
    with pytest.raises(NoSerialsError, match="the cloud sends more"):
        shelf.promise("scan-1", None)
    assert shelf.take(reference(shelf, 5, (1, 43)))
    assert not shelf.take(reference(shelf, 5, (1, 43))), "a retained message says it again"
    assert not shelf.take(reference(shelf, 4, (1, 43), (44, 99))), "a lower revision"
    assert not shelf.take(reference(shelf, 6, (44, 99), site="york"))
    assert not shelf.take(b"{}")
    assert (shelf.refused, shelf.unreadable) == (2, 1)
    first = shelf.promise("scan-1", None)
    held = shelf.promise("scan-1", first)
    assert held == shelf.promise("scan-1", first), "until it is used"
    forgetful = shelf.promise("scan-1", None)
    assert len({first, held, forgetful}) == 3, "who lost its state may have used what it was promised"

    def work(scanner: str) -> list[str]:
        own, mine = LabelShelf(path, "leeds"), []
        used = None
        for _ in range(10):
            used = own.promise(scanner, used)
            mine.append(used)
        return mine

    with ThreadPoolExecutor(4) as crowd:
        given = [
            sscc for each in crowd.map(work, ["scan-1", "scan-2", "scan-3", "@terminal"]) for sscc in each
        ]
    assert sorted(map(serial_of, given)) == list(range(4, 44))
    with pytest.raises(NoSerialsError):
        shelf.promise("scan-4", None)
    assert shelf.take(reference(shelf, 7, (1, 43), (44, 53)))
    assert serial_of(LabelShelf(path, "leeds").promise("scan-4", None)) == 44
    assert shelf.counters()["sscc_left"] == 9


def test_a_shelf_that_begins_anew_uses_no_block_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    shelf = LabelShelf(path, "leeds")
    before = reference(shelf, 5, (1, 40))
    shelf.take(before)
    assert serial_of(shelf.promise("scan-1", None)) == 1
    path.write_bytes(b"{half a li")
    assert shelf.take(before), "the retained message comes again"
    assert shelf.counters() | {"label_shelf": 0} == {
        "label_shelf": 0,
        "sscc_left": 0,
        "reference_revision": 5,
    }
    assert path.with_name("labels.json.damaged").read_bytes() == b"{half a li"
    assert shelf.take(reference(shelf, 6, (41, 50)))
    assert serial_of(shelf.promise("scan-1", None)) == 41


WRONG = [
    ({"paper_out": True}, "the paper is out; nothing was printed"),
    ({"head_open": True, "paused": True}, "the head is open; nothing was printed"),
    ({"ribbon_out": True, "paper_out": True}, "the paper is out, the ribbon is out"),
    ({"paused": True}, "it is paused: press PAUSE"),
    ({"babbles": True}, "asks_status = false if it cannot"),
]


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_a_printer_that_cannot_print_is_told_and_prints_nothing(
    printer: ZplPrinter, wrong: dict[str, bool], told: str
) -> None:
    printer.set_out(**wrong)
    with pytest.raises(PrinterError, match=told):
        send_label(settings(printer), "^XA^XZ")
    assert printer.labels == []
    printer.set_out()
    assert ask_status(settings(printer)).faults == ()
    send_label(settings(printer), "^XA^FDlabel^FS^XZ")
    assert printer.labels == ["^XA^FDlabel^FS^XZ"]


def test_a_label_on_its_way_is_never_sent_twice_and_a_dead_printer_is_named(
    printer: ZplPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer.set_out(hangs_up=True)
    with pytest.raises(PrinterUncertainError, match="look whether it was printed"):
        send_label(settings(printer), "^XA" + "x" * 2_000_000 + "^XZ")
    assert printer.labels == []
    printer.set_out(is_mute=True)
    monkeypatch.setattr("edge_agent.labels.printer.ANSWER_S", 0.1)
    with pytest.raises(PrinterError, match="does not say how it is"):
        send_label(settings(printer), "^XA^XZ")
    send_label(settings(printer, asks_status=False), "^XA^XZ")
    assert printer.labels == ["^XA^XZ"]
    printer.close()
    monkeypatch.setattr("edge_agent.labels.printer.AGAIN_AFTER_S", 0)
    with pytest.raises(PrinterError, match="is it on, and on the network"):
        ask_status(settings(printer))


def test_a_printer_that_never_ends_is_let_go_and_one_that_takes_nothing_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_agent.labels.printer.ANSWER_S", 0.1)
    let_go = threading.Event()

    def trickle(listening: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                while not let_go.wait(0.01):
                    connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        printer = PrinterSettings(id="zt1", host="127.0.0.1", port=listening.getsockname()[1])
        talking = threading.Thread(target=trickle, args=(listening,))
        talking.start()
        try:
            with pytest.raises(PrinterError, match="does not say how it is"):
                send_label(printer, "^XA^XZ")
            send_label(printer.model_copy(update={"asks_status": False}), "^XA^XZ")
        finally:
            let_go.set()
            socket.create_connection(listening.getsockname()).close()  # for whoever still waits for one
            talking.join()
        with pytest.raises(PrinterUncertainError, match="look whether it was printed"):
            send_label(printer.model_copy(update={"asks_status": False}), "x" * 20_000_000)


@pytest.mark.parametrize("answer", [b"", b"\x02a,b\x03", b"\x02030,0,0,x,y,0,0,0,000,0,0,0\x03" * 3])
def test_an_answer_that_is_no_host_status_is_shown(answer: bytes) -> None:
    with pytest.raises(StatusUnreadableError, match="expected three lines"):
        parse_host_status(answer)


def test_a_desk_chooses_the_printer_and_refuses_templates_of_other_heads(
    printer: ZplPrinter, tmp_path: Path
) -> None:
    own = settings(printer, id="own", scanners=("scan-1",))
    free, fine = settings(printer, id="free"), settings(printer, id="fine", dots_per_mm=12)

    def desk_of(*printers: PrinterSettings) -> LabelDesk:
        return LabelDesk(tmp_path / "outbox.db", "leeds", printers)

    desk = desk_of(own, free)
    chosen = [desk.printer_of("scan-1"), desk.printer_of("scan-2")]
    assert [each.id for each in chosen if each] == ["own", "free"]
    assert desk.print_label("scan-1", BIN) is None
    assert "^FDA-01^FS" in printer.labels[0]
    desk = desk_of(fine)
    assert "template 'bin' is for 8 dots a millimetre, the printer has 12" in str(
        desk.print_label("scan-1", BIN)
    )
    desk = desk_of(free)
    assert "no field" in str(desk.print_label("scan-1", LabelOrder(LabelKind.BIN, {"bin": "A"})))
    lock = tmp_path / "labels.json.lock"
    lock.unlink()
    lock.mkdir()
    assert str(lock) in str(desk.print_label("scan-1", BIN)), "told at the scanner, whose thread goes on"
    assert desk.misuses()["labels_not_stored"] == 1
    lock.rmdir()
    desk = desk_of()
    assert desk.print_label("scan-1", BIN) == "no printer prints for this scanner"
    assert desk.counters() == {}
    assert not desk.take(b"{}")
    with pytest.raises(LabelError, match="there is no template 'big'"):
        desk.zpl(LabelOrder(LabelKind.BIN, {"location": "A"}, template="big"))


def test_a_dead_printer_holds_no_scanner_up_and_what_came_of_the_label_is_told_when_it_is_known(
    printer: ZplPrinter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.labels.printer.ANSWER_S", 60)
    monkeypatch.setattr("edge_agent.labels.printer.AGAIN_AFTER_S", 0)
    journal, tally, said = MemoryJournal(), Counter[str](), []
    with socket.create_server(("127.0.0.1", 0)) as dead:
        port = dead.getsockname()[1]
        slow = PrinterSettings(id="dead", host="127.0.0.1", port=port, scanners=("scan-1",))
        desk = LabelDesk(tmp_path / "outbox.db", "leeds", (slow, settings(printer)))
        queues = PrintQueues(desk)

        def scanner(device: str) -> Session:
            engine = Engine(device, SITE, labels=desk)
            profile = load_profile("generic_terminal")
            session = Session(engine, profile, journal, Clock(), tally, printers=queues)
            session.connected(said.append)
            return session

        def scan(session: Session, *texts: str) -> list[bytes]:
            before = len(said)
            session.scanned([Frame(f"]C0{text}".encode()) for text in texts])
            return said[before:]

        one, other = scanner("scan-1"), scanner("scan-2")
        try:
            assert b"label of 85123" in scan(one, "$SHIP/I-1", "85123", "$PRINT")[-1]
            waiting, _ = dead.accept()
            assert scan(one, "71053")[0][:1] == b"\x06", "it goes on while the printer says nothing"
            scan(other, "$SHIP/I-2", "85123", "$PRINT")
            until = time.monotonic() + PATIENCE_S
            while not printer.labels:  # of its own queue
                assert time.monotonic() < until
                other.silent()
            one.silent()
            assert b"no label" not in said[-1]
            waiting.close()
            until = time.monotonic() + PATIENCE_S
            while b"no label of 85123" not in said[-1]:
                assert time.monotonic() < until
                one.silent()
            assert b"does not say how it is" in said[-1]
            failed = [each for each in journal.records if getattr(each, "outcome", "") == "failed"]
            assert [(each.workflow, each.subject) for each in failed] == [("label", "85123")]
            scan(one, "$PRINT")
            again, _ = dead.accept()
            for _ in range(MOST_WAITING + 1):
                scan(one, "$PRINT")
            one.silent()
            assert f"{MOST_WAITING} labels wait for printer dead".encode() in said[-1]
            again.close()
        finally:
            dead.close()
            queues.stop()
        one.disconnected()
        assert tally["labels_not_printed"] == MOST_WAITING + 3, "those that waited were told, and recorded"
        other.silent()
        assert tally["labels_printed"] == 1


def test_whatever_goes_wrong_with_a_label_is_told_and_the_next_one_is_printed(
    printer: ZplPrinter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ("printer..local", "p" * 64 + ".local", "a b", "a\0b"):
        with pytest.raises(ValueError, match=r"host\n"):
            settings(printer, host=host)
    queues = PrintQueues(LabelDesk(tmp_path / "outbox.db", "leeds", (settings(printer),)))

    def printed() -> str | None:
        queues.request("scan-1", BIN, "ann")
        until = time.monotonic() + PATIENCE_S
        while not (found := queues.results("scan-1")):
            assert time.monotonic() < until
        return found[0].problem

    def fail(_printer: PrinterSettings, _zpl: str) -> None:
        raise UnicodeError("\0" + "idna" * 200)

    try:
        with monkeypatch.context() as patched:
            patched.setattr("edge_agent.labels.desk.send_label", fail)
            told = str(printed())
        assert told.startswith("a fault of the agent, look into its log (UnicodeError: idna")
        assert len(told) == MOST_TOLD, "it fits a record"
        assert printed() is None
    finally:
        queues.stop()
    assert len(printer.labels) == 1


@pytest.fixture
def terminal(printer: ZplPrinter, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    def run(*words: str) -> tuple[int, str]:
        out = io.StringIO()
        code = label_command(
            build_parser().parse_args(["label", *words]),
            outbox=tmp_path / "outbox.db",
            site="leeds",
            printers=(settings(printer),),
            out=out,
            err=out,
        )
        return code, out.getvalue()

    return run


def test_a_new_unit_is_labelled_at_the_terminal_and_its_reprint_says_why(
    printer: ZplPrinter, terminal: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    shelf = LabelShelf(tmp_path / "labels.json", "leeds")
    shelf.take(reference(shelf, 5, (1, 40)))
    code, said = terminal("print", "sscc", "sscc=new", "content=Tea", "--actor", "ann")
    sscc = said.split()[1]
    assert (code, serial_of(sscc)) == (0, 1)
    assert f"(00){sscc}" not in printer.labels[0], "a printer writes it itself"
    assert f">;>800{sscc}" in printer.labels[0]
    assert terminal("print", "sscc", f"sscc={sscc}")[0] == 1
    printer.set_out(paper_out=True)
    code, said = terminal("print", "sscc", f"sscc={sscc}", "--reason", "torn", "--actor", "ann")
    assert (code, "the paper is out" in said) == (1, True)
    assert terminal("status") == (1, "zt1  the paper is out\n39 SSCCs left\n")
    assert terminal("preview", "bin", "location=A-01")[1].startswith("^XA")
    assert terminal("print", "bin", "location=A", "--printer", "zt9")[1].startswith(
        "printer 'zt9': expected one of zt1"
    )
    assert terminal("print", "bin", "location")[1] == "'location': expected FIELD=VALUE\n"
    book = Logbook(tmp_path / "outbox.db")
    noted = book.waiting(None)
    assert noted is not None
    told = [
        (each.record.outcome, each.record.actor, json.loads(each.record.model_dump_json()).get("reason"))
        for each in noted.drafts
    ]
    assert told == [("printed", "ann", None), ("reprinted", "ann", "torn"), ("failed", "ann", told[2][2])]
    assert {each.record.subject for each in noted.drafts} == {sscc}
    assert book.waiting(noted.last) is None, "recorded, and not yet forgotten"
    book.note(
        Stamp(NOW, 1, "b", clock_ok=True),
        kind="bin",
        outcome="printed",
        actor="ann",
        subject="A",
        copies=1,
        printer="zt1",
    )
    book.forget(noted.last)
    left = book.waiting(noted.last)
    assert left is not None
    assert [each.record.subject for each in left.drafts] == ["A"]
    book.forget(left.last)
    assert book.is_blank
