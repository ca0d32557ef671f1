"""What LLRP messages are made of: named fields and, in them, parameters; and what is wrong with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from simulators.llrp_reader.vocabulary import StatusCode


class Bits(NamedTuple):
    """A bit array (``u1v``)."""

    bits: int
    data: bytes
    """As many bytes as hold the bits, the first bit on top."""


Value = int | str | bytes | tuple[int, ...] | Bits


class LlrpError(ValueError):
    """Something that a reader answers with an error status.

    Attributes:
        status: What is wrong: an ``M_`` code, also when a parameter has it, or an ``A_`` code.
        path: Types of the parameters that it lies in, outermost first.
        field: Index of the field with the bad value, from 0.
    """

    def __init__(
        self, message: str, status: StatusCode, path: tuple[int, ...] = (), field: int | None = None
    ) -> None:
        """Describe the fault.

        Args:
            message: Value, expectation and place.
            status: ``M_…`` or ``A_…``.
            path: See the class.
            field: See the class.
        """
        super().__init__(message)
        self.status = status
        self.path = path
        self.field = field

    def inside(self, kind: int) -> Self:
        """Say the same from one parameter further out.

        Args:
            kind: Type of the enclosing parameter.

        Returns:
            A new error.
        """
        return type(self)(str(self), self.status, (kind, *self.path), self.field)


@dataclass(frozen=True, slots=True)
class Element:
    """A parameter, or a message's body, under the standard's name."""

    name: str
    fields: Mapping[str, Value]
    parameters: tuple["Element", ...] = ()

    def number(self, field: str) -> int:
        """Give an integer field.

        Args:
            field: Its name.

        Returns:
            The value.

        Raises:
            TypeError: If the field holds no integer.
        """
        value = self.fields[field]
        if not isinstance(value, int):
            raise TypeError(f"{self.name}.{field} is {value!r}: expected an integer")
        return value

    def numbers(self, field: str) -> tuple[int, ...]:
        """Give a list of integers (``u8v``, ``u16v``, ``u32v``).

        Args:
            field: Its name.

        Returns:
            The values.

        Raises:
            TypeError: If the field holds no list.
        """
        value = self.fields[field]
        if not isinstance(value, tuple | bytes):
            raise TypeError(f"{self.name}.{field} is {value!r}: expected a list of integers")
        return tuple(number for number in value if isinstance(number, int))

    def all(self, name: str) -> tuple["Element", ...]:
        """Give the parameters of one name, in their order.

        Args:
            name: As the standard has it.

        Returns:
            None, one or several.
        """
        return tuple(parameter for parameter in self.parameters if parameter.name == name)

    def find(self, name: str) -> "Element | None":
        """Give the first parameter of a name.

        Args:
            name: As the standard has it.

        Returns:
            The parameter, or nothing.
        """
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    def one(self, name: str) -> "Element":
        """Give a parameter that must be there.

        Args:
            name: As the standard has it.

        Returns:
            The parameter.

        Raises:
            LlrpError: If it is missing.
        """
        found = self.find(name)
        if found is None:
            raise LlrpError(f"{self.name} has no {name}", StatusCode.M_MissingParameter)
        return found


def element(name: str, *parameters: Element, **fields: Value) -> Element:
    """Make a parameter or a message's body.

    Args:
        name: As the standard has it.
        *parameters: What it contains, in the standard's order.
        **fields: Every field.

    Returns:
        The element; its fields are judged when it is encoded.
    """
    return Element(name, fields, parameters)
