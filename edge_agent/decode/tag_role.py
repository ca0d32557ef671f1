"""A decoded EPC and the site's rules in, the tag's role out: before a tag may move anything (DOMAIN D3)."""

import re
from collections.abc import Container
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edge_agent.decode.epc import Epc, decode_epc

_CACHED: Final = 4096
"""Tags in range; more of them cost time, not memory."""


class TagRole(StrEnum):
    """What a tag may do in a warehouse."""

    TRADE_ITEM = "trade_item"
    LOGISTIC_UNIT = "logistic_unit"
    RETURNABLE_ASSET = "returnable_asset"
    """A pallet or tote with a GRAI: its own ledger, never product."""
    VEHICLE = "vehicle"
    """A truck or other equipment with a GIAI: evidence of who carried."""
    PLACE = "place"
    """A place marker with an SGLN."""
    PERSON = "person"
    FOREIGN = "foreign"
    """Another company's, which only passes by."""
    UNENCODED = "unencoded"
    """Never written, or nothing the standard knows."""
    DUPLICATE = "duplicate"
    """An EPC that more than one tag carries: a case is open, nothing is posted."""
    OTHER = "other"
    """A document, coupon, part, or an identity that is not GS1's: evidence only."""


_ROLES: Final = {
    "sgtin": TagRole.TRADE_ITEM,
    "sscc": TagRole.LOGISTIC_UNIT,
    "grai": TagRole.RETURNABLE_ASSET,
    "giai": TagRole.VEHICLE,
    "sgln": TagRole.PLACE,
    "gsrn": TagRole.PERSON,
    "gsrnp": TagRole.PERSON,
}
_OWNED: Final = {"grai": 1, "giai": 0, "sgln": 0}
"""Keys that are foreign by their company prefix alone, and where it begins in the element string."""


def _compiles(pattern: str) -> str:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} is not a regular expression: {error}") from error
    if compiled.fullmatch(""):
        raise ValueError(f"pattern {pattern!r} matches the empty text, expected at least one character")
    return pattern


TagPattern = Annotated[str, Field(max_length=200), AfterValidator(_compiles)]
"""A regular expression that matches a tag's whole EPC: hexadecimal, tag URI, pure URI or Digital Link."""


class TagRules(BaseModel):
    """Whose tags a site sees: the ``[tags]`` table of an agent file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    own_prefixes: tuple[Annotated[str, Field(pattern=r"^[0-9]{4,12}$")], ...] = ()
    """GS1 company prefixes whose assets, vehicles and places belong here, pools' included; empty: all.

    Goods and units of any prefix may come in: suppliers tag them.
    """
    foreign_patterns: tuple[TagPattern, ...] = ()
    """Tags of others that only pass by: dropped, counted, never stored."""
    person_patterns: tuple[TagPattern, ...] = ()
    """Tags that people carry, beside those with a GSRN: dropped, counted, never stored."""


def tag_role(epc: Epc, rules: TagRules, *, duplicates: Container[str] = ()) -> TagRole:
    """Decide what a tag is.

    Args:
        epc: What the tag names, or with faults.
        rules: The site's.
        duplicates: Hexadecimal EPCs that more than one tag is known to carry.

    Returns:
        The role; patterns go before everything else, so that no person's tag is ever kept.
    """
    if _matches(epc, rules.person_patterns):
        return TagRole.PERSON
    if _matches(epc, rules.foreign_patterns):
        return TagRole.FOREIGN
    if epc.scheme is None:
        return TagRole.UNENCODED
    role = _ROLES.get(epc.scheme.key, TagRole.OTHER)
    if role is not TagRole.PERSON and _is_elsewhere(epc, rules.own_prefixes):
        return TagRole.FOREIGN
    return TagRole.DUPLICATE if epc.hex in duplicates else role


def is_private(role: TagRole) -> bool:
    """Tell whether a tag must be forgotten where it was read: counted, its EPC never stored.

    Args:
        role: The tag's role.

    Returns:
        True for persons' and foreign tags.
    """
    return role in {TagRole.PERSON, TagRole.FOREIGN}


class TagRoles:
    """Decides for many reads of few tags; safe from any thread."""

    def __init__(self, rules: TagRules) -> None:
        """Keep the rules.

        Args:
            rules: The site's.
        """
        self._decide = lru_cache(maxsize=_CACHED)(lambda digits: _decided(digits, rules))

    def of(self, digits: str) -> tuple[Epc, TagRole]:
        """Decode an EPC and decide its role.

        Args:
            digits: Hexadecimal digits.

        Returns:
            What the tag names, and its role; duplicates are for who knows of open cases.
        """
        return self._decide(digits)


def _decided(digits: str, rules: TagRules) -> tuple[Epc, TagRole]:
    epc = decode_epc(digits)
    return epc, tag_role(epc, rules)


def _matches(epc: Epc, patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return False
    spellings = [text for text in (epc.hex, epc.tag_uri, epc.pure_uri, epc.digital_link) if text is not None]
    return any(re.fullmatch(pattern, text) for pattern in patterns for text in spellings)


def _is_elsewhere(epc: Epc, own_prefixes: tuple[str, ...]) -> bool:
    if not own_prefixes or epc.scheme is None or epc.scheme.key not in _OWNED:
        return False
    if epc.company_prefix is not None:
        return epc.company_prefix not in own_prefixes
    digits = epc.elements[0][1][_OWNED[epc.scheme.key] :]
    return not digits.startswith(own_prefixes)
