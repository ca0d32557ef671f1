"""What a tag's EPC names: the scheme and its fields, kept once, and every spelling the standards know."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from edge_agent.decode.barcode import decode_barcode
from edge_agent.decode.decoded import Fault, answer

CANONICAL_HOST: Final = "id.gs1.org"
_QUALIFIERS: Final = {"01": ("10", "21"), "8006": ("10", "21"), "414": ("254",), "8010": ("8011",)}
"""Application identifiers that stand in a Digital Link's path after the key; all others in its query."""
_INSTANCE: Final = frozenset({"21", "254", "8011"})
"""Application identifiers that, beside the key, say which instance it is."""
_NO_FILTER: Final = "gid-96"
_ESCAPED: Final = re.compile(r"[\"#%&/<>?]")


class EpcScheme(StrEnum):
    """The coding schemes of TDS 2.3, as the standard names them, in lower case."""

    GDTI_96 = "gdti-96"
    GSRN_96 = "gsrn-96"
    GSRNP_96 = "gsrnp-96"
    USDOD_96 = "usdod-96"
    SGTIN_96 = "sgtin-96"
    SSCC_96 = "sscc-96"
    SGLN_96 = "sgln-96"
    GRAI_96 = "grai-96"
    GIAI_96 = "giai-96"
    GID_96 = "gid-96"
    SGTIN_198 = "sgtin-198"
    GRAI_170 = "grai-170"
    GIAI_202 = "giai-202"
    SGLN_195 = "sgln-195"
    GDTI_113 = "gdti-113"
    ADI_VAR = "adi-var"
    CPI_96 = "cpi-96"
    CPI_VAR = "cpi-var"
    GDTI_174 = "gdti-174"
    SGCN_96 = "sgcn-96"
    ITIP_110 = "itip-110"
    ITIP_212 = "itip-212"
    CPI_PLUS = "cpi+"
    GRAI_PLUS = "grai+"
    SGLN_PLUS = "sgln+"
    ITIP_PLUS = "itip+"
    GSRN_PLUS = "gsrn+"
    GSRNP_PLUS = "gsrnp+"
    GDTI_PLUS = "gdti+"
    SGTIN_PLUS = "sgtin+"
    SGCN_PLUS = "sgcn+"
    SSCC_PLUS = "sscc+"
    GIAI_PLUS = "giai+"
    DSGTIN_PLUS = "dsgtin+"
    CPI_PLUS_PLUS = "cpi++"
    GRAI_PLUS_PLUS = "grai++"
    SGLN_PLUS_PLUS = "sgln++"
    ITIP_PLUS_PLUS = "itip++"
    GSRN_PLUS_PLUS = "gsrn++"
    GSRNP_PLUS_PLUS = "gsrnp++"
    GDTI_PLUS_PLUS = "gdti++"
    SGTIN_PLUS_PLUS = "sgtin++"
    SGCN_PLUS_PLUS = "sgcn++"
    SSCC_PLUS_PLUS = "sscc++"
    GIAI_PLUS_PLUS = "giai++"
    DSGTIN_PLUS_PLUS = "dsgtin++"

    @property
    def key(self) -> str:
        """What it identifies, whatever its encoding: ``sgtin``, ``sscc``, ``grai``."""
        return self.partition("-")[0].rstrip("+").replace("dsgtin", "sgtin")


@dataclass(frozen=True, slots=True)
class Epc:
    """One EPC, taken apart; if ``faults`` is not empty, it names nothing."""

    hex: str
    """What the tag holds, in upper-case hexadecimal digits."""
    scheme: EpcScheme | None = None
    """None if the EPC is faulty."""
    filter: int | None = None
    """The filter value; for an SGTIN 1 is an item, 2 a case, 6 a unit load: a hint, never a fact."""
    company_prefix: str | None = None
    """GS1 company prefix; None where the encoding does not tell it (``+`` schemes, GID, DoD, ADI)."""
    body: str | None = None
    """What follows the scheme in the EPC's URIs, escaped; None for ``+`` schemes, which have no URI."""
    elements: tuple[tuple[str, str], ...] = ()
    """Application identifiers and values; the first is the key."""
    serial: str | None = None
    """Of what is serialised under a class: item, asset type, document type, part."""
    hostname: str | None = None
    """Whose Digital Link it is, where the tag says (``++`` schemes)."""
    faults: tuple[Fault, ...] = ()

    @property
    def tag_uri(self) -> str | None:
        """EPC tag URI: encoding, filter value and identity."""
        if self.body is None:
            return None
        filter_value = "" if self.scheme == _NO_FILTER else f"{self.filter}."
        return f"urn:epc:tag:{self.scheme}:{filter_value}{self.body}"

    @property
    def pure_uri(self) -> str | None:
        """EPC pure-identity URI."""
        return (
            None if self.body is None or self.scheme is None else f"urn:epc:id:{self.scheme.key}:{self.body}"
        )

    @property
    def element_string(self) -> str | None:
        """With bracketed application identifiers, as a barcode says it."""
        return "".join(f"({identifier}){value}" for identifier, value in self.elements) or None

    @property
    def digital_link(self) -> str | None:
        """GS1 Digital Link URI, canonical unless the tag names a host."""
        return _link(self.hostname or CANONICAL_HOST, self.elements)

    @property
    def gtin(self) -> str | None:
        """14 digits, from AI 01."""
        return self._element("01")

    @property
    def sscc(self) -> str | None:
        """18 digits, from AI 00."""
        return self._element("00")

    @property
    def gln(self) -> str | None:
        """13 digits, from AI 414: the place."""
        return self._element("414")

    @property
    def gln_extension(self) -> str | None:
        """AI 254: the part of that place."""
        return self._element("254")

    @property
    def grai(self) -> str | None:
        """Returnable asset: 14 digits and its serial, from AI 8003."""
        return self._element("8003")

    @property
    def giai(self) -> str | None:
        """Individual asset, from AI 8004."""
        return self._element("8004")

    @property
    def gsrn(self) -> str | None:
        """A person's service relation, 18 digits, from AI 8018 (recipient) or 8017 (provider)."""
        return self._element("8018") or self._element("8017")

    @property
    def lot(self) -> str | None:
        """AI 10, where data stands behind the EPC."""
        return self._element("10")

    @property
    def expiry(self) -> date | None:
        """AI 17, where data stands behind the EPC: the day that a label with the same digits means."""
        digits = self._element("17")
        return None if digits is None else decode_barcode(f"]C117{digits}").expiry

    @property
    def quantity(self) -> int | None:
        """AI 37 or 30, where data stands behind the EPC."""
        text = self._element("37") or self._element("30")
        return None if text is None else int(text)

    @property
    def identity(self) -> str:
        """One name for one thing: its pure-identity URI; where there is none, the canonical Digital Link.

        Neither the host that a tag names nor the data behind its EPC are part of it. A faulty EPC is its
        bits.
        """
        naming = [pair for at, pair in enumerate(self.elements) if at == 0 or pair[0] in _INSTANCE]
        return self.pure_uri or _link(CANONICAL_HOST, naming) or self.hex

    @property
    def unit(self) -> str | None:
        """How records name the logistic unit: an SSCC's 18 digits, a returnable asset's identity."""
        return self.sscc or (self.identity if self.grai else None)

    def _element(self, identifier: str) -> str | None:
        for name, value in self.elements:
            if name == identifier:
                return value
        return None


def _link(host: str, elements: Sequence[tuple[str, str]]) -> str | None:
    if not elements:
        return None
    key, value = elements[0]
    known = dict(elements)
    in_path = [(key, value), *((ai, known[ai]) for ai in _QUALIFIERS.get(key, ()) if ai in known)]
    in_query = [pair for pair in elements if pair not in in_path]
    path = "".join(f"/{identifier}/{quote(text, safe='')}" for identifier, text in in_path)
    query = "&".join(f"{identifier}={quote(text, safe='')}" for identifier, text in in_query)
    return f"https://{host}{path}" + (f"?{query}" if query else "")


def escaped(text: str) -> str:
    """Write a serial into an EPC URI (TDS 2.3, table A-1).

    Args:
        text: Characters of GS1's set 82 or 39.

    Returns:
        The text, with what a URI may not hold as ``%XX``.

    Examples:
        >>> escaped("32a/b")
        '32a%2Fb'
    """
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02X}", text)


def epc_as_json_object(raw: str, epc: Epc) -> dict[str, Any]:
    """Lay an EPC out as ``edge-agent decode`` prints it.

    Args:
        raw: The input as it was given.
        epc: What it names.

    Returns:
        The keys every decoder answers, beside ``input``.
    """
    return answer(
        raw,
        epc.faults,
        scheme=epc.scheme,
        tag_uri=epc.tag_uri,
        pure_uri=epc.pure_uri,
        element_string=epc.element_string,
        digital_link=epc.digital_link,
        filter_value=epc.filter,
        gtin=epc.gtin,
        sscc=epc.sscc,
        serial=epc.serial,
        lot=epc.lot,
        expiry=epc.expiry,
        quantity=epc.quantity,
    )
