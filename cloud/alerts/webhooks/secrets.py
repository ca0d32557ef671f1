"""Secrets that sign, made at random."""

import base64
import secrets

from cloud.alerts.webhooks.domain import SECRET_PREFIX

SECRET_BYTES = 32
"""The specification wants 24 to 64."""


def new_secret() -> str:
    """Make a secret.

    Returns:
        ``whsec_`` and base64 of 32 random bytes.
    """
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
