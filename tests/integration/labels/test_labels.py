"""Labels in the cloud: templates with versions, SSCCs in blocks that never overlap, prints with reasons."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import ExclusionViolation, RestrictViolation

from cloud.db import DataError, open_pool
from cloud.documents.units import SeriesPaper, issue, put_series
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from cloud.labels import printing, references, service
from cloud.labels.domain import LabelWishError, StaleTemplateError, UnknownTemplateError
from cloud.ledger.backup import store
from cloud.ledger.backup.archive import SERIALS_PASSED_OVER, back_up, restore
from contracts.gs1 import sscc_of
from contracts.label_templates import STANDARD
from contracts.labels import LabelError, LabelKind, LabelOrder
from contracts.offline import ReferenceSnapshot
from contracts.records import WorkflowEvent
from edge_agent.labels.shelf import LabelShelf
from tests.integration.ledger.scenario import LATER, SITE, START, Ledger, Outbox, open_ledger

KEEPER = Actor("user:ada", frozenset({Role.SUPERVISOR}), frozenset({SITE, "york"}))
PRINTER = Actor("user:olga", frozenset({Role.OPERATOR}), frozenset({SITE}))
GTIN = "09521141123454"


@pytest.fixture
def ledger(database: object) -> Iterator[Ledger]:
    """Give a ledger with two sites that share a company prefix."""
    with open_ledger(database, sites=(SITE, "york")) as ledger:
        for site, first in ((SITE, 1), ("york", 1)):
            paper = SeriesPaper(site=site, company_prefix="952114112", first_serial=first)
            ledger.as_app(lambda conn, paper=paper: put_series(conn, KEEPER, paper))
        yield ledger


def sent(ledger: Ledger, gateway: str = "gw-1") -> list[ReferenceSnapshot]:
    rows = ledger.query(
        "SELECT m.payload FROM gateway_message m JOIN gateway g USING (gateway_id) "
        "WHERE m.channel = 'reference' AND g.name = %s ORDER BY m.message_id",
        gateway,
    )
    return [ReferenceSnapshot.model_validate(payload) for (payload,) in rows]


def health(
    ledger: Ledger, gateway: str = "gw-1", *, left: int = 0, revision: int = 0, shelf: int = 7
) -> None:
    """Let a gateway say what it has left, on which shelf, and of which message."""
    say(ledger, gateway, f'{{"label_shelf": {shelf}, "sscc_left": {left}, "reference_revision": {revision}}}')


def say(ledger: Ledger, gateway: str, counters: str) -> None:
    ledger.as_ingest(
        lambda conn: conn.execute(
            "INSERT INTO gateway_status (gateway_id, presence, heard_at, status, health, health_at) "
            "SELECT gateway_id, 'online', now(), '{}', jsonb_build_object('counters', %s::jsonb), now() "
            f"FROM gateway WHERE name = '{gateway}' "
            "ON CONFLICT (gateway_id) DO UPDATE SET health = excluded.health",
            (counters,),
        )
    )


def test_a_template_is_changed_sent_to_gateways_that_print_and_taken_back(ledger: Ledger) -> None:
    ships = STANDARD[LabelKind.BIN]
    with pytest.raises(LabelWishError, match="has not said that it prints"):
        ledger.as_app(lambda conn: references.reserve(conn, KEEPER, gateway="gw-1", now=START))
    health(ledger)
    ledger.as_app(lambda conn: references.reserve(conn, KEEPER, gateway="gw-1", size=10, now=START))
    larger = ships.model_copy(update={"zpl": ships.zpl.replace("110", "120")})

    def change(
        conn: Any, seen: int | None = 0, zpl: str = larger.zpl, reason: str = "larger", name: str = "bin"
    ) -> Any:
        given = larger.model_copy(update={"zpl": zpl, "name": name})
        return service.set_template(
            conn, KEEPER, site=SITE, given=given, reason=reason, seen_version=seen, now=START
        )

    assert ledger.as_app(change).version == 1
    assert ledger.as_app(lambda conn: change(conn, 1)).version == 1, "nothing differs"
    with pytest.raises(StaleTemplateError, match="version 1 is in force, you changed version 0"):
        ledger.as_app(lambda conn: change(conn, 0, larger.zpl.replace("120", "130")))
    for wrong, told in ((("x", "y"), "expected ^XA"), ((larger.zpl.replace("^FO30,25", "^JUS"), "y"), "^JU")):
        with pytest.raises(LabelError, match=told.replace("^", r"\^")):
            ledger.as_app(lambda conn, wrong=wrong: change(conn, 1, *wrong))
    with pytest.raises(LabelWishError, match="1 to 200 characters"):
        ledger.as_app(lambda conn: change(conn, 1, ships.zpl, " "))
    again = ledger.as_app(
        lambda conn: service.set_again(conn, KEEPER, site=SITE, name="bin", version=0, now=LATER)
    )
    assert (again.version, again.zpl, again.reason) == (2, ships.zpl, "version 0 again")
    found = ledger.as_app(lambda conn: service.versions(conn, PRINTER, site=SITE, name="bin", limit=9))
    assert [(row.version, row.set_by) for row in found] == [(2, "user:ada"), (1, "user:ada"), (0, "")]
    with pytest.raises(UnknownTemplateError, match="no label template 'bin' of version 7"):
        ledger.as_app(lambda conn: service.template(conn, PRINTER, site=SITE, name="bin", version=7))
    first, second, third = sent(ledger)
    assert first.revision < second.revision < third.revision
    told = {each.name: each for each in second.label_templates}
    assert (told["bin"].zpl, told["bin"].version, len(told)) == (larger.zpl, 1, 5)
    assert [len(each.sscc_blocks) for each in (first, third)] == [1, 1]
    assert ledger.query("SELECT count(*) FROM audit_event WHERE action = 'label_template_set'") == [(2,)]
    other = ledger.as_app(lambda conn: service.templates(conn, KEEPER, site="york"))
    assert {row.version for row in other} == {0}
    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: service.templates(conn, PRINTER, site="york"))
    ledger.as_owner(
        lambda conn: conn.execute(
            "INSERT INTO label_template (site_id, name, version, kind, dots_per_mm, zpl, reason, set_by) "
            "SELECT %s, 'big-' || n, 1, 'bin', 8, repeat('é', 8000), 'x', 'x' FROM generate_series(1, 15) n",
            (SITE,),
        )
    )
    with pytest.raises(
        LabelWishError, match=r"'one-more': site 'leeds' has 20 templates, expected at most 20"
    ):
        ledger.as_app(lambda conn: change(conn, name="one-more", seen=None))
    longer = larger.zpl.replace("^XZ", "^FXremark^FS^XZ")
    with pytest.raises(LabelWishError, match="bytes together, expected at most 204800"):
        ledger.as_app(lambda conn: change(conn, 2, longer))
    assert ledger.as_app(lambda conn: change(conn, 1, larger.zpl, name="big-1")).version == 2, "shorter"
    with pytest.raises(RestrictViolation):
        ledger.as_owner(lambda conn: conn.execute("UPDATE label_template SET zpl = 'x'"))

    def leave(characters: int) -> None:
        ledger.as_app(
            lambda conn: conn.execute(
                "INSERT INTO gateway_message (gateway_id, channel, revision, payload, created_by) "
                "SELECT gateway_id, 'task', 7, jsonb_build_object('a', repeat('x', %s)), 'x' "
                "FROM gateway WHERE name = 'gw-1'",
                (characters,),
            )
        )

    leave(262_136)
    with pytest.raises(
        DataError, match="7 of channel task for gateway gw-1 takes 262145 bytes: expected at most"
    ):
        leave(262_137)


def test_no_serial_reference_is_given_twice_however_many_ask_at_once(ledger: Ledger, database: Any) -> None:
    """Two gateways, single SSCCs of two sites with one prefix, and a label that was there before."""
    ledger.as_app(
        lambda conn: conn.execute("INSERT INTO gateway (name, kind, site_id) VALUES ('gw-y', 'edge', 'york')")
    )
    for gateway in ("gw-1", "gw-2", "gw-y"):
        health(ledger, gateway)
    borne = sscc_of(0, "952114112", 37)
    ledger.as_owner(
        lambda conn: conn.execute(
            "INSERT INTO location (site_id, code, kind) VALUES ('leeds', %s, 'unit')", (borne,)
        )
    )
    blocks, singles = [], []
    with open_pool(database.app_dsn, "test-labels", max_size=6) as pool, ThreadPoolExecutor(6) as crowd:

        def block(gateway: str) -> None:
            with pool.connection() as conn:
                blocks.append(references.reserve(conn, KEEPER, gateway=gateway, size=5, now=START))

        def single(site: str) -> None:
            with pool.connection() as conn:
                act_as(conn, KEEPER)
                singles.extend(issue(conn, site=site, count=3, receipt="R-1", actor="user:ada"))

        asked = [
            crowd.submit(work, of)
            for _ in range(8)
            for work, of in (
                (block, "gw-1"),
                (block, "gw-2"),
                (block, "gw-y"),
                (single, SITE),
                (single, "york"),
            )
        ]
        for each in asked:
            each.result()
    given = Counter(singles)
    for row in blocks:
        serials = range(row.first_serial, row.last_serial + 1)
        given.update(sscc_of(row.extension_digit, row.company_prefix, serial) for serial in serials)
    assert len(blocks) == 24
    assert len(singles) == 48
    assert max(given.values()) == 1
    assert borne not in given
    with pytest.raises(ExclusionViolation):
        ledger.as_owner(
            lambda conn: conn.execute(
                "INSERT INTO sscc_block (site_id, gateway_id, shelf, company_prefix, extension_digit, "
                "first_serial, last_serial, numbers, reserved_by) SELECT site_id, gateway_id, shelf, "
                "company_prefix, extension_digit, first_serial, last_serial, numbers, 'x' "
                "FROM sscc_block LIMIT 1"
            )
        )


def test_a_gateway_gets_the_next_block_in_time_and_people_are_told_before_the_series_ends(
    ledger: Ledger, database: Any
) -> None:
    def tickets() -> list[tuple]:
        return ledger.query("SELECT kind, state FROM ticket ORDER BY ticket_id")

    with open_pool(database.app_dsn, "test-labels", max_size=1) as pool:
        follow = lambda: references.follow(pool, references.JOB, LATER)["reserved"]  # noqa: E731  short here
        assert follow() == 0, "nobody prints"
        health(ledger)
        gets = []
        for nonsense in (
            '{"label_shelf": 18446744073709551615, "sscc_left": 0, "reference_revision": 0}',
            '{"label_shelf": 5, "reference_revision": 0}',
            '{"label_shelf": 5, "sscc_left": -1, "reference_revision": 0}',
        ):
            say(ledger, "gw-2", nonsense)
            gets += [follow()]
        assert gets == [1, 0, 0], "what one gateway says keeps no other from its block"
        (first,) = sent(ledger)
        assert [(each.first_serial, each.last_serial) for each in first.sscc_blocks] == [(1, 500)]
        assert follow() == 0, "it has not said that it has what was sent"
        health(ledger, left=300, revision=first.revision)
        assert follow() == 0
        health(ledger, left=249, revision=first.revision)
        assert follow() == 1
        assert [each.first_serial for each in sent(ledger)[-1].sscc_blocks] == [1, 501]
        health(ledger, left=0, shelf=8)
        assert follow() == 1, "its file is another one: what the lost one had left is given up"
        assert [(each.first_serial, each.shelf) for each in sent(ledger)[-1].sscc_blocks] == [(1001, 8)]
        health(ledger, left=0, shelf=8)
        assert follow() == 0
        assert tickets() == []
        ledger.as_owner(lambda conn: conn.execute("UPDATE sscc_series SET next_serial = 9999000"))
        health(ledger, left=200, revision=sent(ledger)[-1].revision, shelf=8)
        assert follow() == 1
        assert tickets() == [("sscc_series_low", "open")]
        for left in (100, 20):
            health(ledger, left=left, revision=sent(ledger)[-1].revision, shelf=8)
            follow()
        ((severity, summary),) = ledger.query("SELECT severity, summary FROM ticket")
        assert severity == "critical"
        assert "another extension digit" in summary
        series = SeriesPaper(site=SITE, company_prefix="952114112", extension_digit=1)
        ledger.as_app(lambda conn: put_series(conn, KEEPER, series))
        assert follow() == 1
        assert tickets() == [("sscc_series_low", "resolved")]
    with pytest.raises(LabelWishError, match="there is no gateway 'gw-9'"):
        ledger.as_app(lambda conn: references.reserve(conn, KEEPER, gateway="gw-9", now=START))
    with pytest.raises(NotAllowedError):
        ledger.as_app(lambda conn: references.reserve(conn, PRINTER, gateway="gw-1", now=START))


def test_what_the_cloud_reserves_a_gateway_gives_out(ledger: Ledger, database: Any, tmp_path: Path) -> None:
    shelf = LabelShelf(tmp_path / "labels.json", SITE)
    told = shelf.counters()
    health(ledger, left=told["sscc_left"], revision=told["reference_revision"], shelf=told["label_shelf"])
    with open_pool(database.app_dsn, "test-labels", max_size=1) as pool:
        references.follow(pool, references.JOB, LATER)
    (message,) = sent(ledger)
    assert shelf.take(message.model_dump_json().encode())
    assert shelf.promise("scan-1", None) == sscc_of(0, "952114112", 1)
    template = shelf.template("bin")
    assert template is not None
    assert (template.version, shelf.counters()["sscc_left"]) == (0, 499)


def test_a_restore_gives_no_number_that_was_given_after_the_backup(ledger: Ledger, tmp_path: Path) -> None:
    for gateway in ("gw-1", "gw-2"):
        health(ledger, gateway)

    def reserve(gateway: str) -> range:
        row = ledger.as_app(
            lambda conn: references.reserve(conn, KEEPER, gateway=gateway, size=1000, now=START)
        )
        return range(row.first_serial, row.last_serial + 1)

    def single(conn: Any) -> list[str]:
        act_as(conn, KEEPER)
        return issue(conn, site="york", count=1, receipt="R-1", actor="user:ada")

    york = SeriesPaper(site="york", company_prefix="952114112", first_serial=150_000)
    ledger.as_app(lambda conn: put_series(conn, KEEPER, york))
    reserve("gw-1")
    ledger.as_owner(lambda conn: back_up(conn, tmp_path / "backup", lambda *_: None))
    forgotten, (of_york,) = reserve("gw-1"), ledger.as_app(single)
    kept = ledger.as_owner(
        lambda conn: restore(conn, tmp_path / "backup", replace=True, progress=lambda *_: None)
    )
    assert kept.next_serials == {SITE: 250_000, "york": 250_000}, (
        "past the further one of those that share it"
    )
    again = reserve("gw-2")
    assert (again.start, set(forgotten) & set(again)) == (250_000, set())
    assert of_york not in {sscc_of(0, "952114112", serial) for serial in again}
    ledger.as_owner(lambda conn: conn.execute("UPDATE sscc_series SET next_serial = 9950000"))
    ledger.as_owner(lambda conn: store.pass_over_given(conn, SERIALS_PASSED_OVER))
    with pytest.raises(LabelWishError, match="another extension digit"):
        reserve("gw-2")


def test_a_reprint_needs_a_reason_and_all_prints_are_listed(ledger: Ledger) -> None:
    sscc = sscc_of(0, "952114112", 1)

    def make(values: dict[str, str], reason: str = "", kind: LabelKind = LabelKind.SSCC) -> bytes:
        order = LabelOrder(kind, values)
        return ledger.as_app(
            lambda conn: printing.print_label(conn, PRINTER, site=SITE, order=order, way="pdf", reason=reason)
        )

    assert make({"sscc": sscc, "gtin": GTIN, "count": "60"}).startswith(b"%PDF")
    with pytest.raises(LabelWishError, match="was printed before: expected a reason"):
        make({"sscc": sscc})
    make({"sscc": sscc}, "torn")
    make({"item": "TEA", "quantity": str(Decimal(5))}, kind=LabelKind.ITEM)
    make({"item": "TEA"}, kind=LabelKind.ITEM)
    with pytest.raises(NotAllowedError):
        make({"name": "Ada", "token": "secret"}, kind=LabelKind.BADGE)
    extra = {"subject": sscc_of(0, "952114112", 2), "copies": 1, "printer": "zt1", "reason": "smeared"}
    event = WorkflowEvent.model_validate(
        {
            "seq": 1,
            "occurred_at_claimed": LATER - timedelta(minutes=5),
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "actor": "olga",
            "workflow": "label",
            "step": "sscc",
            "outcome": "reprinted",
            **extra,
        }
    )
    ledger.post(Outbox().seal([event]))
    with pytest.raises(LabelWishError, match="was printed before"):
        make({"sscc": extra["subject"]})
    pages, before = [], {"before_at": LATER + timedelta(days=2000), "before_key": "~"}
    while page := ledger.as_app(
        lambda conn, before=before: printing.prints(conn, PRINTER, site=SITE, limit=2, **before)
    ):
        pages += page
        before = {"before_at": page[-1].printed_at, "before_key": page[-1].key}
    assert sorted(
        (row.subject, row.is_reprint, row.reason, row.printed_by, row.gateway) for row in pages
    ) == sorted(
        [
            ("TEA", False, None, "user:olga", None),
            ("TEA", False, None, "user:olga", None),
            (sscc, True, "torn", "user:olga", None),
            (sscc, False, None, "user:olga", None),
            (extra["subject"], True, "smeared", "olga", "gw-1"),
        ],
        key=str,
    )
    assert ledger.query("SELECT target FROM audit_event WHERE action = 'label_reprinted'") == [
        (f"label:{sscc}",)
    ]
