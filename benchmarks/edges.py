"""Edge agents of a stage, each with one scanner on a pseudo-terminal."""

import json
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Final

from benchmarks.parts import command
from benchmarks.stage import Gateway, Stage
from cloud.local.process import Service

_AGENT: Final = """\
site = "{site}"
gateway = "{gateway}"
broker_url = "{url}"
outbox = "outbox.db"
clock = "assumed"

[[scanner]]
id = "{gateway}-scanner"
port = "{port}"
profile = "generic_terminal"

"""


def edge_service(stage: Stage, gateway: Gateway, *, broker_port: int | None = None) -> Service:
    """Describe an edge agent with one scanner on a pseudo-terminal, and write its settings.

    Args:
        stage: Where it belongs.
        gateway: One of the stage's gateways; the part gets its name.
        broker_port: Of a proxy in between; by default the broker's own.

    Returns:
        To be given to ``add``.
    """
    home = edge_directory(stage, gateway)
    home.mkdir(exist_ok=True)
    url = stage.gateways_url.replace("{gateway}", gateway.name)
    if broker_port is not None:
        url = url.replace(f":{stage.broker_port}", f":{broker_port}")
    workflow = files("firmware_configs.sites").joinpath("retail_example.toml").read_text("utf-8")
    settings = _AGENT.format(site=gateway.site, gateway=gateway.name, url=url, port=scanner(stage, gateway))
    (home / "agent.toml").write_text(settings + workflow, "utf-8")
    return Service(
        gateway.name,
        (command("edge-agent"), "run", "--config", str(home / "agent.toml")),
        stage.directory / "logs" / f"{gateway.name}.log",
        is_ready=lambda _pid: True,
    )


def edge_directory(stage: Stage, gateway: Gateway) -> Path:
    """Say where a gateway's agent keeps settings and outbox.

    Args:
        stage: Where it belongs.
        gateway: One of the stage's gateways.

    Returns:
        The directory.
    """
    return stage.directory / gateway.name


def scanner(stage: Stage, gateway: Gateway) -> Path:
    """Say where a gateway's agent looks for its scanner.

    Args:
        stage: Where it belongs.
        gateway: One of the stage's gateways.

    Returns:
        The path under which a simulator plugs one in.
    """
    return edge_directory(stage, gateway) / "scanner"


def waiting_rows(stage: Stage, gateway: Gateway) -> int:
    """Ask a gateway's outbox how much the ledger has not acknowledged; the agent may run.

    Args:
        stage: Where it belongs.
        gateway: One of the stage's gateways.

    Returns:
        Rows sealed and unanswered, and rows not sealed yet.
    """
    settings = edge_directory(stage, gateway) / "agent.toml"
    asked = (command("edge-agent"), "outbox", "status", "--config", str(settings))
    status = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    unanswered = sum(total["rows"] for total in status["totals"] if total["state"] == "unacked")
    return int(status["unsealed_rows"] + unanswered)
