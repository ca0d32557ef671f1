"""The API's description takes seconds to make: it is made once, and others are answered meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fastapi.applications
import httpx
import pytest

from tests.patience import PATIENCE_S


def test_a_server_answers_others_while_it_describes_itself(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe = fastapi.applications.get_openapi
    begun, others_are_answered = threading.Event(), threading.Event()
    waited: list[bool] = []

    def slowly(**told: Any) -> dict[str, Any]:
        begun.set()
        waited.append(others_are_answered.wait(PATIENCE_S))
        return describe(**told)

    monkeypatch.setattr("fastapi.applications.get_openapi", slowly)
    with ThreadPoolExecutor(2) as askers:
        first = askers.submit(client.get, "/v1/openapi.json")
        assert begun.wait(PATIENCE_S)
        second = askers.submit(client.get, "/v1/openapi.json")
        assert client.get("/health/live").json() == {"status": "ok"}
        others_are_answered.set()
        answers = [asker.result() for asker in (first, second)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["paths"].keys() >= {"/v1/movements", "/health/live"}
    assert answers[0].content == answers[1].content
    assert waited == [True], "it is made once"
