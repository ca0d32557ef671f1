"""What a server asks itself before it serves anybody."""

import gc

import pytest
from starlette.responses import PlainTextResponse

from cloud.server.app import settle


def test_a_server_that_does_not_live_serves_nobody() -> None:
    with pytest.raises(RuntimeError, match=r"/health/live answered \[500\], expected that it lives"):
        settle(PlainTextResponse("broken", status_code=500))


def test_a_server_that_lives_is_left_alone_by_the_collector() -> None:
    try:
        settle(PlainTextResponse("ok"))
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
