"""Where every setting of an agent comes from: environment, file, defaults; each with its origin."""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from contracts.base import Gateway, Site
from edge_agent.decode.tag_role import TagRules
from edge_agent.filters.read_zone import ReadZones
from edge_agent.filters.site import Portals
from edge_agent.labels.settings import PrinterSettings
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.ports import listens_to_anybody
from edge_agent.readers.profile import load_profile
from edge_agent.readers.toml_file import TomlError, read_toml
from edge_agent.workflows.site import WorkflowSettings

ENV_PREFIX: Final = "EDGE_AGENT_"
DEFAULT_FILE: Final = "agent.toml"
_SECRET: Final = frozenset({"broker_url", "https_url"})
_HOLDS_SECRETS: Final = frozenset({"iot_reader"})
"""Tables in which only what is ``_PLAIN`` is said again where it is wrong."""
_PLAIN: Final = frozenset({"id", "profile", "silent_after_s", "power_dbm", "session"})


class SettingsError(Exception):
    """A setting is wrong, unknown or missing; the message names value, expectation and place."""


def _is_broker_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise ValueError("expected mqtt://user:password@host:port or mqtts://…")
    return url


def _is_https_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("expected https://host:port or https://user:secret@host:port")
    return url


def _is_profile(name: str) -> str:
    load_profile(name)
    return name


def _is_guarded(port: str) -> str:
    if listens_to_anybody(port):
        raise ValueError("anybody could call: expected listen://address:port?from=the scanner's address")
    return port


class ScannerSettings(BaseModel):
    """One serial scanner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Gateway
    """Device id that its records carry."""
    port: Annotated[str, Field(min_length=1), AfterValidator(_is_guarded)]
    """A device path, or ``socket://host:port``."""
    profile: Annotated[str, AfterValidator(_is_profile)]
    """Name of a shipped scanner profile, or a path to one."""


class AgentSettings(BaseSettings):
    """An agent's settings, frozen; built once in ``edge_agent/cli.py`` by ``load`` and passed down."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=ENV_PREFIX)

    site: Site
    """Site id: 1-64 of A-Z a-z 0-9 _ -."""
    gateway: Gateway
    """Gateway id, unique in the network."""
    broker_url: Annotated[Annotated[str, AfterValidator(_is_broker_url)] | None, Field(repr=False)] = None
    """``mqtt://user:password@host:port`` or ``mqtts://…``; needed unless ``publish`` is ``https``."""
    broker_ca: Path | None = None
    """PEM file with who may have signed the broker's certificate; by default the machine's authorities."""
    broker_certificate: Path | None = None
    """PEM file with this gateway's certificate and key, where the broker asks for one."""
    publish: Literal["mqtt", "https"] = "mqtt"
    """``https``: nothing goes through a broker, everything over HTTPS to ``https_url``."""
    https_url: Annotated[Annotated[str, AfterValidator(_is_https_url)] | None, Field(repr=False)] = None
    """The ledger's server, ``https://host``: where everything goes while the broker cannot be reached.

    With ``user:secret@`` before the host, where those of ``broker_url`` are not the ledger's.
    """
    https_ca: Path | None = None
    """PEM file with who may have signed that server's certificate; by default the machine's authorities."""
    https_after_s: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = 30.0
    """How long the broker must be out of reach before HTTPS stands in for it."""
    certificate_renewal: Literal["cloud", "off"] = "cloud"
    """Who renews ``broker_certificate`` in time: the cloud, or you; its end is watched either way."""
    outbox: Path = Path("outbox.db")
    """The outbox file, beside the settings file by default.

    Its directory also holds ballast, quarantined files and configuration.
    """
    outbox_quota_mb: Annotated[int, Field(ge=1)] | None = None
    """Most that the rows may take; by default 70 % of the volume, at most 4096."""
    drain_rows_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 8000.0
    """How fast a backlog drains beside live rows."""
    clock: Literal["kernel", "assumed"] = "kernel"
    """Who says that the wall clock is synchronised: the kernel, or you. Steps are detected either way."""
    time_server: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """Host of an NTP server that the clock's offset is measured against; the clock is never set from it."""
    log_format: Literal["json", "console"] = "json"
    scanner: tuple[ScannerSettings, ...] = ()
    workflow: WorkflowSettings | None = None
    """The site's rules for handheld work; needed with scanners."""
    reader: tuple[ReaderSettings, ...] = ()
    """RFID readers that speak LLRP."""
    iot_reader: tuple[IotReaderSettings, ...] = ()
    """RFID readers that tell in JSON what they see; not set from the cloud, as they hold passwords."""
    portal: Portals = ()
    """Doors: which antennas look where, and what crosses from where to where."""
    zone: ReadZones = ()
    """Read zones: which antennas look at which place, where no door is; they post nothing."""
    tags: TagRules = TagRules()
    """Whose tags these doors see."""
    printer: tuple[PrinterSettings, ...] = ()
    """Label printers that take ZPL over TCP."""
    config_trial_s: Annotated[float, Field(ge=10, le=600, allow_inf_nan=False)] = 30.0
    """A configuration from the cloud is undone unless the gateway is healthy with it in so many seconds."""
    page_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port of this gateway's own page on 127.0.0.1; 0: no page."""

    @model_validator(mode="after")
    def _scanners_can_work(self) -> Self:
        ids = [each.id for each in self.scanner]
        if len(set(ids)) < len(ids):
            raise ValueError(f"scanner ids {ids} are not all different")
        if self.scanner and self.workflow is None:
            raise ValueError(
                "[[scanner]] without [workflow]: the site's rules are needed to understand scans"
            )
        return self

    @model_validator(mode="after")
    def _broker_can_be_asked(self) -> Self:
        has_tls_words = self.broker_ca or self.broker_certificate
        if has_tls_words and not (self.broker_url or "").startswith("mqtts:"):
            raise ValueError("broker_ca and broker_certificate say nothing without mqtts://")
        if self.publish == "mqtt" and self.broker_url is None:
            raise ValueError('broker_url is not set: expected mqtt://…, unless publish = "https"')
        return self

    @model_validator(mode="after")
    def _ledger_can_be_asked(self) -> Self:
        if self.https_url is None:
            if self.publish == "https":
                raise ValueError('publish = "https" without https_url: expected https://user:secret@host')
            if self.https_ca:
                raise ValueError("https_ca says nothing without https_url")
            return self
        if not any(url and urlsplit(url).password for url in (self.https_url, self.broker_url)):
            raise ValueError("https_url holds no secret: expected https://user:secret@host")
        return self

    @model_validator(mode="after")
    def _doors_can_work(self) -> Self:
        ids = [*(each.id for each in self.scanner), *(each.id for each in self.readers)]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"id {twice[0]!r} is used twice among scanners and readers, expected each once")
        readers = [each.id for each in self.readers]
        mute = {each.id for each in self.iot_reader}
        used: dict[str, tuple[int, ...]] = {each.id: each.effective().radio.antennas for each in self.readers}
        for portal in self.portal:
            for port in (*portal.ports, *portal.beam_ports, *portal.outputs):
                reader = port.partition(":")[0]
                if reader not in readers:
                    raise ValueError(
                        f"portal {portal.id!r} names {port!r}, but there is no [[reader]] {reader!r}: "
                        f"expected one of {readers}"
                    )
            for port in portal.outputs:
                if port.partition(":")[0] in mute:
                    raise ValueError(
                        f"portal {portal.id!r} lights {port!r}, but an [[iot_reader]] only tells what it "
                        "sees: expected an output of a [[reader]]"
                    )
            for port in portal.ports:
                reader, _, antenna = port.partition(":")
                if used[reader] and int(antenna) not in used[reader]:
                    raise ValueError(
                        f"portal {portal.id!r} names {port!r}, but reader {reader!r} uses antennas "
                        f"{list(used[reader])}: expected one of these"
                    )
        return self

    @model_validator(mode="after")
    def _printers_are_told_apart(self) -> Self:
        ids = [each.id for each in self.printer]
        if len(set(ids)) < len(ids):
            raise ValueError(f"printer ids {ids} are not all different")
        scanners = {each.id for each in self.scanner}
        for printer in self.printer:
            unknown = sorted(set(printer.scanners) - scanners)
            if unknown:
                raise ValueError(
                    f"printer {printer.id!r} is for scanner {unknown[0]!r}, but there is none: expected one "
                    f"of {sorted(scanners)}"
                )
        return self

    @model_validator(mode="after")
    def _zones_have_readers(self) -> Self:
        readers = [each.id for each in self.readers]
        for zone in self.zone:
            for port in zone.antennas:
                if port.partition(":")[0] not in readers:
                    raise ValueError(
                        f"zone {zone.id!r} names {port!r}, but there is no such [[reader]]: "
                        f"expected one of {readers}"
                    )
        return self

    @property
    def readers(self) -> tuple[ReaderSettings | IotReaderSettings, ...]:
        """Every RFID reader, however it speaks."""
        return (*self.reader, *self.iot_reader)

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
        """Take what ``load`` merged and nothing else."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings, the merged values they were made of, and where each came from."""

    settings: AgentSettings
    values: Mapping[str, object]
    origins: Mapping[str, str]


def load(file: Path | None = None) -> Loaded:
    """Merge environment and file, the environment winning.

    Args:
        file: The settings file; ``agent.toml`` by default. A relative outbox lies relative to it.

    Returns:
        The settings with their origins.

    Raises:
        SettingsError: If the file cannot be read, a name is unknown, or a value is not valid.
    """
    path = file or Path(DEFAULT_FILE)
    from_file = _read_toml(path)
    from_environment = EnvSettingsSource(AgentSettings)()
    origins = dict.fromkeys(from_file, f"file {path}")
    origins |= {name: f"environment {ENV_PREFIX}{name.upper()}" for name in from_environment}
    beside_file = path.parent / str(from_file.get("outbox", AgentSettings.model_fields["outbox"].default))
    values = {**from_file, "outbox": beside_file, **from_environment}
    return Loaded(build(values, origins), values, origins)


def build(values: Mapping[str, object], origins: Mapping[str, str]) -> AgentSettings:
    """Validate merged values.

    Args:
        values: By setting name.
        origins: Where each came from, for messages.

    Returns:
        The settings.

    Raises:
        SettingsError: If a name is unknown or a value is not valid.
    """
    for variable in sorted(os.environ):
        name = variable.removeprefix(ENV_PREFIX).lower()
        if variable.startswith(ENV_PREFIX) and name not in AgentSettings.model_fields:
            raise SettingsError(_unknown(name, f"environment {variable}"))
    for name in values:
        if name not in AgentSettings.model_fields:
            raise SettingsError(_unknown(name, origins.get(name, "settings")))
    try:
        return AgentSettings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_describe(error, origins))) from error


def shown(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Write the effective settings for people.

    Args:
        loaded: As ``load`` returned them.

    Yields:
        Name, value without passwords, and origin.
    """
    for name in AgentSettings.model_fields:
        value = getattr(loaded.settings, name)
        if isinstance(value, BaseModel):
            value = value.model_dump(mode="json", exclude={"badges"})
        elif isinstance(value, tuple):
            value = [each.model_dump(mode="json", exclude_defaults=True) for each in value]
        yield name, _masked(name, value), loaded.origins.get(name, "default")


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return read_toml(path)
    except FileNotFoundError:
        raise SettingsError(f"settings file {str(path)!r} does not exist") from None
    except (OSError, TomlError) as error:
        raise SettingsError(f"settings file {str(path)!r} cannot be read: {error}") from error


def _masked(name: str, value: object) -> str:
    if name not in _SECRET:
        return str(value)
    try:
        parts = urlsplit(str(value))
    except ValueError:
        return "***"  # no URL at all, and perhaps a password in it
    user, at, place = parts.netloc.rpartition("@")
    hidden = f"{user.partition(':')[0]}:***" if ":" in user else user
    return urlunsplit(parts._replace(netloc=f"{hidden}{at}{place}"))


def _unknown(name: str, origin: str) -> str:
    close = difflib.get_close_matches(name, AgentSettings.model_fields, n=1)
    hint = (
        f"did you mean {close[0]}?" if close else f"expected one of {', '.join(AgentSettings.model_fields)}"
    )
    return f"{origin}: {name!r} is not a setting: {hint}"


def _describe(error: ValidationError, origins: Mapping[str, str]) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        place = ".".join(str(part) for part in fault["loc"]) or "settings"
        is_told = fault["loc"] and fault["type"] != "missing" and not isinstance(fault["input"], dict | list)
        if name in _HOLDS_SECRETS and fault["loc"][-1] not in _PLAIN:
            is_told = False  # a password, or a URL with one in it
        got = f" = {_masked(name, fault['input'])!r}" if is_told else ""
        yield f"{origins.get(name, 'settings')}: {place}{got}: {fault['msg']}"
