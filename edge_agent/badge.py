"""Make a person's badge: what to print or key, and what the gateway's file has to know of it."""

import argparse
import hashlib
import json
import re
import secrets
from getpass import getpass
from typing import Any, Final, TextIO

from edge_agent.workflows.pins import hash_pin
from edge_agent.workflows.prompts import LANGUAGES

_PIN: Final = re.compile(r"[0-9]{4,12}")
_TOKEN_BYTES: Final = 10


class BadgeError(ValueError):
    """A badge that nobody could use; the message says what was expected."""


def add_badge_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Say how the command is called.

    Args:
        commands: Of the whole command line.
    """
    text = "make a person's badge: the barcode to print, and the lines for the gateway's file"
    parser = commands.add_parser("badge", help=text, description=text)
    parser.add_argument("actor", help="the person's name in the ledger")
    parser.add_argument("--role", action="append", dest="roles", help="default: operator; may be repeated")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of displays, default: en")
    parser.add_argument("--pin", action="store_true", help="ask for a PIN, for keypads: $PIN/NAME/PIN")
    parser.set_defaults(command="badge")


def badge(options: argparse.Namespace, out: TextIO, notes: TextIO) -> int:
    """Make a badge.

    Args:
        options: As parsed.
        out: Gets the lines for the file.
        notes: Gets what to print, which nobody can tell from those.

    Returns:
        0, or 2 if the PIN cannot be one.
    """
    try:
        pin_hash = _asked_pin() if options.pin else None
    except BadgeError as error:
        print(error, file=notes)
        return 2
    token = secrets.token_hex(_TOKEN_BYTES).upper()
    print(f"Print this as Code 128, and keep it from others: $BADGE/{token}", file=notes)
    lines = {
        "badge_sha256": hashlib.sha256(token.encode()).hexdigest(),
        "actor": options.actor,
        "roles": options.roles or ["operator"],
        "language": options.language,
    }
    if pin_hash is not None:
        lines["pin_argon2id"] = pin_hash
        print(f"Or key: $PIN/{options.actor}/ and the PIN", file=notes)
    print("[[workflow.badges]]", file=out)
    for name, value in lines.items():
        print(f"{name} = {json.dumps(value, ensure_ascii=False)}", file=out)
    return 0


def _asked_pin() -> str:
    pin = getpass("PIN: ")
    if not _PIN.fullmatch(pin):
        raise BadgeError(f"a PIN of {len(pin)} characters: expected 4 to 12 digits")
    if getpass("PIN again: ") != pin:
        raise BadgeError("the two PINs differ: expected the same twice")
    return hash_pin(pin)
