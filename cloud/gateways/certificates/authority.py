"""The cloud's one door to cryptography's X.509: a site authority made or given by files, requests signed."""

import ipaddress
import os
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.gateways.certificates.domain import CertificateWishError
from cloud.gateways.domain import why_reserved
from contracts.base import is_valid_id

CA_FILE: Final = "gateway-ca.pem"
"""In the data directory: the authority's certificate, then its chain; ours, or the operator's own."""
CA_KEY_FILE: Final = "gateway-ca.key"
MOST_CHAIN_BYTES: Final = 64 * 1024
"""It goes to gateways with every certificate, in one publish."""
_LIFE: Final = timedelta(days=3650)
_REQUEST: Final = re.compile(
    r"-----BEGIN (NEW )?CERTIFICATE REQUEST-----[A-Za-z0-9+/=\s]+-----END (NEW )?CERTIFICATE REQUEST-----"
)
_SKEW: Final = timedelta(minutes=5)
"""By which a gateway's clock may lag behind ours."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate that was signed."""

    certificate: str
    """PEM, its chain after it."""
    serial: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs gateways' certificates."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    chain: str
    """PEM of all that the file holds."""
    accounts: frozenset[str] = frozenset()
    """Of our own services at the broker: no gateway is given a certificate of such a name."""

    def sign(self, request_pem: str, *, gateway: str, now: datetime, life: timedelta) -> Signed:
        """Sign a gateway's request; only its key is taken from it, everything else is ours to say.

        Args:
            request_pem: PKCS #10.
            gateway: Id of the gateway that asked.
            now: The present.
            life: How long it shall last; never longer than the authority.

        Returns:
            The certificate.

        Raises:
            CertificateWishError: If the request is for another name, or is none, or the authority has ended.
        """
        request = require_request(request_pem, gateway, self.accounts)
        ends = min(now + life, self.certificate.not_valid_after_utc)
        if ends <= now:
            raise CertificateWishError(f"the authority itself ended on {ends:%Y-%m-%d}: make or give another")
        certificate = (
            _builder(_named(gateway), self.certificate.subject, now - _SKEW, ends)
            .public_key(request.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        serial = f"{certificate.serial_number:x}"
        return Signed(
            pem + self.chain, serial, certificate.not_valid_before_utc, certificate.not_valid_after_utc
        )

    def sign_server(self, host: str, *, now: datetime, life: timedelta) -> tuple[str, str]:
        """Make a key and certificate for a broker, where no other authority does.

        Args:
            host: Name or address by which gateways reach it.
            now: The present.
            life: How long it shall last.

        Returns:
            Certificate and key, PEM.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        certificate = (
            _builder(subject, self.certificate.subject, now - _SKEW, now + life)
            .public_key(key.public_key())
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode() + self.chain, _pem_of(key)

    def revoked(self, serials: list[tuple[str, datetime]], *, now: datetime, life: timedelta) -> str:
        """Write the list that a broker refuses by (``crlfile``).

        Args:
            serials: Each with when it was revoked.
            now: The present.
            life: Until when the next list must be there.

        Returns:
            PEM.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - _SKEW)
            .next_update(now + life)
        )
        for serial, at in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def serials_of(self, listed: bytes, *, place: str) -> dict[str, datetime]:
        """Read a list of revoked certificates that this authority signed.

        Args:
            listed: PEM.
            place: Where it is from, for messages.

        Returns:
            When each was revoked, by serial.

        Raises:
            CertificateWishError: If it is no such list.
        """
        try:
            found = x509.load_pem_x509_crl(listed)
        except ValueError as error:
            raise CertificateWishError(
                f"{place}: expected a list of revoked certificates in PEM: {error}"
            ) from error
        if not found.is_signature_valid(self.key.public_key()):
            raise CertificateWishError(f"{place}: expected a list that this authority signed")
        return {f"{each.serial_number:x}": each.revocation_date_utc for each in found}


def require_request(pem: str, gateway: str, accounts: Collection[str] = ()) -> x509.CertificateSigningRequest:
    """Hold a request against the gateway that it is to be of.

    Args:
        pem: PKCS #10.
        gateway: Id of the gateway.
        accounts: Of our own services at the broker.

    Returns:
        The request.

    Raises:
        CertificateWishError: If it is for another name, or is none, or its name is an account of the broker.
    """
    request = _request(pem)
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not is_valid_id(gateway) or [name.value for name in names] != [gateway]:
        told = ", ".join(repr(str(name.value)) for name in names)
        raise CertificateWishError(f"the request is for {told or 'nobody'}: expected {gateway!r}")
    if why := why_reserved(gateway, accounts):
        raise CertificateWishError(why)
    return request


def load_authority(directory: Path, accounts: Collection[str] = ()) -> Authority | None:
    """Read the authority.

    Args:
        directory: Where ``gateway-ca.pem`` and ``gateway-ca.key`` lie.
        accounts: Of our own services at the broker.

    Returns:
        The authority; None if there is none, so that certificates are somebody else's business.

    Raises:
        CertificateWishError: If a file cannot be read, or key and certificate do not belong together.
    """
    place, key_place = directory / CA_FILE, directory / CA_KEY_FILE
    try:
        chain, key_pem = place.read_bytes(), key_place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CertificateWishError(f"{place}: {error}") from error
    if len(chain) > MOST_CHAIN_BYTES:
        raise CertificateWishError(
            f"{place} has {len(chain)} bytes: expected at most {MOST_CHAIN_BYTES}, the authority and its "
            "chain only; every gateway is sent them"
        )
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateWishError(f"{place} and {key_place}: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateWishError(f"{key_place}: expected a key on an elliptic curve or of RSA")
    if key.public_key() != certificate.public_key():
        raise CertificateWishError(f"{key_place} is not the key of {place}")
    return Authority(certificate, key, chain.decode(), frozenset(accounts))


def make_authority(directory: Path, *, network: str, now: datetime) -> Authority:
    """Make an authority of our own, which lasts for ten years; its key is for this user only.

    Args:
        directory: Where its two files shall lie.
        network: Name of the network, for its subject.
        now: The present.

    Returns:
        The authority.

    Raises:
        CertificateWishError: If there is one already.
    """
    if (directory / CA_FILE).exists() or (directory / CA_KEY_FILE).exists():
        raise CertificateWishError(f"{directory / CA_FILE} is there already: move it away to make another")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{network} gateways")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, now - _SKEW, now + _LIFE)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / CA_KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_pem_of(key))
    chain = certificate.public_bytes(serialization.Encoding.PEM).decode()
    (directory / CA_FILE).write_text(chain)
    return Authority(certificate, key, chain)


def _builder(
    subject: x509.Name, issuer: x509.Name, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    serial = secrets.randbits(152) | 1
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).serial_number(serial)
    return builder.not_valid_before(begins).not_valid_after(ends)


def _named(gateway: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gateway)])


def _request(pem: str) -> x509.CertificateSigningRequest:
    if _REQUEST.fullmatch(pem.strip()) is None:
        raise CertificateWishError("expected a certificate request in PEM, and nothing around it")
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        is_signed = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateWishError(f"expected a certificate request in PEM: {error}") from error
    if not is_signed:
        raise CertificateWishError("the request is not signed by its own key")
    return request


def _pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
