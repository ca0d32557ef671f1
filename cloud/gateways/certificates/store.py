"""Certificates of gateways in the database."""

import hashlib
from typing import Final

from cloud.db import NamedStatements

_SQL: Final = NamedStatements("cloud.gateways.certificates")
rows, row, tuples, change = _SQL.rows, _SQL.row, _SQL.tuples, _SQL.change


def request_sha256(request: str) -> bytes:
    """Give what a request is known by.

    Args:
        request: PEM.

    Returns:
        32 bytes.
    """
    return hashlib.sha256(request.encode()).digest()
