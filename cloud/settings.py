"""Where every setting comes from: flags, environment, file, the running embedded services, defaults."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from contracts.base import is_valid_id

ENV_PREFIX: Final = "DOCKLEDGER_"
DEFAULT_FILE: Final = "dockledger.toml"
RUNNING_FILE: Final = "running.toml"
"""Written into the data directory by `dockledger local`: how to reach what it started."""

_NOT_SETTINGS: Final = frozenset(
    {"DOCKLEDGER_CONFIG", "DOCKLEDGER_TEST_DSN", "DOCKLEDGER_CRASH_AT", "DOCKLEDGER_FIRST_SEED"}
)
"""Read by the command line, the tests and the fault hook of ingest; everything else must be a setting."""


class SettingsError(Exception):
    """A setting is wrong, unknown or missing; the message names value, expectation and place."""


class Settings(BaseSettings):
    """The cloud's settings, frozen; built once in `cloud/cli.py` by `load` and passed down."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=ENV_PREFIX)

    network: str = "dockledger"
    """Name of the network of sites that shares this ledger; 1-64 of A-Z a-z 0-9 _ -."""

    data_dir: Path = Path(".dockledger")
    """Directory of the embedded services and of generated secrets."""

    admin_dsn: str | None = Field(default=None, repr=False)
    """Administrator's connection, used once to make roles and database; no process keeps it."""
    owner_dsn: str | None = Field(default=None, repr=False)
    """Connection of `dockledger_migrator`, for migrations, verify and restore."""
    ingest_dsn: str | None = Field(default=None, repr=False)
    """Connection of `dockledger_ingest`."""
    app_dsn: str | None = Field(default=None, repr=False)
    """Connection of `dockledger_app`, for the API, the pages and the jobs."""
    broker_url: str | None = Field(default=None, repr=False)
    """The MQTT broker as ingest reaches it: `mqtt://user:password@host:port`."""

    broker_dir: Path | None = None
    """Where your own broker reads `passwords` and `revoked.crl`, kept up to date; by default you lay them."""
    broker_reload: str | None = None
    """Command that lets that broker read them again, without a shell; by default a hook of its own does."""
    gateway_broker_url: str | None = None
    """The broker as gateways that enrol reach it, `mqtts://host:port`; by default they use HTTPS only."""
    gateway_broker_ca: Path | None = None
    """PEM file with who signed that broker's certificate; by default the authority that signs gateways'."""

    public_url: str | None = None
    """This server as gateways and people reach it, `https://host`; named in the command for a new gateway."""

    http_host: str = "127.0.0.1"
    """Address the API listens on."""
    http_port: int = Field(default=8420, ge=0, le=65535)
    """Port the API listens on; 0 takes any free one."""

    ingest_workers: int = Field(default=2, ge=1, le=64)
    """Ingest processes; sites are partitioned among them."""

    planning_at: time = time(2, 30)
    """When each night's planning begins, by the wall clock of each site, as `02:30`."""

    postgres_bin_dir: Path | None = None
    """Directory of a system PostgreSQL's `initdb` and `postgres`; by default those of the wheel."""
    embedded_broker: Literal["auto", "mosquitto", "nats"] = "auto"
    """Broker that `dockledger local` starts; `auto` prefers Mosquitto where it is installed."""

    @field_validator("network")
    @classmethod
    def _network_is_an_id(cls, value: str) -> str:
        if not is_valid_id(value):
            raise ValueError("expected 1-64 of A-Z a-z 0-9 _ -")
        return value

    @field_validator("broker_url")
    @classmethod
    def _broker_url_is_mqtt(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"mqtt", "mqtts"}:
            raise ValueError("expected mqtt://user:password@host:port or mqtts://…")
        return value

    @field_validator("gateway_broker_url")
    @classmethod
    def _gateways_reach_it_by_tls(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "mqtts://example")
        if parts.scheme != "mqtts" or not parts.hostname or parts.username is not None:
            raise ValueError("expected mqtts://host:port without a user: gateways show certificates")
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url_is_https(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "https://example")
        is_ours = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
        if not parts.hostname or (parts.scheme != "https" and not is_ours):
            raise ValueError("expected https://host, http only on this machine")
        return value

    @field_validator("planning_at")
    @classmethod
    def _planning_at_is_a_wall_clock_time(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("expected a time of the wall clock without an offset, as 02:30")
        return value

    @field_validator("admin_dsn", "owner_dsn", "ingest_dsn", "app_dsn")
    @classmethod
    def _dsn_is_a_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"postgresql", "postgres"}:
            raise ValueError("expected postgresql://user:password@host:port/database")
        return value

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` merged and nothing else, so that a test's settings are what it wrote."""
        return (init_settings,)

    def needed(self, name: str) -> str:
        """Give a connection setting that a command cannot do without.

        Args:
            name: One of ``admin_dsn``, ``owner_dsn``, ``ingest_dsn``, ``app_dsn``, ``broker_url``.

        Returns:
            Its value.

        Raises:
            SettingsError: If it is not set; the message says where to set it.
        """
        value = getattr(self, name)
        if value is None:
            raise SettingsError(
                f"{name} is not set: expected {_EXPECTED[name]} in {ENV_PREFIX}{name.upper()}"
                f" or {DEFAULT_FILE}, or `dockledger local` running on {self.data_dir}"
            )
        return str(value)


_EXPECTED: Final = {
    "admin_dsn": "postgresql://administrator:password@host:port/database",
    "owner_dsn": "postgresql://dockledger_migrator:password@host:port/database",
    "ingest_dsn": "postgresql://dockledger_ingest:password@host:port/database",
    "app_dsn": "postgresql://dockledger_app:password@host:port/database",
    "broker_url": "mqtt://user:password@host:port",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings and where each value came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Origin by setting name: a flag, an environment variable, a file or ``default``."""


def load(
    flags: Mapping[str, object] | None = None, *, file: Path | None = None, with_running: bool = True
) -> Loaded:
    """Merge the sources, the first that names a setting winning.

    Args:
        flags: Settings given on the command line.
        file: The settings file; by default ``$DOCKLEDGER_CONFIG`` or ``dockledger.toml`` if it exists.
        with_running: Whether what a running `dockledger local` published counts.

    Returns:
        The settings with their origins.

    Raises:
        SettingsError: If a source names an unknown setting or a value is not valid.
    """
    named = file or (Path(os.environ["DOCKLEDGER_CONFIG"]) if "DOCKLEDGER_CONFIG" in os.environ else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"settings file {str(named)!r} does not exist")
    values: dict[str, object] = {}
    origins: dict[str, str] = {}

    def take(source: Mapping[str, object], origin: str) -> None:
        unknown = sorted(set(source) - set(Settings.model_fields))
        if unknown:
            raise SettingsError(_unknown(unknown[0], origin))
        for name in source.keys() - values.keys():
            values[name] = source[name]
            origins[name] = origin.format(NAME=name.upper())

    take({name: value for name, value in (flags or {}).items() if value is not None}, "command line")
    _refuse_unknown_variables()
    take(EnvSettingsSource(Settings)(), f"environment {ENV_PREFIX}{{NAME}}")
    path = named or Path(DEFAULT_FILE)
    take(_read_toml(path), f"file {path}")
    if with_running:
        running = Path(str(values.get("data_dir", Settings.model_fields["data_dir"].default))) / RUNNING_FILE
        take(_read_toml(running), f"embedded services, {running}")
    try:
        settings = Settings(**values)  # type: ignore[arg-type]  # pydantic judges the types
    except ValidationError as error:
        raise SettingsError("\n".join(_describe(error, origins))) from error
    return Loaded(settings, {name: origins.get(name, "default") for name in Settings.model_fields})


def masked(name: str, value: object) -> str:
    """Write a setting for people, without its password.

    Args:
        name: Name of the setting.
        value: Its value.

    Returns:
        The text; passwords in URLs read ``***``.

    Examples:
        >>> masked("app_dsn", "postgresql://dockledger_app:abc@db:5432/dockledger")
        'postgresql://dockledger_app:***@db:5432/dockledger'
    """
    if value is None:
        return "not set"
    if name not in _EXPECTED:
        return str(value)
    parts = urlsplit(str(value))
    if not parts.scheme or parts.query:
        return "*** (set)"
    user, at, place = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}:***" if ":" in user else user
    return urlunsplit(parts._replace(netloc=f"{shown}{at}{place}"))


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"settings file {str(path)!r} cannot be read: {error}") from error


def _refuse_unknown_variables() -> None:
    for variable in sorted(os.environ):
        name = variable.removeprefix(ENV_PREFIX).lower()
        if (
            variable.startswith(ENV_PREFIX)
            and variable not in _NOT_SETTINGS
            and name not in Settings.model_fields
        ):
            raise SettingsError(_unknown(name, f"environment {variable}"))


def _unknown(name: str, origin: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(Settings.model_fields)}"
    return f"{origin}: {name!r} is not a setting: {hint}"


def _describe(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    return [
        f"{origins.get(name, 'default')}: {name} = {masked(name, fault['input'])!r}: {fault['msg']}"
        for fault in error.errors()
        for name in [str(fault["loc"][0])]
    ]
