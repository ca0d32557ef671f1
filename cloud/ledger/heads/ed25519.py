"""Ed25519 signatures (RFC 8032, section 5.1); pure. Slow and not in constant time: for a head an hour."""

import hashlib
from typing import Final, TypeAlias

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE: Final = pow(2, (_P - 1) // 4, _P)
_SIGN_BIT: Final = 255
SEED_LENGTH: Final = 32
KEY_LENGTH: Final = 32
SIGNATURE_LENGTH: Final = 64

Point: TypeAlias = tuple[int, int, int, int]
"""Extended homogeneous coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x·y = T/Z."""


def public_key(seed: bytes) -> bytes:
    """Give the public key of a private one.

    Args:
        seed: 32 bytes, secret.

    Returns:
        32 bytes.

    Examples:
        RFC 8032, section 7.1, test 1:
        >>> seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        >>> public_key(seed).hex()
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
        >>> sign(seed, b"").hex()[:32]
        'e5564300c360ac729086e2cc806e828a'
        >>> [is_signed(public_key(seed), message, sign(seed, b"")) for message in (b"", b"!")]
        [True, False]
    """
    return _compressed(_times(_expanded(seed)[0], _BASE))


def sign(seed: bytes, message: bytes) -> bytes:
    """Sign a message.

    Args:
        seed: 32 bytes, secret.
        message: Any bytes.

    Returns:
        64 bytes.
    """
    scalar, prefix = _expanded(seed)
    public = _compressed(_times(scalar, _BASE))
    nonce = _hashed(prefix, message) % _ORDER
    commitment = _compressed(_times(nonce, _BASE))
    challenge = _hashed(commitment, public, message) % _ORDER
    return commitment + ((nonce + challenge * scalar) % _ORDER).to_bytes(32, "little")


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature is that of a message under a key.

    Args:
        public: The public key.
        message: What was signed.
        signature: What is said to be its signature.

    Returns:
        True if so; False for anything that is no key or signature.
    """
    if len(public) != KEY_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    key, commitment = _point(public), _point(signature[:32])
    response = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or response >= _ORDER:
        return False
    challenge = _hashed(signature[:32], public, message) % _ORDER
    return _is_same(_times(response, _BASE), _sum(commitment, _times(challenge, key)))


def _expanded(seed: bytes) -> tuple[int, bytes]:
    if len(seed) != SEED_LENGTH:
        raise ValueError(f"a private key of {len(seed)} bytes: expected {SEED_LENGTH}")
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    return scalar, digest[32:]


def _hashed(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def _sum(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            total = _sum(total, point)
        point = _sum(point, point)
        scalar >>= 1
    return total


def _is_same(one: Point, other: Point) -> bool:
    return (one[0] * other[2] - other[0] * one[2]) % _P == 0 and (
        one[1] * other[2] - other[1] * one[2]
    ) % _P == 0


def _compressed(point: Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << _SIGN_BIT).to_bytes(32, "little")


def _point(compressed: bytes) -> Point | None:
    y = int.from_bytes(compressed, "little")
    sign_of_x = y >> _SIGN_BIT
    y &= (1 << _SIGN_BIT) - 1
    x = _x_of(y, sign_of_x) if y < _P else None
    return None if x is None else (x, y, 1, x * y % _P)


def _x_of(y: int, sign_of_x: int) -> int | None:
    squared = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if squared == 0:
        return None if sign_of_x else 0
    x = pow(squared, (_P + 3) // 8, _P)
    if (x * x - squared) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - squared) % _P:
        return None
    return _P - x if x & 1 != sign_of_x else x


_BASE_Y: Final = 4 * pow(5, _P - 2, _P) % _P
_BASE_X: Final = _x_of(_BASE_Y, 0) or 0
_BASE: Final[Point] = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
