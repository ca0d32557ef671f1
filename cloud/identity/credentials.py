"""Passwords by argon2id; random tokens, of which the database holds only the SHA-256."""

import base64
import hashlib
import hmac
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

KEY_PREFIX: Final = "dlk"
"""API keys begin with it, so that a leaked one is found by scanners of repositories."""

_HASHER: Final = PasswordHasher()
"""argon2id with the parameters of RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes."""
_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5bm9ib2R5bm9ibw$3mPuJmWgzk0oUoTpzsp4kTGXA0rU5tDK2SY1kYGrlVc"
)
"""Checked for a name that does not exist, so that the answer takes as long."""


def hash_password(password: str) -> str:
    """Hash a password.

    Args:
        password: The password.

    Returns:
        The argon2id hash with its parameters and salt.
    """
    return _HASHER.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Tell whether a password is the right one, taking as long when there is none to compare with.

    Args:
        password: What was typed.
        password_hash: The stored hash, or None for a name that does not exist or cannot log in.

    Returns:
        True if it is.
    """
    try:
        _HASHER.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def new_token() -> str:
    """Make a token of 256 random bits.

    Returns:
        43 URL-safe characters.
    """
    return secrets.token_urlsafe(32)


def new_api_key() -> tuple[str, str]:
    """Make an API key.

    Returns:
        Its public id (12 characters) and the key whole, ``dlk_<id>_<secret>``, which is shown once.
    """
    key_id = secrets.token_hex(6)
    return key_id, f"{KEY_PREFIX}_{key_id}_{new_token()}"


def token_sha256(token: str) -> bytes:
    """Hash a random token for storage; 256 random bits need neither salt nor stretching.

    Args:
        token: A token as its holder shows it.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(token.encode()).digest()


def csrf_token(session_token: str) -> str:
    """Derive the token that a page's forms carry, which another site cannot know.

    Args:
        session_token: The token in the session cookie.

    Returns:
        43 URL-safe characters, the same for the session's whole life.
    """
    digest = hmac.new(session_token.encode(), b"dockledger csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_csrf_token(candidate: str, session_token: str) -> bool:
    """Compare a form's token with the session's, in constant time.

    Args:
        candidate: What the form or header carried.
        session_token: The token in the session cookie.

    Returns:
        True if they belong together.
    """
    return hmac.compare_digest(candidate.encode(), csrf_token(session_token).encode())
