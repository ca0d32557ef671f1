"""The host name that a ``++`` scheme carries, with its short codes for endings (TDS 2.3, 14.5.16)."""

import re
from typing import Final

from edge_agent.decode.decoded import FaultCode
from edge_agent.decode.epc_bits import Bits
from edge_agent.decode.epc_checks import EpcError
from edge_agent.decode.epc_writer import BitWriter

_LONGEST: Final = 63
_HOST: Final = re.compile(r"[A-Za-z0-9.:-]+")
_SHORT: Final = {
    0x1E: "qr.", 0x1F: "www.", 0x20: "id.",
    0x5B: ".com", 0x5C: ".org", 0x5D: ".net", 0x5E: ".int", 0x60: ".edu",
    0x7B: ".gov", 0x7C: ".mil", 0x7D: ".biz", 0x7E: ".eco", 0x7F: ".med",
}  # fmt: skip
"""7-bit codes that stand for more than a character (table A)."""
_ENDINGS: Final = tuple(
    codes.split()
    for codes in (
        (
            "ac ad ae af ag ai al am ao aq ar as at au aw ax az "
            "ba bb bd be bf bg bh bi bj bm bn bo bq br bs bt bw "
            "by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv "
            "cw cx cy cz de dj dk dm do dz ec ee eg eh er es et "
            "eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn "
            "gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il "
            "im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li"
        ),
        (
            "lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn "
            "mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng "
            "ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn "
            "pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg "
            "sh si sk sl sm sn sr ss st su sv sx sy sz tc td tf "
            "tg th tj tk tl tm tn to tr tt tv tw tz ua ug us uy "
            "uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
        ),
        (
            "com.au net.au org.au co.at com.bd co.bd com.br net.br "
            "co.nz com.ng com.pk co.in com.in co.il co.jp "
            "co.za co.kr com.es com.lk co.th co.tt com.tt com.tr biz.tr "
            "com.ua co.uk co.zm com.zm com.cn org.cn net.cn gov.cn"
        ),
        "tech",
    )
)
"""Endings with a code of 14 bits, by its first seven (tables B1 to B4)."""


def read_host(bits: Bits) -> str:
    """Read a host name.

    Args:
        bits: The tag's bits, at the host name.

    Returns:
        The host name, without ``https://``.

    Raises:
        EpcError: If it is empty or holds a code that stands for nothing.
    """
    is_ascii, length = bits.take(1, "host name"), bits.take(6, "length of host name")
    if not length:
        raise EpcError(FaultCode.OUT_OF_RANGE, "host name is empty, expected 1 to 63 characters")
    host = _ascii(bits, length) if is_ascii else bits.code_40(length, "host name")
    if _HOST.fullmatch(host) is None:
        raise EpcError(FaultCode.CHARACTER, f"host name {host!r}: expected letters, digits, '.', '-' and ':'")
    return host


def _ascii(bits: Bits, length: int) -> str:
    text = ""
    left = length
    while left > 0:
        code = bits.take(7, "host name")
        left -= 1
        if code < len(_ENDINGS):
            second = bits.take(7, "host name")
            left -= 1
            if second >= len(_ENDINGS[code]):
                raise EpcError(FaultCode.CHARACTER, f"host name {text!r}: ending {code}/{second} is reserved")
            text += f".{_ENDINGS[code][second]}"
        else:
            text += _SHORT.get(code) or chr(code)
    return text


def write_host(bits: BitWriter, host: str) -> None:
    """Write a host name.

    Args:
        bits: What stands before it.
        host: Without ``https://``.

    Raises:
        EpcError: If it is empty, too long, or holds another character.
    """
    codes: list[int] = []
    rest = host
    start = next(
        (code for code, text in _SHORT.items() if not text.startswith(".") and host.startswith(text)), None
    )
    if start is not None:
        codes.append(start)
        rest = host.removeprefix(_SHORT[start])
    end = next((code for code, text in _SHORT.items() if text.startswith(".") and rest.endswith(text)), None)
    codes += [ord(character) for character in (rest if end is None else rest.removesuffix(_SHORT[end]))]
    codes += [] if end is None else [end]
    if _HOST.fullmatch(host) is None or not 1 <= len(codes) <= _LONGEST:
        raise EpcError(
            FaultCode.OUT_OF_RANGE,
            f"host name {host!r}: expected 1 to {_LONGEST} letters, digits, '.', '-' and ':'",
        )
    bits.put(1, 1, "host name")
    bits.put(len(codes), 6, "length of host name")
    for code in codes:
        bits.put(code, 7, "host name")
