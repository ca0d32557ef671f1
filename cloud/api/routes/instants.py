"""An instant in a cursor of a list that begins with the latest."""

from datetime import datetime
from http import HTTPStatus

from cloud.api.problems import ProblemError


def instant_of(text: str) -> datetime:
    """Read an instant that a cursor holds.

    Args:
        text: As it was written.

    Returns:
        The instant.

    Raises:
        ProblemError: 422 if it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "bad-cursor",
            f"query.after: {text!r:.60} is no instant of this list; begin again without it",
        )
    return at
