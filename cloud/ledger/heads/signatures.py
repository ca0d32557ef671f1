"""Ed25519 signatures (RFC 8032) of the library `cryptography`: keys, messages and signatures as bytes."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_LENGTH: Final = 32


def public_key(seed: bytes) -> bytes:
    """Give the public key of a private one.

    Args:
        seed: 32 bytes, secret.

    Returns:
        32 bytes.

    Raises:
        ValueError: If the seed has another length.

    Examples:
        RFC 8032, section 7.1, tests 1 and 2:
        >>> seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        >>> public_key(seed).hex()
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
        >>> sign(seed, b"").hex()[:32]
        'e5564300c360ac729086e2cc806e828a'
        >>> [is_signed(public_key(seed), message, sign(seed, b"")) for message in (b"", b"!")]
        [True, False]
        >>> seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
        >>> public_key(seed).hex()[:32], sign(seed, bytes.fromhex("72")).hex()[:32]
        ('3d4017c3e843895a92b70aa74d1b7ebc', '92a009a9f0d4cab8720e820b5f642540')
    """
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """Sign a message.

    Args:
        seed: 32 bytes, secret.
        message: Any bytes.

    Returns:
        64 bytes.

    Raises:
        ValueError: If the seed has another length.
    """
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature is that of a message under a key.

    Args:
        public: The public key.
        message: What was signed.
        signature: What is said to be its signature.

    Returns:
        True if so; False for anything that is no key or signature.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
