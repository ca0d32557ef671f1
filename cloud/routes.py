"""Routes that are made when they are first asked for, not when they are declared."""

from collections.abc import Callable
from threading import RLock
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

_MAKING: Final = RLock()


class LateRoute(APIRoute):
    """A route that is found from the beginning, and made by whoever asks for it first.

    FastAPI makes a validator for each parameter of each operation: for all of ours a second or two, in every
    process that serves, and most operations are never asked for. So a declaration that cannot be read is told
    when its route is asked for, or described.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **described: Any) -> None:
        """Declare a route.

        Args:
            path: Its path.
            endpoint: The operation.
            **described: What FastAPI is told of it.
        """
        shown = described.get("include_in_schema", True)
        Route.__init__(self, path, endpoint, name=described.get("name"), include_in_schema=shown)
        self.methods = {method.upper() for method in described.get("methods") or ("GET",)}
        self.app = self._ask_first
        self._declared = (path, endpoint, described)

    def make(self, path: str, endpoint: Callable[..., Any], described: dict[str, Any]) -> None:
        """Make it.

        Args:
            path: As it was declared.
            endpoint: As it was declared.
            described: As it was declared.
        """
        super().__init__(path, endpoint, **described)

    def __getattr__(self, name: str) -> Any:
        """Give what only a route that is made has.

        Args:
            name: What is asked for.

        Returns:
            It.

        Raises:
            AttributeError: If no route has it.
        """
        self._be_made()
        if name in vars(self):
            return vars(self)[name]
        raise AttributeError(f"a route has no {name!r}")

    def _be_made(self) -> None:
        """Be the route that was declared: until then as before, from then on whole, for every thread."""
        with _MAKING:
            if (declared := vars(self).get("_declared")) is not None:
                made = type(self).__new__(type(self))
                made.make(*declared)
                self.__dict__ = vars(made)

    async def _ask_first(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._be_made()
        await self.app(scope, receive, send)  # which answers by itself from now on
