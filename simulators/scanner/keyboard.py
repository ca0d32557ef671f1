"""A scanner that types: the characters of a scan in, Linux's input events out."""

import struct
from typing import Final

_EVENT: Final = struct.Struct("@llHHi")
_KEY, _SYN, _SCANCODE = 1, 0, 4
_SHIFT, _CTRL, _ALT, _ENTER = 42, 29, 56, 28
_ROWS: Final = {
    2: ("1234567890-=", "!@#$%^&*()_+"),
    16: ("qwertyuiop[]", "QWERTYUIOP{}"),
    30: ("asdfghjkl;'`", 'ASDFGHJKL:"~'),
    43: ("\\zxcvbnm,./", "|ZXCVBNM<>?"),
    57: (" ", " "),
}
_CODES: Final = {
    char: (first + place, is_shifted)
    for first, row in _ROWS.items()
    for is_shifted, chars in ((True, row[1]), (False, row[0]))
    for place, char in enumerate(chars)
}
_PAD: Final = (82, 79, 80, 81, 75, 76, 77, 71, 72, 73)
_CONTROL_OFFSET: Final = 0x40
_SPACE: Final = 0x20


def typed(text: str, *, at_s: int = 1_772_432_100, by_number_pad: bool = False) -> bytes:
    """Type a scan, Enter at its end.

    Args:
        text: ASCII; control characters are typed with Ctrl.
        at_s: Time of the events.
        by_number_pad: Type control characters as Alt and their number instead.

    Returns:
        The events.
    """
    events: list[tuple[int, int, int]] = []
    for char in text:
        if ord(char) < _SPACE and by_number_pad:
            digits = [_PAD[int(digit)] for digit in f"{ord(char):04}"]
            events += [*_down(_ALT), *(event for code in digits for event in _stroke(code)), *_up(_ALT)]
            continue
        is_control = ord(char) < _SPACE
        key = chr(ord(char) + _CONTROL_OFFSET).lower() if is_control else char
        code, is_shifted = _CODES[key]
        modifier = _CTRL if is_control else _SHIFT if is_shifted else None
        stroke = _stroke(code)
        events += stroke if modifier is None else [*_down(modifier), *stroke, *_up(modifier)]
    events += _stroke(_ENTER)
    return b"".join(_EVENT.pack(at_s, 0, *event) for event in events)


def dropped(at_s: int = 1_772_432_100) -> bytes:
    """Say what the kernel says when it lost events.

    Args:
        at_s: When.

    Returns:
        The event.
    """
    return _EVENT.pack(at_s, 0, _SYN, 3, 0)


def _down(code: int) -> list[tuple[int, int, int]]:
    return [(_SCANCODE, 4, code), (_KEY, code, 1), (_SYN, 0, 0)]


def _up(code: int) -> list[tuple[int, int, int]]:
    return [(_KEY, code, 0), (_SYN, 0, 0)]


def _stroke(code: int) -> list[tuple[int, int, int]]:
    return [*_down(code), *_up(code)]
