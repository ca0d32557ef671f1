"""The edge's one door to cryptography: keys and requests made, certificates read and held against them."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.certificates.domain import CertificateFacts


class CertificateError(ValueError):
    """A key, request or certificate that cannot be used; the message says why."""


class OtherKeyError(CertificateError):
    """A certificate of another key than the one that was made here."""


def new_key() -> bytes:
    """Make a private key on P-256.

    Returns:
        PEM, without a password: its file is for the agent's user only.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def request_for(key_pem: bytes, gateway: str) -> str:
    """Ask for a certificate (PKCS #10).

    Args:
        key_pem: The private key.
        gateway: Id of the gateway, its common name.

    Returns:
        PEM.

    Raises:
        CertificateError: If the key cannot be read.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gateway)])
    key = _key(key_pem)
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def facts_of(pem: bytes) -> CertificateFacts:
    """Read the first certificate of a file.

    Args:
        pem: Certificates, and perhaps a key.

    Returns:
        What it says.

    Raises:
        CertificateError: If there is none, or it cannot be read.
    """
    return _facts(_certificate(pem))


def require_fit(pem: bytes, key_pem: bytes, gateway: str) -> CertificateFacts:
    """Hold a certificate against the key and gateway that it is to be of.

    Args:
        pem: The certificate, then its chain.
        key_pem: The private key.
        gateway: Id of the gateway.

    Returns:
        What it says.

    Raises:
        OtherKeyError: If it is of another key.
        CertificateError: If it is of another name, or cannot be read.
    """
    certificate = _certificate(pem)
    facts = _facts(certificate)
    if facts.subject != gateway:
        raise CertificateError(f"it is for {facts.subject!r:.80}: expected {gateway!r}")
    if certificate.public_key() != _key(key_pem).public_key():
        raise OtherKeyError("it is of another key than the one that was made here")
    return facts


def is_of_request(pem: bytes, request: str) -> bool:
    """Tell whether a certificate is of the key that signed a request.

    Args:
        pem: The certificate, then its chain.
        request: PKCS #10 in PEM.

    Returns:
        Whether it is; False of what cannot be read.
    """
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        return _certificate(pem).public_key() == asked.public_key()
    except ValueError:
        return False


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except ValueError as error:
        raise CertificateError(f"expected a certificate in PEM: {error}") from error


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return CertificateFacts(
        subject=str(names[0].value) if names else "",
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"the private key cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError("the private key is none on an elliptic curve, as this agent makes them")
    return key
