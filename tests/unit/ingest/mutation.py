"""Seeded damage to bytes: what a broker, a disk, an old release or an attacker could make of a publish."""

import gzip
import hashlib
import random
import re
from collections.abc import Iterator

_INTERESTING = (
    b"null",
    b"true",
    b"NaN",
    b"Infinity",
    b"-1",
    b"0",
    b"1e400",
    b"99999999999999999999",
    b'""',
    b"[]",
    b"{}",
    b'"\\u0000"',
    b'"\\ud800"',
    b'"0001-01-01T00:00:00+14:00"',
    b"\xff\xfe",
    b'"' + b"A" * 300 + b'"',
    b"[" * 2000,
)
_VALUE = re.compile(rb'(?<=:)("[^"]*"|-?[0-9.]+|true|false|null)')


def mutations(payload: bytes, source: random.Random, count: int) -> Iterator[bytes]:
    """Give damaged publishes; three in four get a matching hash again, so that the damage goes deeper."""
    line, _, content = payload.partition(b"\n")
    body = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    for _ in range(count):
        if source.random() < 0.25:
            yield _damage(payload, source)
            continue
        damaged = _damage(body, source)
        sha256 = hashlib.sha256(damaged).hexdigest().encode()
        head = re.sub(rb'"sha256":"[0-9a-f]{64}"', b'"sha256":"' + sha256 + b'"', line)
        head = head.replace(b'"gzip"', b'"identity"')
        yield head + b"\n" + damaged


def _damage(data: bytes, source: random.Random) -> bytes:
    kind = source.randrange(5)
    place = source.randrange(len(data))
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([source.randrange(256)]) + data[place + 1 :]
    if kind == 2:
        end = min(len(data), place + source.randrange(1, 40))
        return data[:place] + data[end:]
    if kind == 3:
        return data[:place] + source.choice(_INTERESTING) + data[place:]
    values = list(_VALUE.finditer(data))
    if not values:
        return data + b"\0"
    value = source.choice(values)
    return data[: value.start()] + source.choice(_INTERESTING) + data[value.end() :]
