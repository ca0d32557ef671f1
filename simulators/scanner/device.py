"""A scanner on a pseudo-terminal: scans in, bytes on the line out, and the host's beeps back.

A symbolic link stands for the device's stable path, as ``/dev/serial/by-id`` does: unplugging removes it,
plugging in again makes a new terminal under the same name.
"""

import os
import select
import tomllib
import tty
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

_ENDS: Final = {"stx_etx": (b"\x02", b"\x03"), "cr": (b"", b"\r"), "lf": (b"", b"\n"), "crlf": (b"", b"\r\n")}
_CHUNK_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class LineStyle:
    """How the device speaks: what a scanner profile says about the line."""

    start: bytes
    end: bytes
    success: bytes
    step: bytes
    refusal: bytes

    @classmethod
    def of_profile(cls, name: str) -> Self:
        """Take the style of a shipped profile.

        Args:
            name: Its name, ``generic_terminal``.

        Returns:
            The style.
        """
        text = (files("firmware_configs.scanners") / f"{name}.toml").read_text(encoding="utf-8")
        profile = tomllib.loads(text)
        start, end = _ENDS[profile["scan"]["delimiter"]]
        host = profile["feedback"]
        return cls(start, end, *(host[key].encode() for key in ("success", "step", "refusal")))

    def encode(self, text: str) -> bytes:
        """Put one scan on the line.

        Args:
            text: AIM identifier and characters.

        Returns:
            The bytes, delimiters included.
        """
        return self.start + text.encode("ascii") + self.end


class PtyScanner:
    """One virtual device. Not thread-safe: it belongs to the one who scans with it."""

    def __init__(self, link: Path, style: LineStyle) -> None:
        """Prepare a device; it is not plugged in yet.

        Args:
            link: The stable path under which a host finds it.
            style: How it speaks.
        """
        self.link = link
        self.style = style
        self._master: int | None = None
        self._unsent = b""

    def __enter__(self) -> Self:
        """Plug in."""
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        """Unplug."""
        self.unplug()

    @property
    def fd(self) -> int:
        """The descriptor to poll; valid while plugged in."""
        if self._master is None:
            raise ValueError(f"{self.link} is not plugged in")
        return self._master

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the line has not taken yet."""
        return len(self._unsent)

    def plug_in(self) -> None:
        """Make a terminal and let the link point to it."""
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        staged = self.link.with_name(f".{self.link.name}.new")
        staged.unlink(missing_ok=True)
        staged.symlink_to(os.ttyname(slave))
        os.close(slave)
        staged.replace(self.link)
        self._master, self._unsent = master, b""

    def unplug(self) -> None:
        """Pull the cable: the host's next read fails, the path is gone."""
        if self._master is not None:
            self.link.unlink(missing_ok=True)
            os.close(self._master)
            self._master = None

    def is_heard(self) -> bool:
        """Tell whether a host has the device open.

        Returns:
            False before it opens the device and after it closes it.
        """
        poll = select.poll()
        poll.register(self.fd, 0)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    def scan(self, text: str) -> None:
        """Scan a label.

        Args:
            text: AIM identifier and characters.
        """
        self.transmit(self.style.encode(text))

    def scan_byte_by_byte(self, text: str) -> None:
        """Scan a label over a line that delivers one byte at a time.

        Args:
            text: AIM identifier and characters.
        """
        for byte in self.style.encode(text):
            self.transmit(bytes((byte,)))

    def break_off(self, text: str) -> None:
        """Send the first half of a scan, as when the cable goes in the middle of it.

        Args:
            text: AIM identifier and characters.
        """
        whole = self.style.encode(text)
        self.transmit(whole[: len(whole) // 2])

    def transmit(self, data: bytes) -> None:
        """Put bytes on the line as they are: noise, or a scan; what does not fit waits for ``flush``.

        Args:
            data: Any bytes.
        """
        self._unsent += data
        self.flush()

    def flush(self) -> None:
        """Send what waited."""
        if self._unsent:
            try:
                taken = os.write(self.fd, self._unsent)
            except OSError:
                return  # the line is full, or its host has just gone
            self._unsent = self._unsent[taken:]

    def forget_unsent(self) -> None:
        """Drop what waited: the host that should have had it is gone."""
        self._unsent = b""

    def hear(self) -> bytes:
        """Read what the host sent back.

        Returns:
            Beeps and display text; empty if there are none, or no host.
        """
        try:
            return os.read(self.fd, _CHUNK_BYTES)
        except OSError:
            return b""  # nothing to read, or no host has the device open
