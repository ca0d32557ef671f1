"""How a peer proves who it is: authorities, a pinned certificate, our own certificate; one place for all."""

import hashlib
import re
import ssl
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

_PIN: Final = re.compile("[0-9a-f]{64}")


def _as_pin(text: str) -> str:
    digits = text.replace(":", "").lower()
    if not _PIN.fullmatch(digits):
        raise ValueError(f"got {text!r}, expected SHA-256: 64 hexadecimal digits, with or without colons")
    return digits


class TlsSettings(BaseModel):
    """Settings of whatever connects to a reader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tls_ca: Path | None = None
    """PEM file with who may have signed the peer's certificate; by default the machine's authorities."""
    tls_certificate: Path | None = None
    """PEM file with the certificate and key that the peer asks of its client."""
    tls_check_host: bool = True
    """Whether the peer's certificate must name the host."""
    tls_pin: Annotated[str, AfterValidator(_as_pin)] | None = None
    """SHA-256 of the one certificate that is believed, whoever signed it; ``reader check`` prints it."""

    @model_validator(mode="after")
    def _believes_one_thing(self) -> Self:
        if self.tls_pin and (self.tls_ca or not self.tls_check_host):
            raise ValueError("tls_pin believes one certificate: expected no tls_ca or tls_check_host with it")
        return self

    @property
    def has_tls_words(self) -> bool:
        """Whether anything is said about TLS."""
        return bool(self.tls_ca or self.tls_certificate or self.tls_pin or not self.tls_check_host)

    def context(self) -> ssl.SSLContext:
        """Make what a client needs.

        Returns:
            The context; with a pin ``believe`` must be asked after the handshake.

        Raises:
            OSError: If a file is missing or is none.
        """
        context = ssl.create_default_context(cafile=self.tls_ca)
        context.check_hostname = self.tls_check_host and self.tls_pin is None
        if self.tls_pin is not None:
            context.verify_mode = ssl.CERT_NONE  # the pin says more than any signature
        if self.tls_certificate is not None:
            context.load_cert_chain(self.tls_certificate)
        return context

    def believe(self, encrypted: ssl.SSLSocket) -> str:
        """Hold the peer's certificate against the pin, if there is one.

        Args:
            encrypted: After its handshake.

        Returns:
            The certificate's fingerprint.

        Raises:
            ConnectionRefusedError: If it is another.
        """
        shown = pin_of(encrypted.getpeercert(binary_form=True) or b"")
        if self.tls_pin is not None and shown != self.tls_pin:
            raise ConnectionRefusedError(f"its certificate is {shown}: expected tls_pin = {self.tls_pin}")
        return shown


def pin_of(certificate: bytes) -> str:
    """Give the fingerprint of a certificate, as ``tls_pin`` has it.

    Args:
        certificate: As DER.

    Returns:
        SHA-256, as 64 hexadecimal digits.
    """
    return hashlib.sha256(certificate).hexdigest()


def shown_pin(address: tuple[str, int], timeout_s: float) -> str | None:
    """Ask whoever answers for its certificate, without believing it.

    Args:
        address: Where.
        timeout_s: For the answer.

    Returns:
        Its fingerprint; None if there is no TLS, or nobody.
    """
    try:
        pem = ssl.get_server_certificate(address, timeout=timeout_s)
    except (OSError, ValueError):
        return None
    return pin_of(ssl.PEM_cert_to_DER_cert(pem))
