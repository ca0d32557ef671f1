"""Names in, ids out, remembering what is known; unknown names become provisional."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, Generic, TypeVar

from cloud.db import Connection
from cloud.master import store
from cloud.master.domain import CellKey, IdentifierKey, Packaging, PlaceKey

CACHE_SIZE: Final = 200_000

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Names of one kind: those committed before, bounded, oldest forgotten; those of this posting beside."""

    def __init__(
        self,
        find: Callable[[Connection, Collection[K]], dict[K, V]],
        size: int = CACHE_SIZE,
    ) -> None:
        """Start empty.

        Args:
            find: Looks up many names at once.
            size: Most names remembered.
        """
        self._find = find
        self._size = size
        self._committed: dict[K, V] = {}

    @property
    def names(self) -> Mapping[K, V]:
        """What is remembered now."""
        return self._committed

    def forget(self) -> None:
        """Drop everything, as after a restore."""
        self._committed.clear()

    def resolve(
        self, conn: Connection, keys: Collection[K], add: Callable[[Collection[K]], None]
    ) -> dict[K, V]:
        """Resolve names, making those that are unknown.

        What a look-up finds before anything was made is another transaction's, so it may be remembered;
        what this posting makes may still be rolled back, so it is only returned.

        Args:
            conn: A connection inside a posting that has made no names of this kind yet.
            keys: Names, each once.
            add: Makes unknown names.

        Returns:
            The id of every name.

        Raises:
            LookupError: If a name can be neither found nor made.
        """
        known = self._committed
        found = {key: known[key] for key in keys if key in known}
        missing = [key for key in keys if key not in found]
        if missing:
            looked_up = self._find(conn, missing)
            self._remember(looked_up)
            found |= looked_up
            missing = [key for key in missing if key not in looked_up]
        if missing:
            add(missing)
            found |= self._find(conn, missing)
            if absent := [key for key in missing if key not in found]:
                raise LookupError(f"names {absent[:3]} could be neither found nor made")
        return found

    def _remember(self, names: dict[K, V]) -> None:
        self._committed |= names
        for _ in range(len(self._committed) - self._size):
            del self._committed[next(iter(self._committed))]


class Resolver:
    """Resolves names for one process; not shared between threads."""

    def __init__(self) -> None:
        """Start with nothing remembered."""
        self._identifiers: Remembered[IdentifierKey, tuple[Packaging, ...]] = Remembered(
            store.find_identifiers
        )
        self._places: Remembered[PlaceKey, int] = Remembered(store.find_places)
        self._cells: Remembered[CellKey, int] = Remembered(store.find_cells)
        self._revision: object = None

    def begin(self, revision: object) -> None:
        """Forget everything unless the ledger and its master data are the ones remembered.

        Args:
            revision: Changes with a restore and with every new name given by a person or an import.
        """
        if revision != self._revision:
            for remembered in (self._identifiers, self._places, self._cells):
                remembered.forget()
            self._revision = revision

    @property
    def remembered(
        self,
    ) -> tuple[Mapping[IdentifierKey, tuple[Packaging, ...]], Mapping[PlaceKey, int], Mapping[CellKey, int]]:
        """Identifiers, places and cells that are known without asking; they change with every look-up."""
        return self._identifiers.names, self._places.names, self._cells.names

    def identifiers(
        self, conn: Connection, posting_id: int, keys: Collection[IdentifierKey]
    ) -> dict[IdentifierKey, tuple[Packaging, ...]]:
        """Resolve identifiers; an unknown one gets a provisional item (PROTOCOL P5).

        Args:
            conn: A connection inside a posting.
            posting_id: The posting.
            keys: Identifiers, each once.

        Returns:
            Packaging levels of every identifier.
        """
        return self._identifiers.resolve(
            conn, keys, lambda missing: store.add_provisional_items(conn, posting_id, missing)
        )

    def known_identifiers(
        self, conn: Connection, keys: Collection[IdentifierKey]
    ) -> dict[IdentifierKey, tuple[Packaging, ...]]:
        """Look up identifiers without making any.

        Args:
            conn: Any connection.
            keys: Identifiers.

        Returns:
            Packaging levels of those that are known.
        """
        return store.find_identifiers(conn, keys) if keys else {}

    def places(self, conn: Connection, posting_id: int, sites: Mapping[PlaceKey, str]) -> dict[PlaceKey, int]:
        """Resolve places; an unknown real code becomes a provisional bin.

        Args:
            conn: A connection inside a posting.
            posting_id: The posting.
            sites: Site that named it, by checked place; an unknown unit is filed there.

        Returns:
            location_id of every place.
        """
        return self._places.resolve(
            conn,
            sites,
            lambda missing: store.add_places(conn, posting_id, {key: sites[key] for key in missing}),
        )

    def cells(self, conn: Connection, posting_id: int, keys: Collection[CellKey]) -> dict[CellKey, int]:
        """Resolve cells, making those that are unknown.

        Args:
            conn: A connection inside a posting.
            posting_id: The posting.
            keys: Cells, each once.

        Returns:
            cell_id of every cell.
        """
        return self._cells.resolve(conn, keys, lambda missing: store.add_cells(conn, posting_id, missing))
