"""Models of contracts in, native structs out that decode at least as strictly, to the same values.

A struct takes no field that its model does not know, and of several spellings of a value only the usual one.
What a model demands and a struct cannot hold fails here, as the struct is made.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NewType, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import force_setattr
from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from contracts.base import (
    PRINTABLE_PATTERN,
    QUANTITY_PATTERN,
    WITHOUT_NUL_PATTERN,
    Contract,
    CountedQuantity,
    Day,
    PositiveQuantity,
    UtcDatetime,
)

_INSTANT_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
_LARGEST_WHOLE: Final = 10**14 - 1
_REMEMBERED: Final = 10_000
_BOUNDS: Final = ("ge", "gt", "le", "max_length", "min_length", "pattern")
_HELD_ANYWAY: Final = frozenset({"AllowInfNan", "Strict"})
"""What a model must ask for and a struct does by itself."""


def _closed(pattern: str) -> str:
    """End a pattern at the text's end, where Python's ``$`` also matches before a last newline."""
    return pattern.removesuffix("$") + r"\Z"


_TYPES: Final = {
    NoneType: NoneType,
    bool: bool,
    date: date,
    AwareDatetime: Annotated[str, msgspec.Meta(pattern=_closed(_INSTANT_PATTERN))],
    Decimal: Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_WHOLE)]
    | Annotated[str, msgspec.Meta(pattern=_closed(QUANTITY_PATTERN))],
}


class Structs:
    """The structs of some models."""

    def __init__(self, *, is_plain: bool) -> None:
        """Start with none.

        Args:
            is_plain: Whether no text that they are given holds a control character.
        """
        self._is_plain = is_plain
        self._made: dict[type[Contract], type[msgspec.Struct]] = {}

    def of(self, model: type[Contract]) -> type[msgspec.Struct]:
        """Make, once, the struct of a model.

        Args:
            model: Any; one with a ``kind`` is told from others by it.

        Returns:
            A struct with the same fields.
        """
        if model not in self._made:
            _expect_checks_of_the_whole(model)
            fields = dict(model.model_fields)
            kind = fields.pop("kind").default if "kind" in fields else None
            self._made[model] = msgspec.defstruct(
                model.__name__,
                [
                    (name, self._type(info.annotation, info.metadata), *default(info))
                    for name, info in fields.items()
                ],
                namespace={"kind": kind, **_finish(model)},
                tag_field="kind" if kind else None,
                tag=kind,
                frozen=True,
                kw_only=True,
                omit_defaults=True,
                forbid_unknown_fields=True,
                gc=False,
            )
        return self._made[model]

    def _type(self, annotation: Any, metadata: Iterable[object] = ()) -> Any:
        base, demands = _unfold(annotation, metadata)
        origin, parts = get_origin(base), get_args(base)
        made: Any = base
        if base in _TYPES:
            _expect_held(demands, _HELD.get(base, ()))
            made = _TYPES[base]
        elif base in {str, int, float}:
            made = Annotated[base, self._meta(demands)]
        elif origin in {Union, UnionType}:
            _expect_held(demands)
            made = Union[tuple(map(self._type, parts))]  # noqa: UP007  made at run time
        elif origin is tuple:
            part: Any = self._type(parts[0])
            made = Annotated[tuple[part, ...], self._meta(demands)]
        elif origin is None and issubclass(base, Contract):
            _expect_held(demands)
            made = self.of(base)
        elif origin is None and issubclass(base, tuple):
            _expect_held(demands)
            named: Any = tuple(map(self._type, get_type_hints(base, include_extras=True).values()))
            made = tuple[named]
        elif origin is Literal or issubclass(base, Enum):
            _expect_held(demands)
        else:
            raise TypeError(f"{annotation!r} has no struct's type")
        return made

    def _meta(self, demands: Iterable[object]) -> msgspec.Meta:
        bounds: dict[str, Any] = {}
        for demand in demands:
            known = {name: getattr(demand, name) for name in _BOUNDS if hasattr(demand, name)}
            if not known and type(demand).__name__ not in _HELD_ANYWAY:
                raise TypeError(f"{demand!r} cannot be held by a struct")
            bounds |= known
        if self._is_plain and bounds.get("pattern") in {PRINTABLE_PATTERN, WITHOUT_NUL_PATTERN}:
            del bounds["pattern"]
        if "pattern" in bounds:
            bounds["pattern"] = _closed(bounds["pattern"])
        return msgspec.Meta(**bounds)


def default(info: FieldInfo) -> tuple[Any, ...]:
    """Spell a field's default as a struct's field takes it.

    Args:
        info: The field.

    Returns:
        Nothing for a field that is required.
    """
    return () if info.is_required() else (info.default,)


def value_type(info: FieldInfo) -> tuple[Any, list[object]]:
    """Tell of what type a field's value is when there is one.

    Args:
        info: The field.

    Returns:
        The type, and what is demanded of the value beside it.
    """
    base, demands = _unfold(info.annotation, info.metadata)
    if get_origin(base) in {Union, UnionType}:
        (base, demands), *_ = (_unfold(part, ()) for part in get_args(base) if part is not NoneType)
    return base, demands


def _unfold(annotation: Any, demands: Iterable[object]) -> tuple[Any, list[object]]:
    """Take names and annotations off a type."""
    demanded = list(demands)
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            for each in more:
                demanded += each.metadata if isinstance(each, FieldInfo) else [each]
        else:
            return annotation, demanded


_HELD: Final = {
    AwareDatetime: _unfold(UtcDatetime, ())[1],
    date: _unfold(Day, ())[1],
    Decimal: [*_unfold(CountedQuantity, ())[1], *_unfold(PositiveQuantity, ())[1]],
}
"""What contracts demand of instants, days and quantities, which patterns and conversions see to."""


def _expect_checks_of_the_whole(model: type[Contract]) -> None:
    """Refuse a model that checks a field by code of its own, or before it is read."""
    checks = model.__pydantic_decorators__
    early = [name for name, each in checks.model_validators.items() if each.info.mode != "after"]
    if refused := [*checks.field_validators, *checks.validators, *checks.root_validators, *early]:
        raise TypeError(f"{model.__name__}.{refused[0]} cannot be held by a struct")


def _expect_held(demands: Iterable[object], held: Sequence[object] = ()) -> None:
    for demand in demands:
        if type(demand).__name__ not in _HELD_ANYWAY and demand not in held:
            raise TypeError(f"{demand!r} cannot be held by a struct")


def _finish(model: type[Contract]) -> dict[str, Callable[[Any], object]]:
    """Make what turns texts into values, and checks the whole as the model does, once a struct is decoded."""
    conversions: list[tuple[str, Callable[[Any], object]]] = []
    for name, info in model.model_fields.items():
        base, demands = value_type(info)
        if base is AwareDatetime:
            conversions.append((name, datetime.fromisoformat))
        elif base is Decimal:
            is_positive = any(getattr(demand, "gt", None) == 0 for demand in demands)
            conversions.append((name, _positive if is_positive else _quantity))
    checks = [check.func for check in model.__pydantic_decorators__.model_validators.values()]

    def finish(struct: msgspec.Struct) -> None:
        for name, convert in conversions:
            if (value := getattr(struct, name)) is not None:
                force_setattr(struct, name, convert(value))
        for check in checks:
            check(struct)

    if conversions or len(checks) > 1:
        return {"__post_init__": finish}
    return {"__post_init__": checks[0]} if checks else {}


@lru_cache(_REMEMBERED)
def _quantity(stated: int | str) -> Decimal:
    return Decimal(stated)


@lru_cache(_REMEMBERED)
def _positive(stated: int | str) -> Decimal:
    if (quantity := Decimal(stated)) > 0:
        return quantity
    raise ValueError(f"quantity {stated!r} is not above zero")
