"""Who may see forecasts and what was made of them: checked, and the session narrowed to their sites."""

from cloud.db import Connection
from cloud.forecasting.domain import READERS
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


def admit(conn: Connection, actor: Actor, site: str | None) -> None:
    """Let an actor see what its roles show it, and nothing else.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: The site that is asked about; None: all within reach.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
