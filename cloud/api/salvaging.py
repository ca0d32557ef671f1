"""Documents with lines that cannot be read whole: what can be is held against the book all the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from typing import Annotated, Any, Final, Generic, TypeVar, cast, get_args

from fastapi import Body
from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError, WrapValidator, create_model

from cloud.api.faults import Fault, detail_of, faults_of_book, faults_of_form
from cloud.api.problems import ProblemError
from cloud.db import Connection, in_transaction
from cloud.faults import NO_GAPS, Broken, Gaps, RuledModel
from cloud.faults import Fault as BookFault
from cloud.identity.gate import Gate

MOST_FAULTS: Final = 100_000
"""Of form, told one by one; a body with more is no such document."""
_NEEDED: Final = frozenset({"site", "from_site", "to_site"})
"""Without them nobody knows which book."""
_LINES: Final = "lines"

Paper = TypeVar("Paper", bound=BaseModel)
Check = Callable[[Connection], Sequence[BookFault]]
_Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Read(Generic[Paper]):
    """A body as far as it could be read."""

    paper: Paper
    """What could not be read stands empty in it: as by default, else None."""
    faults: tuple[Fault, ...] = ()
    """Of form; none: it was read whole."""
    gaps: Gaps = NO_GAPS

    def require_whole(self, gate: Gate, check: Check, *, problem: str) -> None:
        """Go on if it was read whole; else tell every fault of form and of the book in one answer.

        Args:
            gate: Opens the transaction of the check; nothing that it writes stays.
            check: Says what of the paper the book does not bear out.
            problem: Kebab-case name of the problem, where the book has anything to say.

        Raises:
            ProblemError: 422 with every fault, in the order of the lines.
        """
        if not self.faults:
            return

        def tell(conn: Connection) -> None:
            found = faults_of_book(check(conn))
            told = sorted((*self.faults, *found), key=_position)
            name = problem if found else "invalid-request"
            said = [f"{fault.place}: {fault.message}" for fault in told]
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, name, detail_of(said), faults=told)

        in_transaction(gate.pool, tell)


class _AsFarAsItGoes:
    """Reads what can be read; in OpenAPI it is the model itself."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> Any:
        (kind,) = get_args(source)
        return handler.generate_schema(Annotated[kind, WrapValidator(partial(_read, kind))])


Sent = Annotated[Read[Paper], Body(), _AsFarAsItGoes()]
"""What a POST of a document with lines asks for instead of the document."""


def _position(fault: Fault) -> int:
    _, *inner = fault.place.split(".", 3)
    return int(inner[1]) if inner[:1] == [_LINES] and inner[1:] else -1


def _read(kind: type[Paper], value: object, handler: Callable[[object], Paper]) -> Read[Paper]:
    try:
        return Read(handler(value))
    except ValidationError as error:
        if error.error_count() > MOST_FAULTS:
            message = f"{error.error_count()} faults, more than {MOST_FAULTS} are not told one by one"
            raise ValueError(f"{message}: is it such a document?") from error
        refused = [each for each in error.errors(include_url=False) if not _is_of_none_left(each)]
        gaps = _gaps(kind, value, [each["loc"] for each in refused])
        if gaps is None or not isinstance(value, Mapping):
            raise
        paper = _mended(kind, value, gaps)
        broken = list(_broken(paper, gaps))
        hidden = [
            {"loc": (*at, *rule.at), "msg": f"Value error, {rule.message}", "input": rule.value}
            for at, rule in broken
        ]
        told = {(fault.place, fault.message): fault for fault in faults_of_form((*refused, *hidden), "body")}
        return Read(paper, tuple(told.values()), _doubting(gaps, broken))


def _is_of_none_left(refused: Mapping[str, Any]) -> bool:
    """Tell whether lines are missed only because each that was sent has a fault of its own."""
    return refused["type"] == "too_short" and refused["loc"] == (_LINES,) and bool(refused["input"])


def _gaps(kind: type[BaseModel], value: object, refused: Sequence[_Place]) -> Gaps | None:
    """Say what cannot be read; None: too much for anything to be said of the rest."""
    if not isinstance(value, Mapping) or not isinstance(value.get(_LINES), list):
        return None
    line, sent = _line_of(kind), value[_LINES]
    whole, lines = set[str](), dict[int, set[str]]()
    for at in refused:
        match at:
            case ("lines",):
                return None
            case ("lines", int(index), *field):
                lines.setdefault(index, set()).update(map(str, field[:1]))
            case (str(field), *_):
                whole.add(field)
    if not _NEEDED.isdisjoint(whole):
        return None
    every = frozenset(line.model_fields)
    return Gaps(
        _unread(frozenset(kind.model_fields), value, whole),
        {
            index: _unread(every, sent[index], fields) if isinstance(sent[index], Mapping) else every
            for index, fields in lines.items()
        },
    )


def _unread(fields: frozenset[str], sent: Mapping[str, object], refused: set[str]) -> frozenset[str]:
    """Name fields that are not known; where a name is none of them, each one that is missing may be meant."""
    return frozenset(refused if refused <= fields else refused | (fields - sent.keys()))


def _mended(kind: type[Paper], value: Mapping[str, Any], gaps: Gaps) -> Paper:
    line = _line_of(kind)
    lines = [
        _without(line, sent if isinstance(sent, Mapping) else {}, gaps.lines[index])
        if index in gaps.lines
        else line.model_validate(sent)
        for index, sent in enumerate(value[_LINES])
    ]
    head = _without(kind, value, gaps.whole | {_LINES})
    return head.model_copy(update={_LINES: lines})


def _without(kind: type[Paper], sent: Mapping[str, Any], unread: frozenset[str]) -> Paper:
    """Read what is left, whatever the rules between the fields say."""
    left = {name: sent[name] for name in kind.model_fields if name in sent and name not in unread}
    read = _lenient(kind).model_validate(left)
    return kind.model_construct(**{name: getattr(read, name) for name in kind.model_fields})


@cache
def _lenient(kind: type[BaseModel]) -> type[BaseModel]:
    """Make a model of the same fields, of which each may be missing, without rules between them."""
    fields: dict[str, Any] = {
        name: (field.rebuild_annotation(), None if field.is_required() else field.get_default())
        for name, field in kind.model_fields.items()
    }
    return cast("type[BaseModel]", create_model(kind.__name__, __config__=kind.model_config, **fields))


@cache
def _line_of(kind: type[BaseModel]) -> type[BaseModel]:
    (line, *_) = get_args(kind.model_fields[_LINES].annotation)
    return cast("type[BaseModel]", line)


def _broken(paper: BaseModel, gaps: Gaps) -> Iterator[tuple[_Place, Broken]]:
    """Find broken rules that nobody came to because of a fault before, as far as can be told."""
    lines: Sequence[BaseModel] = getattr(paper, _LINES)
    for index, unread in gaps.lines.items():
        line = lines[index]
        if isinstance(line, RuledModel):
            yield from (
                (("lines", index), rule) for rule in line.broken() if unread.isdisjoint(rule.rests_on)
            )
    if isinstance(paper, RuledModel):
        yield from (((), rule) for rule in paper.broken() if gaps.whole.isdisjoint(rule.rests_on))


def _doubting(gaps: Gaps, broken: Sequence[tuple[_Place, Broken]]) -> Gaps:
    """Add the fields that do not go together: which of them is wrong nobody knows."""
    lines = dict(gaps.lines)
    for at, rule in broken:
        match at:
            case ("lines", int(index)):
                lines[index] |= frozenset(rule.rests_on)
    whole = gaps.whole.union(*(rule.rests_on for at, rule in broken if not at))
    return Gaps(whole, lines)
