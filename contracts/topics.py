"""Every MQTT topic, spelled once (DESIGN §5)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contracts.base import GatewayId, SiteId, is_valid_id

ROOT: Final = "dl/v1"
INGEST_STATE: Final = f"{ROOT}/ingest/state"
"""Retained, with last will: tells edges to pause or to resend now."""

DEMAND_ROOT: Final = "dl/demand/v1"
"""Of what shops publish: beside ``dl/v1``, where `demand` could be a site's id."""

_LEVELS_BEFORE_CHANNEL: Final = 4


class Channel(StrEnum):
    """The last levels of a gateway's topics."""

    RECORDS = "records"
    STATUS = "status"
    HEALTH = "health"
    ACK = "ack"
    CONFIG_DESIRED = "config/desired"
    CONFIG_REPORTED = "config/reported"
    REFERENCE = "reference"
    ASSIGNMENT = "assignment"
    TASK = "task"
    CERTIFICATE = "certificate"


UPSTREAM: Final = frozenset({Channel.RECORDS, Channel.STATUS, Channel.HEALTH, Channel.CONFIG_REPORTED})
"""Channels that a gateway writes; it only reads the others."""


class DemandChannel(StrEnum):
    """The last level of a demand source's topics."""

    LINES = "lines"
    """Written by the source."""
    ANSWER = "answer"
    """Read by it: what became of a message."""


@dataclass(frozen=True, slots=True)
class DemandAddress:
    """Where a source publishes, taken apart."""

    site: SiteId
    source: str


@dataclass(frozen=True, slots=True)
class Address:
    """A gateway's topic, taken apart."""

    site: SiteId
    gateway: GatewayId
    channel: Channel


def topic(site: str, gateway: str, channel: Channel) -> str:
    """Spell a gateway's topic.

    Args:
        site: Site id.
        gateway: Gateway id.
        channel: What the topic carries.

    Returns:
        The topic.

    Raises:
        ValueError: If an id does not match ``[A-Za-z0-9_-]{1,64}``; such a topic never leaves the agent.

    Examples:
        >>> topic("leeds", "gw-1", Channel.RECORDS)
        'dl/v1/leeds/gw-1/records'
    """
    for name, value in (("site", site), ("gateway", gateway)):
        if not is_valid_id(value):
            msg = f"{name} id {value!r} cannot stand in a topic: expected 1-64 of A-Z a-z 0-9 _ -"
            raise ValueError(msg)
    return f"{ROOT}/{site}/{gateway}/{channel}"


def ingest_echo(worker: str) -> str:
    """Spell the topic on which an ingest process calls to itself, to hear whether its connection carries.

    Args:
        worker: Id of the process.

    Returns:
        The topic.

    Raises:
        ValueError: If the id does not match ``[A-Za-z0-9_-]{1,64}``.

    Examples:
        >>> ingest_echo("17-ab")
        'dl/v1/ingest/echo/17-ab'
    """
    if not is_valid_id(worker):
        msg = f"worker id {worker!r} cannot stand in a topic: expected 1-64 of A-Z a-z 0-9 _ -"
        raise ValueError(msg)
    return f"{ROOT}/ingest/echo/{worker}"


def site_filter(site: str, channel: Channel) -> str:
    """Spell the subscription for one channel of every gateway of a site.

    Args:
        site: Site id, or ``+`` for every site.
        channel: What the topics carry.

    Returns:
        The topic filter.

    Examples:
        >>> site_filter("leeds", Channel.RECORDS)
        'dl/v1/leeds/+/records'
    """
    return f"{ROOT}/{site}/+/{channel}"


def parse_topic(text: str) -> Address:
    """Take a gateway's topic apart.

    Args:
        text: A topic as the broker gave it.

    Returns:
        Site, gateway and channel.

    Raises:
        ValueError: If it is not one of Dockledger's gateway topics.

    Examples:
        >>> parse_topic("dl/v1/leeds/gw-1/config/desired").channel
        <Channel.CONFIG_DESIRED: 'config/desired'>
    """
    parts = text.split("/", _LEVELS_BEFORE_CHANNEL)
    if len(parts) == _LEVELS_BEFORE_CHANNEL + 1 and f"{parts[0]}/{parts[1]}" == ROOT:
        site, gateway, channel = parts[2:]
        if is_valid_id(site) and is_valid_id(gateway) and channel in set(Channel):
            return Address(SiteId(site), GatewayId(gateway), Channel(channel))
    msg = f"topic {text!r} is not a gateway topic: expected {ROOT}/{{site}}/{{gateway}}/{{channel}}"
    raise ValueError(msg)


def demand_topic(site: str, source: str, channel: DemandChannel) -> str:
    """Spell a demand source's topic.

    Args:
        site: Site id, or ``+`` for every site.
        source: Name of the source, or ``+`` for every source.
        channel: What the topic carries.

    Returns:
        The topic, or topic filter.

    Raises:
        ValueError: If an id does not match ``[A-Za-z0-9_-]{1,64}``.

    Examples:
        >>> demand_topic("leeds", "shop", DemandChannel.LINES)
        'dl/demand/v1/leeds/shop/lines'
    """
    for name, value in (("site", site), ("source", source)):
        if value != "+" and not is_valid_id(value):
            msg = f"{name} id {value!r} cannot stand in a topic: expected 1-64 of A-Z a-z 0-9 _ -"
            raise ValueError(msg)
    return f"{DEMAND_ROOT}/{site}/{source}/{channel}"


def parse_demand_topic(text: str) -> DemandAddress:
    """Take the topic apart on which a source publishes its lines.

    Args:
        text: A topic as the broker gave it.

    Returns:
        Site and source.

    Raises:
        ValueError: If it is not one of them.

    Examples:
        >>> parse_demand_topic("dl/demand/v1/leeds/shop/lines").source
        'shop'
    """
    prefix, suffix = f"{DEMAND_ROOT}/", f"/{DemandChannel.LINES}"
    parts = text.removeprefix(prefix).removesuffix(suffix).split("/")
    match parts:
        case [site, source] if text == f"{prefix}{site}/{source}{suffix}":
            if is_valid_id(site) and is_valid_id(source):
                return DemandAddress(SiteId(site), source)
    msg = f"topic {text!r:.200} is not a source's: expected {prefix}{{site}}/{{source}}{suffix}"
    raise ValueError(msg)
