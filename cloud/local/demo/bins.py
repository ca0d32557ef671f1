"""Somebody counts bins: what is really there is what the book says, less what is gone."""

import json
import random
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from cloud.local.demo.items import SCHEME
from cloud.local.demo.sales import Shelf

BINS: Final = 6
"""How many are counted: some are right, some are short, one holds too much."""
SCANNED: Final = 3
"""How many of them with a scanner; the others by the API."""
GONE: Final = (0, 2, 0, 5, -1, 3)
"""Units that are gone from each; below zero: too many are there. Which bin is which, the seed decides."""
TIMEOUT_S: Final = 20.0
TRIES: Final = 5
AGAIN_S: Final = 1.0


class CountRefusedError(Exception):
    """The API refuses a count or does not answer; the message says how."""


class Counter:
    """Somebody with an API key, a list of bins, and people with scanners."""

    def __init__(self, url: str, key: str) -> None:
        """Remember where to report.

        Args:
            url: Of the API.
            key: An operator's API key.
        """
        self._place = urlsplit(url).netloc
        self._key = key

    def count(self, shelves: Sequence[Shelf], *, seed: int, scanner: int, errands: Path) -> None:
        """Have some bins counted by people with scanners, and count others and report each.

        Args:
            shelves: The shelves of one site.
            seed: Which bins, and which of them are short.
            scanner: Number of the site's scanner.
            errands: File of bins to count; grows.

        Raises:
            CountRefusedError: If a count is refused, or the books cannot be read.
        """
        chance = random.Random(seed)  # noqa: S311  the same seed, the same shrinkage
        chosen = chance.sample(list(shelves), BINS)
        for number, (shelf, gone) in enumerate(zip(chosen, chance.sample(GONE, BINS), strict=True)):
            there = max(Decimal(0), self._book(shelf) - gone)
            if number < SCANNED:
                errand = {"port": scanner, "location": shelf.location, "item": shelf.item}
                with errands.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(errand | {"quantity": f"{there:f}"}) + "\n")
                continue
            line = {"identifier": {"scheme": SCHEME, "value": shelf.item}, "quantity": f"{there:f}"}
            body = {"site": shelf.site, "location": shelf.location, "lines": [line]}
            self._ask("POST", "/v1/counts", body)

    def _book(self, shelf: Shelf) -> Decimal:
        """Ask the ledger what is in a bin; before anything was lost, this was there."""
        query = urlencode({"site": shelf.site, "location": shelf.location})
        items = self._ask("GET", f"/v1/balances?{query}")["items"]
        return sum((Decimal(item["quantity"]) for item in items), Decimal(0))

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Send a request, again while the API is overloaded or away; the same key counts once."""
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid4().hex,
        }
        text = json.dumps(body) if body else None
        for tries_left in reversed(range(TRIES)):
            try:
                status, told = self._once(method, path, text, headers)
            except OSError as error:
                status, told = HTTPStatus.SERVICE_UNAVAILABLE, str(error)
            if status != HTTPStatus.SERVICE_UNAVAILABLE or not tries_left:
                break
            time.sleep(AGAIN_S)
        if status >= HTTPStatus.BAD_REQUEST:
            raise CountRefusedError(f"{method} {path}: {status} {told}")
        return json.loads(told)

    def _once(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, str]:
        connection = HTTPConnection(self._place, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()
