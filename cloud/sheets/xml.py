"""XML of a stranger in, chosen elements out as they end: no document type, no entities, bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final
from xml.parsers import expat

_AT_ONCE: Final = 1 << 16
_MOST_WITHOUT_EVENT: Final = 1 << 20
"""Bytes of one tag or text; a cell holds 32,767 characters."""
_MOST_DEPTH: Final = 64
_MOST_TEXT: Final = 1 << 18
"""Characters of one element."""
_NAMELESS: Final = "}"
_TEXTS: Final = frozenset({"t", "v", "f"})
"""Elements whose text counts; between others there are only blanks."""


class SheetError(Exception):
    """A workbook that cannot be read; the message says what was found and what was expected."""


@dataclass(slots=True)
class Element:
    """An element that has ended."""

    name: str
    """Without its namespace."""
    attributes: dict[str, str]
    """By name; one of a namespace as ``{namespace}name``."""
    text: str = ""
    """All of it, at any depth."""
    children: dict[str, str] = field(default_factory=dict)
    """Text of each element within, at any depth; of several of a name, one after the other."""


def elements(stream: IO[bytes], part: str, names: set[str], *, most: int) -> Iterator[Element]:
    """Read the elements of some names, each when it ends; one within another is told before it.

    Args:
        stream: XML.
        part: What it is called.
        names: Which elements.
        most: Bytes that are read at most.

    Yields:
        The elements.

    Raises:
        SheetError: If it is too long, too deep, or declares what a spreadsheet has no need of.
    """
    reader = _Reader(part, names)
    read = 0
    while chunk := stream.read(_AT_ONCE):
        read += len(chunk)
        if read > most:
            raise SheetError(f"{part} holds more than {most} bytes: expected fewer rows")
        reader.feed(chunk)
        yield from reader.taken()
    reader.end()
    yield from reader.taken()


class _Reader:
    def __init__(self, part: str, names: set[str]) -> None:
        self._part, self._names = part, names
        self._open: list[Element] = []
        self._inside = 0
        self._done: list[Element] = []
        self._silent = 0
        parser = expat.ParserCreate(namespace_separator=_NAMELESS)
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._say
        parser.StartDoctypeDeclHandler = self._refuse  # before any entity could be declared
        self._parser = parser

    def feed(self, chunk: bytes) -> None:
        self._silent += len(chunk)
        self._parser.Parse(chunk, False)  # noqa: FBT003  expat has no name for it
        if self._silent > _MOST_WITHOUT_EVENT:
            raise SheetError(f"{self._part} holds a tag of more than {_MOST_WITHOUT_EVENT} bytes")

    def end(self) -> None:
        self._parser.Parse(b"", True)  # noqa: FBT003  the same

    def taken(self) -> Iterator[Element]:
        done, self._done = self._done, []
        return iter(done)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._silent = 0
        if len(self._open) >= _MOST_DEPTH:
            raise SheetError(f"{self._part} nests deeper than {_MOST_DEPTH}: no spreadsheet does")
        named = {f"{{{key}" if _NAMELESS in key else key: value for key, value in attributes.items()}
        local = name.rpartition(_NAMELESS)[2]
        self._open.append(Element(local, named))
        self._inside += local in self._names

    def _finish(self, _name: str) -> None:
        self._silent = 0
        one = self._open.pop()
        if one.name in self._names:
            self._inside -= 1
            self._done.append(one)
        elif self._inside and self._open and one.name != "rPh":  # how a text is pronounced is not its text
            outer = self._open[-1]
            outer.text += one.text
            for name, text in (*one.children.items(), (one.name, one.text)):
                outer.children[name] = outer.children.get(name, "") + text
            if len(outer.text) > _MOST_TEXT:
                raise SheetError(f"{self._part} holds a text of more than {_MOST_TEXT} characters")

    def _say(self, text: str) -> None:
        self._silent = 0
        one = self._open[-1]
        if self._inside and one.name in _TEXTS:
            one.text += text
            if len(one.text) > _MOST_TEXT:
                raise SheetError(f"{self._part} holds a text of more than {_MOST_TEXT} characters")

    def _refuse(self, *_: Any) -> None:
        raise SheetError(f"{self._part} declares a document type or an entity: no spreadsheet does")
