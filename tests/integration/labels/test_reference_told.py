"""What gateways are told of recipes and of stock: the cloud's rows in, a gateway's book out."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.db import open_pool
from cloud.documents.units import SeriesPaper, put_series
from cloud.identity.actor import Actor, Role
from cloud.labels import references
from cloud.labels.cookbook import Cookbook, fitting_recipes
from cloud.recipes import making
from cloud.recipes.papers import PlanPaper, RecipePaper
from cloud.recipes.service import put_recipes
from contracts.records import UnitPosition
from edge_agent.workflows.reference import ReferenceBook
from tests.integration.labels.test_labels import health as says_that_it_prints
from tests.integration.labels.test_labels import sent
from tests.integration.ledger.scenario import LATER, SITE, START, Ledger, Outbox, at, open_ledger

EVERYWHERE = Actor("user:ada", frozenset({Role.SUPERVISOR}), all_sites=True)


@pytest.fixture
def ledger(database: object) -> Iterator[Ledger]:
    """Give a ledger whose site may issue SSCCs."""
    with open_ledger(database) as ledger:
        paper = SeriesPaper(site=SITE, company_prefix="952114112", first_serial=1)
        ledger.as_app(lambda conn: put_series(conn, EVERYWHERE, paper))
        yield ledger


def test_gateways_are_told_of_recipes_and_plans_when_there_are_others_and_only_then(
    ledger: Ledger, database: Any, tmp_path: Path
) -> None:
    ledger.query(
        "INSERT INTO item (code) SELECT unnest(ARRAY['TEA', 'CUP', 'SET']) RETURNING item_id",
    )
    ledger.query(
        "INSERT INTO identifier (scheme, value, item_id, numerator) "
        "SELECT 'local', i.code || '-' || n, i.item_id, n FROM item i, unnest(ARRAY[1, 6]) n RETURNING 1"
    )
    uses = [{"item": "TEA", "quantity": "2"}, {"item": "CUP", "quantity": "1.5"}]
    paper = {"code": "TEA-SET", "kind": "kit", "inputs": uses, "outputs": [{"item": "SET", "quantity": "1"}]}

    def state(**more: Any) -> None:
        given = [RecipePaper.model_validate(paper | more)]
        ledger.as_app(lambda conn: put_recipes(conn, EVERYWHERE, given, now=START))

    with open_pool(database.app_dsn, "test-labels", max_size=1) as pool:
        follow = lambda now=LATER: references.follow(pool, references.JOB, now)["told"]  # noqa: E731  short here
        assert follow() == 0, "there are none"
        state(valid_from=START)
        assert follow() == len(ledger.query("SELECT 1 FROM gateway WHERE kind = 'edge'"))
        assert follow() == 0, "they know"
        plan = PlanPaper.model_validate(
            {"site": SITE, "type": "kit", "id": "4717", "recipe": "TEA-SET", "times": "3"}
        )
        ledger.as_app(lambda conn: making.plan(conn, EVERYWHERE, plan, now=LATER))
        told = follow()
        assert told == len(ledger.query("SELECT 1 FROM gateway WHERE kind = 'edge' AND site_id = %s", SITE))
        says_that_it_prints(ledger)
        ledger.as_app(lambda conn: references.reserve(conn, EVERYWHERE, gateway="gw-1", size=10, now=LATER))
        assert follow() == 0, "a message for labels tells recipes too"
        first, second, third = sent(ledger)
        assert [len(each.sscc_blocks) for each in (first, second, third)] == [0, 0, 1]
        assert (first.planned, third.recipes) == ((), first.recipes)
        book = ReferenceBook(tmp_path / "reference.json", SITE)
        assert book.take(third.model_dump_json().encode())
        recipe = book.named("TEA-SET/1")
        assert recipe is not None
        assert [(each.item, each.quantity) for each in (*recipe.uses, *recipe.makes)] == [
            ("TEA", Decimal(2)),
            ("CUP", Decimal("1.5")),
            ("SET", Decimal(1)),
        ]
        assert [(each.identifier.value, each.base_units_numerator) for each in recipe.uses[0].names] == [
            ("TEA-1", 1),
            ("TEA-6", 6),
        ]
        assert [(each.document, each.recipe, each.times) for each in third.planned] == [
            ("4717", "TEA-SET", Decimal(3))
        ]
        ledger.query(
            "INSERT INTO identifier (scheme, value, valid_from, item_id, numerator) "
            "SELECT 'local', 'TEA-6', now(), item_id, 12 FROM item WHERE code = 'TEA' RETURNING 1"
        )
        assert follow() > 0, "a carton holds more now"
        state(valid_from=LATER + timedelta(days=1))
        assert follow() > 0
        newest = sent(ledger)[-1]
        assert [each.name for each in newest.recipes] == ["TEA-SET/1", "TEA-SET/2"], "of a plan, and to come"
        assert newest.recipes[0].valid_until == newest.recipes[1].valid_from
        many = newest.recipes[1].model_copy(update={"code": "N" * 64, "uses": newest.recipes[1].uses * 60})
        cut = fitting_recipes(newest, Cookbook((newest.recipes[0], *[many] * 40), newest.planned, "0" * 64))
        assert 1 < len(cut.recipes) < 41
        assert len(cut.model_dump_json().encode()) < 256 * 1024
        assert cut.planned == newest.planned


def test_a_message_after_a_restore_is_newer_than_what_a_gateway_says_that_it_has(ledger: Ledger) -> None:
    ahead = int((LATER + timedelta(days=2)).timestamp() * 1000)
    says_that_it_prints(ledger, revision=ahead)
    ledger.as_app(lambda conn: references.reserve(conn, EVERYWHERE, gateway="gw-1", size=10, now=LATER))
    assert [each.revision for each in sent(ledger)] == [ahead + 1]


def test_gateways_with_doors_are_told_which_units_stand_at_their_site(ledger: Ledger, database: Any) -> None:
    ledger.query(
        "INSERT INTO portal (site_id, portal, gateway_id, inside_location, outside_location) "
        "SELECT %s, 'dock-1', gateway_id, 'IN', '@clearing/1' FROM gateway WHERE name = 'gw-1' RETURNING 1",
        SITE,
    )
    first, second, gone = (f"00952114112000000{number}" for number in (3, 5, 7))

    def stands(unit: str, place: str, minute: float) -> UnitPosition:
        times = {"occurred_at_claimed": at(minute), "mono_ns": 0, "boot_id": "b", "clock_ok": True}
        return UnitPosition(seq=1, unit=unit, location=place, **times)

    outbox = Outbox()
    with open_pool(database.app_dsn, "test-labels", max_size=1) as pool:
        tell = lambda: references.follow_stock(pool, references.JOB, LATER)["told"]  # noqa: E731  short here
        assert tell() == 0, "there are none"
        ledger.post(
            outbox.seal([stands(first, "A-01", 1), stands(gone, "A-02", 2), stands(second, "A-03", 3)])
        )
        ledger.post(outbox.seal([stands(gone, "@customer", 4)]))
        assert tell() == 1
        assert tell() == 0, "it knows"
        (told,) = sent(ledger)
        assert told.known_units == (first, second)
        assert not told.is_complete, "what it does not name may be in stock all the same"
        assert sent(ledger, "gw-2") == [], "it has no door"
        ledger.post(outbox.seal([stands(first, "A-09", 5)]))
        assert tell() == 0, "where they stand is not told"
