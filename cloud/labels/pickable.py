"""Which lots could be picked, as gateways with handhelds are told (P10): rows in, contracts out."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from cloud.db import Connection
from cloud.labels import store
from cloud.labels.cookbook import room_in
from contracts.offline import PickableItem, ReferenceSnapshot

MOST_ITEMS: Final = 500
"""Those of several lots first, then those that expire first; a message holds other things, too."""


def pickable_at(conn: Connection, site: str, now: datetime) -> list[PickableItem]:
    """Read what of dated lots could be picked at a site.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        now: The present.

    Returns:
        At most ``MOST_ITEMS``.
    """
    found = store.tuples(conn, "lots_to_pick_first", site=site, now=now, limit=MOST_ITEMS)
    rows = ({"names": names, "lots": lots} for names, lots in found)
    return [PickableItem.model_validate_json(json.dumps(row)) for row in rows]


def fitting_lots(message: ReferenceSnapshot, known: Sequence[PickableItem]) -> ReferenceSnapshot:
    """Add as many items to a message as a publish still holds.

    Args:
        message: What else it says.
        known: All there are.

    Returns:
        The message.
    """
    left, fitting = room_in(message), []
    for item in known:
        left -= len(item.model_dump_json().encode()) + 1
        if left < 0:
            break
        fitting.append(item)
    return message.model_copy(update={"pickable": tuple(fitting)})


def told_last(conn: Connection, gateway: str) -> list[PickableItem]:
    """Read what a gateway was told last.

    Args:
        conn: In a transaction that shows its site.
        gateway: The gateway.

    Returns:
        What it was; nothing of what an older release told in another way.
    """
    ((told,),) = store.tuples(conn, "pickable_told", gateway=gateway) or [([],)]
    try:
        return [PickableItem.model_validate_json(json.dumps(item)) for item in told]
    except ValidationError:
        return []
