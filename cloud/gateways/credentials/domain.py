"""A secret as Mosquitto's password file keeps it; pure."""

import base64
import hashlib
from typing import Final

SALT_BYTES: Final = 12
_ITERATIONS: Final = 101
"""Mosquitto's own number; the secrets are random, so guessing does not get easier by it."""


def mosquitto_hash(secret: str, salt: bytes) -> str:
    """Hash a secret as ``mosquitto_passwd`` does (PBKDF2 with SHA-512).

    Args:
        secret: The password.
        salt: Random.

    Returns:
        What stands behind the colon.

    Examples:
        >>> mosquitto_hash("secret", bytes(12))[:24]
        '$7$101$AAAAAAAAAAAAAAAA$'
    """
    key = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"
