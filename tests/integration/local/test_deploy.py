"""What is deployed agrees with what is built: settings, commands, metrics, topics; by parsing the files."""

import configparser
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from cloud.cli import build_parser
from cloud.demand.sources.confines import FOLDERS, SECRETS
from cloud.settings import _NOT_SETTINGS, ENV_PREFIX, Settings
from contracts.topics import DEMAND_ROOT, UPSTREAM, Channel, DemandChannel, demand_topic
from contracts.topics import ROOT as ROOT_OF_GATEWAYS

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
MOSQUITTO_CONF = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text("utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    named = set(re.findall(rf"\b{ENV_PREFIX}[A-Z_]+\b", path.read_text("utf-8")))
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | _NOT_SETTINGS
    assert named <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_command_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    told = re.findall(r"(?:^ *|`|/|&& |\"|-c )dockledger(?: |\", \")([a-z][a-z-]+)\b", text, re.MULTILINE)
    usage = build_parser().format_help()
    missing = {command for command in told if not re.search(rf"^    {command}\b", usage, re.MULTILINE)}
    assert not missing


def test_compose_takes_every_secret_from_outside() -> None:
    text = (DEPLOY / "docker-compose.yml").read_text("utf-8")
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    offered = dict(
        line.split("=", 1) for line in (DEPLOY / "env.example").read_text("utf-8").splitlines() if "=" in line
    )
    secret = {name for name in offered if name.endswith("PASSWORD")}
    assert asked == secret | {"BROKER_HOST"}, "gateways are told it"
    assert not any(offered[name] for name in secret)


def test_the_first_start_makes_what_the_broker_reads_before_it_starts_the_broker() -> None:
    runbook = (DEPLOY / "RUNBOOK.md").read_text("utf-8")
    first = runbook[runbook.index("## First start") : runbook.index("By systemd")]
    steps = ("up -d db prepare scheduler", "certificate authority", "certificate broker", "up -d\n")
    places = [first.index(step) for step in steps]
    assert places == sorted(places)
    read = re.findall(r"/mosquitto/(secrets|told)/(\S+)$", MOSQUITTO_CONF, re.MULTILINE)
    assert len(read) > len(steps)
    for folder, name in read:
        assert f"{folder}/{name}" in first[: places[-1]]


def test_compose_mounts_files_that_exist() -> None:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./") and source not in {"./secrets", "./told"}:
                assert (DEPLOY / source).exists(), source


def test_compose_gives_the_jobs_and_the_api_the_secrets_of_demands_sources() -> None:
    for service in ("scheduler", "api"):
        told = COMPOSE["services"][service]
        inside = {volume.split(":")[-2 if volume.endswith(":ro") else -1] for volume in told["volumes"]}
        given = told["environment"]
        assert given[SECRETS] in inside
        assert (given[FOLDERS] in inside) == (service == "scheduler"), "only the jobs take files"


def test_compose_connections_are_valid_settings() -> None:
    for service in COMPOSE["services"].values():
        given = {
            name.removeprefix(ENV_PREFIX).lower(): value
            for name, value in (service.get("environment") or {}).items()
            if name.startswith(ENV_PREFIX)
        }
        given.pop("network", None)
        Settings(**given)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_are_hardened_and_restart(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    unit.read_string(path.read_text("utf-8"))
    service = unit["Service"]
    assert service["Restart"] == "always"
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    program = Path(service["ExecStart"].split()[0]).name
    assert program in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]


def test_the_brokers_access_list_is_the_contracts() -> None:
    lines = (DEPLOY / "mosquitto" / "access").read_text("utf-8").splitlines()
    given = {line for line in lines if line.startswith("pattern")}
    wanted = {
        f"pattern {'write' if channel in UPSTREAM else 'read'} dl/v1/+/%u/{channel.value}"
        for channel in Channel
    }
    assert given == wanted | {"pattern read dl/v1/ingest/state"}
    assert {f"topic readwrite {root}/#" for root in (ROOT_OF_GATEWAYS, DEMAND_ROOT)} <= set(lines)
    shop = ["user shop.leeds"] + [
        f"topic {word} {demand_topic('leeds', 'shop', channel)}"
        for word, channel in (("write", DemandChannel.LINES), ("read", DemandChannel.ANSWER))
    ]
    assert [line.removeprefix("#   ") for line in lines[-3:]] == shop, "of one site, as an example"
    runbook = (DEPLOY / "RUNBOOK.md").read_text("utf-8")
    assert "\n".join(f"    {line}" for line in shop) in runbook


def test_dashboard_and_alerts_ask_for_metrics_that_exist() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "cloud").rglob("*.py"))
    panels = json.loads((DEPLOY / "grafana" / "dockledger.json").read_text("utf-8"))["panels"]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
    questions = [target["expr"] for panel in panels for target in panel["targets"]]
    questions += [rule["expr"] for rule in rules]
    asked = {name for question in questions for name in re.findall(r"\bdockledger_[a-z_]+", question)}
    for name in asked:
        stem = re.sub(r"_(total|bucket)$", "", name)
        assert f'"{stem}"' in source or f'"{stem.removeprefix("dockledger_")}"' in source, name


def test_prometheus_scrapes_the_api_where_compose_puts_it() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    host, port = scraped["scrape_configs"][0]["static_configs"][0]["targets"][0].split(":")
    assert COMPOSE["services"][host]["environment"]["DOCKLEDGER_HTTP_PORT"] == port


def test_the_databases_durability_stays_on() -> None:
    text = (DEPLOY / "postgres" / "postgresql.conf").read_text("utf-8")
    for option in ("fsync", "synchronous_commit", "full_page_writes"):
        assert re.search(rf"^{option} = on$", text, re.MULTILINE)
