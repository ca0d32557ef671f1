"""A page whose complaints are kept."""

from typing import Any

from playwright.sync_api import Page


class Watched:
    """A page and whatever went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("requestfailed", self._on_failed)

    def _on_console(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def _on_failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # what the page was leaving behind
            self.complaints.append(f"failed: {request.url} {request.failure}")
