"""PINs of people who log in without a badge: argon2id, since four digits are soon tried out."""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's least for argon2id: a gateway has little memory, and tries are counted."""


def hash_pin(pin: str) -> str:
    """Hash a PIN.

    Args:
        pin: The PIN.

    Returns:
        The argon2id hash with its parameters and salt.
    """
    return _HASHER.hash(pin)


def is_pin(pin: str, pin_hash: str | None) -> bool:
    """Tell whether a PIN is the right one.

    Args:
        pin: What was keyed.
        pin_hash: The stored hash; None for a badge that has none.

    Returns:
        True if it is.
    """
    if pin_hash is None:
        return False
    try:
        return _HASHER.verify(pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False
