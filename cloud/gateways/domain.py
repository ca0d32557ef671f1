"""A gateway's configuration as values: what was wished, what runs, and where the two differ; pure."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import JsonValue

from cloud.identity.actor import Role

READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
    Role.ADMIN,
)
HIDDEN: Final = "…"
"""Stands for what is shown to nobody: the badges of a site's people with the hashes of their PINs."""
INGEST_ACCOUNT: Final = "dockledger"
"""Of ingest at the broker, unless `broker_url` names another."""
LARGEST_BYTES: Final = 128 * 1024
"""Of a wish: with what surrounds it, it must fit a publish."""


class ConfigError(Exception):
    """A wrong wish about a gateway's configuration; the message names value, expectation and place."""


class UnknownGatewayError(ConfigError):
    """The actor's sites have no such gateway, or it never had such a configuration."""


class StaleConfigError(ConfigError):
    """Somebody else has set another configuration since."""


@dataclass(frozen=True, slots=True)
class DesiredRow:
    """A configuration that was wished."""

    gateway: str
    site: str
    revision: int
    settings: dict[str, JsonValue]
    reason: str
    set_by: str
    set_at: datetime
    published_at: datetime | None
    """None: it waits for ingest."""
    outcome: str | None
    """None: the gateway has not answered."""
    errors: tuple[str, ...]
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What a gateway said last of its configuration."""

    revision: int
    outcome: str
    running_revision: int | None
    settings: dict[str, JsonValue]
    origins: dict[str, str]
    errors: tuple[str, ...]
    reported_at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A place at which two configurations say different things."""

    place: str
    """``reader.r1.power_dbm``; tables with an id are named by it."""
    before: JsonValue
    """None where it was not set."""
    after: JsonValue


@dataclass(frozen=True, slots=True)
class ConfigState:
    """A gateway's configuration: wished, reported, compared."""

    gateway: str
    site: str
    desired: DesiredRow | None
    """The last wish; None if there was never one."""
    reported: ReportRow | None
    """None if the gateway never said anything of it."""
    differences: tuple[Difference, ...]
    """From what the gateway runs to what it is to run; none while there is nothing to compare."""

    @property
    def state(self) -> str:
        """``unmanaged``, ``waiting``, or the outcome of the last wish."""
        if self.desired is None:
            return "unmanaged"
        return self.desired.outcome or "waiting"


@dataclass(frozen=True, slots=True)
class Editable:
    """What an admin changes."""

    wished: dict[str, JsonValue]
    """The last wish; what it does not name is the gateway's own."""
    running: dict[str, JsonValue]
    """As the gateway says it."""
    revision: int
    """Of the last wish; 0: there was none. To be named in ``set_config`` as seen."""

    def changed(self, place: str, value: JsonValue) -> dict[str, JsonValue]:
        """Set one place; of what the gateway sets itself only the setting that holds it becomes the cloud's.

        Args:
            place: As ``differences`` names it.
            value: What is to stand there.

        Returns:
            The configuration to wish.

        Raises:
            ConfigError: If a table on the way is not there.
        """
        name = place.partition(".")[0]
        own = {name: self.running[name]} if name in self.running and name not in self.wished else {}
        return merged(self.wished | own, place, value)


def ingest_account(broker_url: str | None) -> str:
    """Tell by which account ingest is known at the broker.

    Args:
        broker_url: The setting.

    Returns:
        The user that it names, or `INGEST_ACCOUNT`.

    Examples:
        >>> ingest_account("mqtt://books:secret@broker:1883"), ingest_account(None)
        ('books', 'dockledger')
    """
    return unquote(urlsplit(broker_url or "").username or INGEST_ACCOUNT)


def why_reserved(gateway: str, accounts: Collection[str] = ()) -> str | None:
    """Say why no gateway may be named so: its certificate would open what an account of the broker may do.

    Accounts of others that the broker's access list names bear a dot, which no gateway's id has.

    Args:
        gateway: Its id.
        accounts: Of our own services, beside those that begin with `INGEST_ACCOUNT`.

    Returns:
        A sentence without its full stop; None if it may.

    Examples:
        >>> why_reserved("Dockledger-2")
        "gateway id 'Dockledger-2': names of the broker's own accounts ('dockledger…') are no gateway's"
        >>> why_reserved("gw-7", {"books"})
    """
    name = gateway.casefold()
    if name.startswith(INGEST_ACCOUNT):
        own = f"'{INGEST_ACCOUNT}…'"
        return f"gateway id {gateway!r}: names of the broker's own accounts ({own}) are no gateway's"
    if name in {each.casefold() for each in accounts}:
        return f"gateway id {gateway!r}: it is ingest's own account at the broker: expected another"
    return None


def differences(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> tuple[Difference, ...]:
    """Compare two configurations.

    Args:
        before: Settings by name.
        after: Settings by name.

    Returns:
        Each place at which they differ, in order.

    Examples:
        >>> was = {"reader": [{"id": "r1", "power_dbm": 27}]}
        >>> differences(was, {"reader": [{"id": "r1", "power_dbm": 24}]})
        (Difference(place='reader.r1.power_dbm', before=27, after=24),)
    """
    one, other = dict(_leaves("", dict(before))), dict(_leaves("", dict(after)))
    return tuple(
        Difference(place, one.get(place), other.get(place))
        for place in sorted(one.keys() | other.keys())
        if one.get(place) != other.get(place)
    )


def merged(settings: Mapping[str, JsonValue], place: str, value: JsonValue) -> dict[str, JsonValue]:
    """Set one place of a configuration and leave the others as they are.

    Args:
        settings: By name.
        place: As ``differences`` names it.
        value: What is to stand there.

    Returns:
        The configuration with it.

    Raises:
        ConfigError: If a table on the way is not there.

    Examples:
        >>> merged({"reader": [{"id": "r1", "host": "h"}]}, "reader.r1.power_dbm", 24)
        {'reader': [{'id': 'r1', 'host': 'h', 'power_dbm': 24}]}
    """
    name, _, rest = place.partition(".")
    if not rest:
        return {**settings, name: value}
    if name not in settings:
        raise ConfigError(f"{name!r} is not set: expected one of {sorted(settings)}; give it whole first")
    return {**settings, name: _set(settings[name], rest, value, name)}


def value_of(text: str) -> JsonValue:
    """Read a value as a settings file writes it; what is none is text.

    Args:
        text: As a person typed it.

    Returns:
        The value.

    Examples:
        >>> value_of("24.5"), value_of("[1, 2]"), value_of('{ "3" = 21 }'), value_of("fast")
        (24.5, [1, 2], {'3': 21}, 'fast')
    """
    try:
        value: JsonValue = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    return value if isinstance(value, bool | int | float | str | list | dict) else text.strip()


def shown(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Hide what is for nobody's eyes.

    Args:
        settings: By name.

    Returns:
        The same with the badges of people hidden.

    Examples:
        >>> shown({"workflow": {"staging": "S", "badges": [{"badge": "B"}]}})
        {'workflow': {'staging': 'S', 'badges': '…'}}
    """
    found = dict(settings)
    workflow = found.get("workflow")
    if isinstance(workflow, dict) and "badges" in workflow:
        found["workflow"] = {**workflow, "badges": HIDDEN}
    return found


def _set(within: JsonValue, place: str, value: JsonValue, path: str) -> JsonValue:
    name, _, rest = place.partition(".")
    if isinstance(within, dict):
        if not rest:
            return {**within, name: value}
        return {**within, name: _set(within.get(name, {}), rest, value, f"{path}.{name}")}
    if isinstance(within, list):
        ids = [each.get("id") if isinstance(each, dict) else None for each in within]
        if name in ids and rest:
            at = ids.index(name)
            return [*within[:at], _set(within[at], rest, value, f"{path}.{name}"), *within[at + 1 :]]
        raise ConfigError(f"{path}.{place}: {path} has no table with the id {name!r}: expected one of {ids}")
    raise ConfigError(f"{path}.{place}: {path} is {within!r}, not a table")


def _leaves(path: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict) and (value or not path):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list) and value and all(isinstance(each, dict) and "id" in each for each in value):
        for each in value:
            if isinstance(each, dict):
                inner = {name: kept for name, kept in each.items() if name != "id"} or {"id": each["id"]}
                yield from _leaves(f"{path}.{each['id']}", inner)
    else:
        yield path, value
