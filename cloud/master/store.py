"""Names to ids and back, in sets: one statement for any number of names."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

import psycopg

from cloud.db import NamedStatements
from cloud.master.domain import UNIT_SITE, CellKey, IdentifierKey, Packaging, PlaceKey
from contracts.vocabulary import VIRTUAL_PREFIX

_SQL = NamedStatements("cloud.master", "queries.sql", "suppliers.sql")
rows = _SQL.rows


def find_identifiers(
    conn: psycopg.Connection, keys: Collection[IdentifierKey]
) -> dict[IdentifierKey, tuple[Packaging, ...]]:
    """Look up items by identifier.

    Args:
        conn: Any connection that reads master data.
        keys: What to look up.

    Returns:
        Packaging levels by identifier, oldest first; unknown ones are absent.
    """
    found: dict[IdentifierKey, tuple[Packaging, ...]] = {}
    for scheme, value, *level_of in conn.execute(_SQL["find_identifiers"], _identifiers(keys)):
        level = Packaging(*level_of)
        found[scheme, value] = (*found.get((scheme, value), ()), level)
    return found


def add_provisional_items(conn: psycopg.Connection, posting_id: int, keys: Collection[IdentifierKey]) -> None:
    """Give each unknown identifier an item of its own, to be merged later (PROTOCOL P5).

    Args:
        conn: A connection inside a posting.
        posting_id: The posting.
        keys: Unknown identifiers; another transaction may know them by now.
    """
    arguments = _identifiers(keys)
    conn.execute(_SQL["add_provisional_items"], arguments)
    conn.execute(_SQL["add_provisional_identifiers"], arguments | {"posting_id": posting_id})


def find_places(conn: psycopg.Connection, keys: Collection[PlaceKey]) -> dict[PlaceKey, int]:
    """Look up locations and logistic units.

    Args:
        conn: Any connection that reads master data.
        keys: What to look up.

    Returns:
        location_id by place; unknown ones are absent.
    """
    sites, codes = [key[0] for key in keys], [key[1] for key in keys]
    rows = conn.execute(_SQL["find_places"], {"sites": sites, "codes": codes})
    return {(site, code): location_id for site, code, location_id in rows}


def add_places(conn: psycopg.Connection, posting_id: int, sites: Mapping[PlaceKey, str]) -> None:
    """Make unknown places: accounts as they are, real codes as provisional bins, units as units.

    Args:
        conn: A connection inside a posting.
        posting_id: The posting.
        sites: Site that named it, by unknown place; another transaction may know them by now.
    """
    arguments = {
        "sites": list(sites.values()),
        "codes": [code for _, code in sites],
        "kinds": [_kind(key) for key in sites],
        "posting_id": posting_id,
    }
    conn.execute(_SQL["add_places"], arguments)
    if any(site == UNIT_SITE for site, _ in sites):
        conn.execute(_SQL["add_units"], {"posting_id": posting_id})


def find_cells(conn: psycopg.Connection, keys: Collection[CellKey]) -> dict[CellKey, int]:
    """Look up cells.

    Args:
        conn: Any connection that reads master data.
        keys: What to look up.

    Returns:
        cell_id by key; unknown ones are absent.
    """
    rows = conn.execute(_SQL["find_cells"], _cells(keys))
    return {
        (item, place, lot, disposition, owner): cell for item, place, lot, disposition, owner, cell in rows
    }


def add_cells(conn: psycopg.Connection, posting_id: int, keys: Collection[CellKey]) -> None:
    """Make unknown cells.

    Args:
        conn: A connection inside a posting.
        posting_id: The posting.
        keys: Unknown cells; another transaction may know them by now.
    """
    conn.execute(_SQL["add_cells"], _cells(keys) | {"posting_id": posting_id})


def find_gateways(conn: psycopg.Connection, names: Iterable[str]) -> dict[str, tuple[int, str | None]]:
    """Look up gateways.

    Args:
        conn: Any connection that reads master data.
        names: Gateway ids as on the wire.

    Returns:
        gateway_id and site by name; unregistered ones are absent.
    """
    rows = conn.execute(_SQL["find_gateways"], {"names": sorted(set(names))})
    return {name: (gateway_id, site) for name, gateway_id, site in rows}


def add_site(conn: psycopg.Connection, site: str, *, name: str, time_zone: str, currency: str | None) -> None:
    """Make a site unless it is there."""
    conn.execute(_SQL["add_site"], {"site": site, "name": name, "time_zone": time_zone, "currency": currency})


def add_gateway(conn: psycopg.Connection, site: str, gateway: str) -> None:
    """Register an edge gateway unless its name is taken."""
    conn.execute(_SQL["add_gateway"], {"site": site, "name": gateway})


def add_location(conn: psycopg.Connection, site: str, code: str, *, kind: str, parent: str | None) -> None:
    """Make a location unless it is there."""
    conn.execute(_SQL["add_location"], {"site": site, "code": code, "kind": kind, "parent": parent})


def add_item(
    conn: psycopg.Connection, code: str, *, name: str | None, category: str | None, base_unit: str
) -> int:
    """Make an item, or say anew what it is; returns its id."""
    row = conn.execute(
        _SQL["add_item"], {"code": code, "name": name, "category": category, "base_unit": base_unit}
    ).fetchone()
    if row is None:
        raise LookupError(f"item {code!r} was not stored")
    return int(row[0])


def base_unit_of(conn: psycopg.Connection, code: str) -> str | None:
    """Tell what an item is measured in; None if there is no such item."""
    row = conn.execute(_SQL["base_unit_of"], {"code": code}).fetchone()
    return None if row is None else str(row[0])


def add_identifier(
    conn: psycopg.Connection,
    key: IdentifierKey,
    item_id: int,
    *,
    ratio: tuple[int, int],
    valid_from: datetime | None,
) -> None:
    """Name an item, with base units per seen unit as an exact ratio; None is valid since ever."""
    conn.execute(
        _SQL["add_identifier"],
        {
            "scheme": key[0],
            "value": key[1],
            "valid_from": "-infinity" if valid_from is None else valid_from.astimezone(UTC).isoformat(),
            "item_id": item_id,
            "numerator": ratio[0],
            "denominator": ratio[1],
        },
    )


def _identifiers(keys: Collection[IdentifierKey]) -> dict[str, object]:
    return {"schemes": [key[0] for key in keys], "values": [key[1] for key in keys]}


def _cells(keys: Collection[CellKey]) -> dict[str, object]:
    columns = zip(*keys, strict=True)
    return dict(
        zip(("items", "locations", "lots", "dispositions", "owners"), map(list, columns), strict=True)
    )


def _kind(key: PlaceKey) -> str:
    site, code = key
    if site == UNIT_SITE:
        return "unit"
    return "virtual" if code.startswith(VIRTUAL_PREFIX) else "bin"
