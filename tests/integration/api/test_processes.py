"""`dockledger user`, `api-key` and `api` as an administrator runs them: processes over a real database."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.local.process import free_port
from tests.patience import PATIENCE_S

PASSWORD = "correct horse battery"


class Shell:
    """A shell whose settings name one database."""

    def __init__(self, app_dsn: str, directory: Path) -> None:
        self.port = free_port()
        self._log = directory / "api.log"
        self._environment = {
            name: value for name, value in os.environ.items() if "DOCKLEDGER" not in name
        } | {
            "DOCKLEDGER_APP_DSN": app_dsn,
            "DOCKLEDGER_DATA_DIR": str(directory),
            "DOCKLEDGER_HTTP_PORT": str(self.port),
        }

    def run(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cloud", *words],
            check=False,
            input=typed,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=PATIENCE_S,
        )

    @contextmanager
    def serving(self) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "cloud", "api"], env=self._environment, stdout=log, stderr=log
            )
        transport = httpx.HTTPTransport(retries=8)
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{self.port}", transport=transport, timeout=PATIENCE_S
            ) as client:
                yield process, client
        finally:
            process.kill()
            process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()


@pytest.fixture
def shell(database: Any, tmp_path: Path) -> Shell:
    return Shell(database.app_dsn, tmp_path)


def test_a_person_and_a_key_made_in_the_shell_get_in_until_they_are_barred(shell: Shell) -> None:
    added = shell.run("user", "add", "ada", "--role", "auditor", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (added.returncode, added.stdout) == (0, "added ada: auditor\n")
    key = shell.run("api-key", "create", "erp", "--role", "auditor").stdout.strip()
    with shell.serving() as (process, client):
        bearer = {"Authorization": f"Bearer {key}"}
        assert client.get("/health/ready").status_code == 200
        assert client.get("/v1/items", headers=bearer).json() == {"items": [], "next": None}
        home = client.post("/login", data={"name": "ada", "password": PASSWORD}).headers["location"]
        assert client.get(home).status_code == 200

        assert "for nobody" in shell.run("api-key", "list").stdout
        assert shell.run("api-key", "bind", "erp", "ada").stdout == "keys named erp act for ada\n"
        (listed,) = shell.run("api-key", "list").stdout.splitlines()
        assert "for ada" in listed
        assert key not in listed
        revoked = shell.run("api-key", "revoke", listed.split()[0], "--json").stdout
        assert revoked == f'{{"key_id":"{listed.split()[0]}"}}\n'
        assert client.get("/v1/items", headers=bearer).status_code == 401
        assert shell.run("user", "bar", "ada").returncode == 0
        assert client.get(home).headers["location"].startswith("/login")

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert PASSWORD not in shell.log
    assert key not in shell.log


def test_what_the_shell_cannot_do_is_said_in_one_line(shell: Shell) -> None:
    weak = shell.run("user", "add", "ada", "--password-stdin", typed="short\n")
    assert (weak.returncode, weak.stderr.count("\n")) == (1, 1)
    assert "short" not in weak.stderr.replace("shorter", "")
    assert shell.run("api-key", "create", "erp", "--role", "king").returncode == 1
    nobody = shell.run("api-key", "create", "erp", "--role", "auditor", "--for", "grace")
    assert (nobody.returncode, nobody.stdout, nobody.stderr.count("\n")) == (1, "", 1)
    assert shell.run("api-key", "revoke", "000000000000").returncode == 1
    with socket.create_server(("127.0.0.1", shell.port)):
        taken = shell.run("api")
    assert taken.returncode == 1
    assert str(shell.port) in taken.stderr
