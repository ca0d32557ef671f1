"""One signed message to one address: the only module that tells others by HTTP."""

from datetime import datetime, timedelta
from typing import Final

import httpx
import orjson

from cloud.alerts.webhooks.domain import Answer, Due, signature

TIMEOUT_S: Final = 10.0
"""For the whole of one attempt's waiting: connecting, sending, and each wait for an answer."""
SHOWN_BYTES: Final = 300
"""So much of a refusal is kept."""


class Sender:
    """Connections to receivers, kept open between messages; safe to share between threads."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Start without connections.

        Args:
            timeout_s: Longest wait for a receiver.
        """
        self._client = httpx.Client(
            timeout=timeout_s, follow_redirects=False, trust_env=False, headers={"User-Agent": "Dockledger"}
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(self, due: Due, now: datetime) -> Answer:
        """Try once.

        Args:
            due: The message.
            now: The present, for the signature.

        Returns:
            What came of it; a receiver that cannot be reached is an answer too.
        """
        body = orjson.dumps(
            {"type": due.type, "timestamp": due.occurred_at.isoformat(), "data": due.data},
            option=orjson.OPT_UTC_Z,
        )
        timestamp = int(now.timestamp())
        secrets = [due.secret, *([due.old_secret] if due.old_secret else [])]
        headers = {
            "Content-Type": "application/json",
            "webhook-id": due.webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(secrets, due.webhook_id, timestamp, body),
        }
        try:
            with self._client.stream("POST", due.url, content=body, headers=headers) as response:
                if response.is_success:
                    return Answer(response.status_code, None)
                return Answer(response.status_code, _refusal(response), _retry_after(response))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Answer(None, f"{type(error).__name__}: {error}"[:SHOWN_BYTES])


def _refusal(response: httpx.Response) -> str:
    said = b""
    for piece in response.iter_bytes(SHOWN_BYTES):
        said += piece
        if len(said) >= SHOWN_BYTES:
            break
    words = said[:SHOWN_BYTES].decode(errors="replace").replace("\x00", "").strip()
    return f"HTTP {response.status_code}: {words}" if words else f"HTTP {response.status_code}"


def _retry_after(response: httpx.Response) -> timedelta | None:
    """Read ``Retry-After`` in seconds; a date, which the header may hold too, is left to our own waits."""
    text = response.headers.get("retry-after", "")
    return timedelta(seconds=min(int(text), 10**6)) if text.isascii() and text.isdigit() else None
