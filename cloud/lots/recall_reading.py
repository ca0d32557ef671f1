"""A recall with its sites and all that it reaches."""

from dataclasses import dataclass
from decimal import Decimal

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.lots import recalls, store
from cloud.lots.domain import LotKey, Recall, RecallSite
from cloud.lots.genealogy import Relative
from cloud.lots.reading import Whereabouts, whereabouts


@dataclass(frozen=True, slots=True)
class RecallStory:
    """A recall as it stands."""

    recall: Recall
    sites: tuple[RecallSite, ...]
    reaches: tuple[Whereabouts, ...]
    """The lot itself first."""

    @property
    def sent(self) -> Decimal:
        """What customers got and did not send back, whatever it was."""
        return sum((each.sent for each in self.reaches), Decimal(0))


def recall_story(conn: Connection, actor: Actor, *, recall_id: int) -> RecallStory:
    """Tell how a recall stands at the actor's sites, where what it reaches is, and who got it.

    Args:
        conn: In a transaction.
        actor: Who asks.
        recall_id: The recall.

    Returns:
        The story.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If there is no such recall.
    """
    found = recalls.recall(conn, actor, recall_id=recall_id)
    sites = recalls.recall_sites(conn, actor, recall_id=recall_id)
    reached = [
        Relative(LotKey(item_id, lot), item, base_unit, steps, is_possible, since)
        for item_id, lot, item, base_unit, steps, is_possible, since in store.tuples(
            conn, "recall_lots", recall=recall_id
        )
        if found.with_possible or not is_possible
    ]
    return RecallStory(found, tuple(sites), whereabouts(conn, reached))
