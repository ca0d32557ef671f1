"""Short names for demand in tests: lines, imports, and what the site's days then say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
from psycopg import sql
from scenario import Ledger

from cloud.demand.domain import Faults, Imported, StagedLine
from cloud.demand.service import import_lines
from cloud.identity.actor import Actor, Role

PLANNER = Actor("user:pia", frozenset({Role.PLANNER}), all_sites=True)
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
"""Later than whatever a test's database stamps by its own clock, by an hour at least."""
TEA, CASE_OF_TEA = "05012345678900", "15012345678907"


def line(
    quantity: str,
    at: str = "2026-03-02T09:00:00Z",
    *,
    document: str = "D-1",
    number: str = "1",
    kind: str = "requested",
    gtin: str = TEA,
    site: str = "leeds",
    source: str = "pos",
    revision: int | None = None,
    channel: str | None = None,
    of: tuple[str, str] | tuple[None, None] = (None, None),
    local: bool = False,
) -> StagedLine:
    """State a line of demand."""
    return StagedLine(
        place=1,
        site=site,
        source=source,
        document=document,
        line=number,
        revision=revision,
        kind=kind,
        scheme="gtin",
        value=gtin,
        channel=channel,
        requested_at=None if local else at,
        local_at=at if local else None,
        is_day=local and len(at) == len("2026-03-02"),
        quantity=quantity,
        of_document=of[0],
        of_line=of[1],
    )


@dataclass
class Demand:
    """A ledger's demand."""

    ledger: Ledger
    admin_dsn: str

    def forget(self, zones: Mapping[str, str]) -> None:
        """Undo what a test before did, as no role of ours can; names and cells stay."""
        with psycopg.connect(self.admin_dsn) as admin:
            admin.execute("SET session_replication_role = replica")
            admin.execute(
                "TRUNCATE demand_line, demand_line_past, demand_mask, demand_substitution, movement,"
                " unit_position, cell_delta, cell_bucket"
            )
            for table in ("balance", "cell_fold", "item_alias"):
                admin.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for table in ("document_line", "document"):
                orders = "DELETE FROM {} WHERE type = 'outbound_order'"
                admin.execute(sql.SQL(orders).format(sql.Identifier(table)))
            admin.execute("DELETE FROM identifier WHERE valid_from > '-infinity'")
            admin.execute("TRUNCATE demand_held")
            admin.execute("DELETE FROM supersession")
            admin.execute("DELETE FROM decision WHERE kind = 'supersession'")
            for site, zone in zones.items():
                admin.execute(
                    "UPDATE site SET time_zone = %s, business_day_start = '00:00', week_start = 1, "
                    "opens_at = NULL, closes_at = NULL WHERE site_id = %s",
                    (zone, site),
                )

    def furnish(self) -> None:
        """Make an item with a packaging level, and one without."""
        self.ledger.query("INSERT INTO item (code, name) VALUES ('TEA', 'Tea'), ('MUG', 'Mug') RETURNING 1")
        self.ledger.query(
            "INSERT INTO identifier (scheme, value, item_id, numerator) "
            "SELECT 'gtin', x.value, i.item_id, x.n "
            "FROM (VALUES (%s, 1), (%s, 12)) x (value, n) JOIN item i ON i.code = 'TEA' RETURNING 1",
            TEA,
            CASE_OF_TEA,
        )

    def tell(
        self,
        *lines: StagedLine,
        actor: Actor = PLANNER,
        makes_items: bool = False,
        twice: str | None = None,
        faults: Faults | None = None,
    ) -> Imported:
        """Import lines, numbered in order."""
        numbered = [each._replace(place=place) for place, each in enumerate(lines, start=1)]
        return self.ledger.as_app(
            lambda conn: import_lines(
                conn,
                actor,
                numbered,
                faults=faults or Faults(),
                origin="line",
                now=NOW,
                makes_items=makes_items,
                twice=twice,
            )
        )

    def days(self, from_day: str, until_day: str, site: str = "leeds") -> dict[tuple[str, date], Decimal]:
        """Give what was asked for by item and day of March 2026, or another month's ISO date."""
        found = self.ledger.query(
            "SELECT item, day, quantity FROM pub_demand_days(%s, %s, %s)", [site], from_day, until_day
        )
        return {(item, day): quantity for item, day, quantity in found}

    def of_tea(self, from_day: str, until_day: str, site: str = "leeds") -> dict[str, Decimal]:
        """Give what was asked for of tea, by ISO date."""
        return {
            day.isoformat(): quantity
            for (item, day), quantity in self.days(from_day, until_day, site).items()
            if item == "TEA"
        }


def outcome(done: Imported) -> tuple[int, int, int, int]:
    """Give what is counted: added, corrected, superseded, repeated."""
    return done.added, done.corrected, done.superseded, done.repeated


def all_of(lines: Iterable[StagedLine]) -> list[StagedLine]:
    """Make a list."""
    return list(lines)
