"""Names for people: who acted, what a tag names, what of the cloud's own is called."""

from typing import Final
from urllib.parse import quote

_CLOUD: Final = "_cloud"
"""The gateway under which the cloud itself posts."""
_SHELL: Final = "system:shell"
_SGTIN: Final = "urn:epc:id:sgtin:"
_EPC: Final = "urn:epc:id:"


def person(actor: str | None) -> str:
    """Name whoever acted.

    Args:
        actor: ``user:ada``, ``key:tills``, ``job:planning``, ``system:shell``, or a name without a kind.

    Returns:
        A person's name as it is, anything else with what it is; empty for None.

    Examples:
        >>> person("user:ada"), person("key:tills"), person("system:shell"), person("demo-operator")
        ('ada', 'tills (key)', 'the command line', 'demo-operator')
    """
    if actor is None:
        return ""
    if actor == _SHELL:
        return "the command line"
    kind, _, name = actor.partition(":")
    if kind == "user" and name:
        return name
    return f"{name} ({kind})" if name and kind in {"key", "job", "system", "database"} else actor


def gateway(name: str) -> str:
    """Name a gateway.

    Args:
        name: Its id.

    Returns:
        The id; the cloud's own reads as a word.

    Examples:
        >>> gateway("leeds-1"), gateway("_cloud")
        ('leeds-1', 'the cloud')
    """
    return "the cloud" if name == _CLOUD else name


def tag(identifier: str) -> str:
    """Name what a tag says, as it is printed on goods.

    Args:
        identifier: An EPC's pure identity, or anything else that a tag or label said.

    Returns:
        GTIN and serial number of an SGTIN, key and content of another EPC; anything else as it is.

    Examples:
        >>> tag("urn:epc:id:sgtin:0614141.812345.6789"), tag("urn:epc:id:grai:0614141.12345.400"), tag("X-1")
        ('GTIN 80614141123458, serial 6789', 'GRAI 0614141.12345.400', 'X-1')
    """
    if identifier.startswith(_SGTIN):
        prefix, _, rest = identifier.removeprefix(_SGTIN).partition(".")
        reference, _, serial = rest.partition(".")
        digits = reference[:1] + prefix + reference[1:]
        if len(digits) == 13 and digits.isascii() and digits.isdecimal() and serial:  # noqa: PLR2004  a GTIN's, but for its check digit
            weighed = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
            return f"GTIN {digits}{-weighed % 10}, serial {serial}"
    if identifier.startswith(_EPC):
        key, _, content = identifier.removeprefix(_EPC).partition(":")
        return f"{key.upper()} {content}"
    return identifier


def transformation_href(site: str, kind: str, name: str) -> str:
    """Give the address of a transformation's page.

    Args:
        site: Where it was done.
        kind: Type of the document that its movements name.
        name: Its id.

    Returns:
        The path.

    Examples:
        >>> transformation_href("leeds", "kit", "K 1/2")
        '/transformations/leeds/kit/K%201/2'
    """
    return f"/transformations/{quote(site)}/{quote(kind)}/{quote(name)}"
