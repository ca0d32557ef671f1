"""What a keyboard-wedge scanner types, as Linux's input events, in; the characters of its scans out; pure.

A key that is not on the table, and events that the kernel dropped, become a NUL: the scan that holds it is
refused by the framing and counted, instead of passing with a character missing.
"""

import struct
from dataclasses import dataclass, field
from typing import Final

EVENT: Final = struct.Struct("@llHHi")
"""``struct input_event``: seconds, microseconds, type, code, value; in the machine's own layout."""
EV_SYN, EV_KEY = 0, 1
SYN_DROPPED: Final = 3
KEY_ENTER, KEY_KPENTER = 28, 96
KEY_LEFTSHIFT, KEY_RIGHTSHIFT = 42, 54
KEY_LEFTCTRL, KEY_RIGHTCTRL = 29, 97
KEY_LEFTALT: Final = 56
UNKNOWN: Final = 0

_UP, _DOWN = 0, 1
_ROWS: Final = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (57, " ", " "),
)
"""The United States' keyboard: first code of a run of keys, their characters, and those with Shift."""
_PLAIN: Final = {first + place: char for first, plain, _ in _ROWS for place, char in enumerate(plain)}
_SHIFTED: Final = {first + place: char for first, _, shifted in _ROWS for place, char in enumerate(shifted)}
_PAD: Final = {82: 0, 79: 1, 80: 2, 81: 3, 75: 4, 76: 5, 77: 6, 71: 7, 72: 8, 73: 9}
_CONTROL: Final = 0x1F
_ASCII: Final = 128


@dataclass(slots=True)
class Keys:
    """One keyboard."""

    _held: set[int] = field(default_factory=set)
    _rest: bytes = b""
    _typed_number: int | None = None
    """What is being typed on the number pad while Alt is held: the code of a character."""

    def feed(self, data: bytes) -> bytes:
        """Take events.

        Args:
            data: As read, cut anywhere.

        Returns:
            The characters that they type; Enter is a carriage return.
        """
        data, typed = self._rest + data, bytearray()
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == EV_SYN and code == SYN_DROPPED:
                typed.append(UNKNOWN)
                self._held.clear()
            elif kind == EV_KEY and value == _UP:
                typed += self._released(code)
            elif kind == EV_KEY and value == _DOWN:
                typed += self._pressed(code)
        return bytes(typed)

    def _pressed(self, code: int) -> bytes:
        self._held.add(code)
        if code in _MODIFIERS:
            return b""
        if KEY_LEFTALT in self._held:
            digit = _PAD.get(code)
            if digit is None:
                return bytes([UNKNOWN])
            self._typed_number = (self._typed_number or 0) * 10 + digit
            return b""
        if code in {KEY_ENTER, KEY_KPENTER}:
            return b"\r"
        table = _SHIFTED if self._held & {KEY_LEFTSHIFT, KEY_RIGHTSHIFT} else _PLAIN
        char = table.get(code)
        if char is None:
            return bytes([UNKNOWN])
        return bytes([ord(char.upper()) & _CONTROL if self._held & _CONTROLS else ord(char)])

    def _released(self, code: int) -> bytes:
        self._held.discard(code)
        if code != KEY_LEFTALT or self._typed_number is None:
            return b""
        number, self._typed_number = self._typed_number, None
        return bytes([number if number < _ASCII else UNKNOWN])


_CONTROLS: Final = {KEY_LEFTCTRL, KEY_RIGHTCTRL}
_MODIFIERS: Final = {KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_LEFTALT, *_CONTROLS}
