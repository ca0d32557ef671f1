"""How a new gateway comes to its certificate and settings by a one-time code: asked over HTTPS, answered."""

import re
from typing import Annotated, Final

from pydantic import Field

from contracts.base import SCHEMA_VERSION, Contract, Gateway, SchemaVersion, Site

ENROLMENT_PATH: Final = "/v1/enrolments"
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without letters that are taken for digits."""
CODE_CHARACTERS: Final = 16
"""Of five random bits each."""
_CODE: Final = re.compile(r"([A-Za-z0-9_-]{1,64})\.([0-9A-Za-z-]{16,24})")
_MISREAD: Final = str.maketrans("OIL", "011")


def read_code(text: str) -> tuple[str, str] | None:
    """Take a code apart as a person typed it.

    Args:
        text: ``gw-7.7KQ2-9MPD-41XR-VT8E``; small letters and misread ones are taken for what they mean.

    Returns:
        The gateway's id, and the code as it was made; None if it is no such code.

    Examples:
        >>> read_code(" gw-7.7kq2-9mpd-4IXR-VT8E ")
        ('gw-7', 'gw-7.7KQ2-9MPD-41XR-VT8E')
    """
    found = _CODE.fullmatch(text.strip())
    if found is None:
        return None
    characters = found[2].upper().replace("-", "").translate(_MISREAD)
    if len(characters) != CODE_CHARACTERS or any(each not in ALPHABET for each in characters):
        return None
    return found[1], write_code(found[1], characters)


def write_code(gateway: str, characters: str) -> str:
    """Write a code for people to read.

    Args:
        gateway: Its gateway's id.
        characters: The random part.

    Returns:
        The code.
    """
    groups = (characters[at : at + 4] for at in range(0, len(characters), 4))
    return f"{gateway}.{'-'.join(groups)}"


class EnrolmentRequest(Contract):
    """What a new gateway brings: the code, a request of the key that it made, a secret that it made."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    code: Annotated[str, Field(min_length=1, max_length=100)]
    request: Annotated[str, Field(min_length=1, max_length=4000)]
    """PKCS #10 in PEM."""
    secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{32,64}$", repr=False)]
    """With which it shows itself over HTTPS from now on."""


class Enrolled(Contract):
    """What a new gateway is told; asked again by the same key, it is told again."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    site: Site
    gateway: Gateway
    broker_url: str | None = None
    """Without a user; None: it has no broker, and does all over HTTPS."""
    broker_ca: str | None = None
    """PEM: who signed that broker's certificate."""
    certificate: str | None = None
    """PEM with its chain; None with a broker: it is being signed, ask again."""
