"""A replay that somebody asked for in the API or on a page is carried out by ingest, exactly once."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import orjson
import pytest

from cloud.db import LastingConnection
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ingest.quarantine.requests import DEADLY, carry_out_oldest
from cloud.ledger.domain import AlreadyClaimedError
from cloud.ledger.replays import request_replay
from contracts.base import SiteId
from contracts.batch import encode_record
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import Forge, movement
from tests.integration.ingest.processes import Ingest, wait_until

ADA = Actor("user:ada", frozenset({Role.INVENTORY_CONTROLLER}), frozenset({SiteId("leeds")}))


def ask(books: Books, quarantine_id: int, actor: Actor = ADA) -> bool:
    with closing(LastingConnection(books.database.app_dsn, "test")) as app, app.connection() as conn:
        act_as(conn, actor)
        return request_replay(conn, actor, quarantine_id=quarantine_id)


def hold_good_row(books: Books) -> int:
    """Hold a row that only lacked its right number, as an older release might have."""
    misnumbered = orjson.dumps(orjson.loads(encode_record(movement(2))) | {"seq": 9})
    books.take(Forge().raw_batch([encode_record(movement(1)), misnumbered]))
    return int(str(books.one("SELECT quarantine_id FROM quarantine")))


def hold_bad_row(books: Books) -> int:
    books.take(Forge().raw_batch([b'{"kind":"teleport","seq":1}']))
    return int(str(books.one("SELECT quarantine_id FROM quarantine")))


def refusal(books: Books) -> str:
    return str(books.one("SELECT refusal FROM replay_request"))


def test_a_running_worker_carries_it_out_and_the_record_says_who_asked(books: Books, ingest: Ingest) -> None:
    number = hold_good_row(books)
    assert ask(books, number)
    assert ask(books, number)
    ingest.start()
    state = "SELECT state FROM quarantine"
    wait_until(lambda: books.one(state) == "replayed", "the entry replayed")
    assert books.one("SELECT settled_by FROM quarantine") == "user:ada"
    assert books.one("SELECT count(*) FROM audit_event WHERE action = 'replay_requested'") == 1
    assert books.ask("SELECT * FROM replay_request") == []
    assert books.rows() == 2
    with pytest.raises(AlreadyClaimedError, match=f"{number} was replayed by user:ada"):
        ask(books, number)
    books.check_laws()


def test_many_workers_at_once_carry_it_out_once(books: Books) -> None:
    assert ask(books, hold_good_row(books))

    def work(_: int) -> None:
        with closing(LastingConnection(books.database.ingest_dsn, "test")) as database:
            carry_out_oldest(database)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(6)))
    assert books.ask("SELECT state FROM quarantine") == [("replayed",)]
    assert books.one("SELECT count(*) FROM ledger_entry WHERE kind = 'replay'") == 1
    assert books.rows() == 2
    books.check_laws()


def test_what_cannot_be_posted_stays_held_says_why_and_may_be_asked_for_again(books: Books) -> None:
    number = hold_bad_row(books)
    for _ in range(2):
        assert ask(books, number)
        assert books.one("SELECT refused_at IS NULL FROM replay_request") is True
        carry_out_oldest(books.lasting)
        assert "still not a record" in refusal(books)
    carry_out_oldest(books.lasting)
    assert books.one("SELECT state FROM quarantine") == "held"
    assert books.rows() == 0


def test_a_replay_that_ends_every_process_is_not_tried_forever(books: Books) -> None:
    assert ask(books, hold_good_row(books))
    books.command("UPDATE replay_request SET attempts = %s", DEADLY)
    carry_out_oldest(books.lasting)
    assert refusal(books).startswith("it was taken up 3 times")
    assert books.rows() == 1


def test_only_who_may_settle_here_may_ask(books: Books) -> None:
    number = hold_good_row(books)
    of_york = frozenset((SiteId("york"), role) for role in Role)
    reaching_all = Actor("user:mia", frozenset({Role.AUDITOR}), all_sites=True, site_roles=of_york)
    assert not ask(books, number, reaching_all)
    assert not ask(books, number + 1)
    assert books.ask("SELECT * FROM replay_request") == []
