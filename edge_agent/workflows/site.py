"""How a site labels its places, goods and people: the ``[workflow]`` table of a site or agent file."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.base import Code
from contracts.offline import Badge
from contracts.vocabulary import VIRTUAL_PREFIX

COMMAND_PREFIX: Final = "$"
"""Opens every command barcode; no label of the site may begin with it."""


def _compiles(pattern: str) -> str:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} is not a regular expression: {error}") from error
    if compiled.groups > 1 or set(compiled.groupindex) - {"code"}:
        raise ValueError(f"pattern {pattern!r} may have one group, (?P<code>...), and no other")
    if compiled.fullmatch(""):
        raise ValueError(f"pattern {pattern!r} matches the empty text, expected at least one character")
    return pattern


def _is_real_place(code: str) -> str:
    if code.startswith(VIRTUAL_PREFIX):
        raise ValueError(f"location {code!r} begins with {VIRTUAL_PREFIX!r}, which virtual accounts do")
    return code


Pattern = Annotated[str, Field(max_length=200), AfterValidator(_compiles)]
"""A regular expression that the whole label must match; ``(?P<code>...)`` is the part to keep, if given."""

Place = Annotated[Code, AfterValidator(_is_real_place)]

Reason = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
"""Code of a reason, as it stands in records."""


class WorkflowSettings(BaseModel):
    """What the workflow engine must be told about a site; nothing here has a guessed value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gln: Annotated[str, Field(pattern=r"^[0-9]{13}$")] | None = None
    """The site's GLN. A location label (414)(254) counts only if its (414) is this."""
    location_pattern: Pattern | None = None
    """The site's own location labels; None: it has none."""
    item_pattern: Pattern | None = None
    """The site's own item labels; None: it has none."""
    staging: Place
    """Where receipts land, and from where goods ship."""
    returns: Place
    """Where customer returns land, with disposition ``returned``."""
    reasons: Annotated[tuple[Reason, ...], Field(min_length=1, max_length=100)] = (
        "broken",
        "contaminated",
        "expired",
        "found",
        "lost",
        "mislabelled",
        "wet",
    )
    """What may follow ``$DAMAGE/`` and ``$ADJUST/``, in any case."""
    short_reasons: Annotated[tuple[Reason, ...], Field(min_length=1, max_length=100)] = (
        "empty",
        "damaged",
        "wrong-goods",
        "blocked",
    )
    """What may follow ``$SHORT/``, in any case: why goods of a task are not where it says."""
    reprint_reasons: Annotated[tuple[Reason, ...], Field(min_length=1, max_length=100)] = (
        "torn",
        "smeared",
        "lost",
        "not-printed",
    )
    """What may follow ``$REPRINT/``, in any case: why a label is printed once more."""
    badge_required: bool = True
    badges: tuple[Badge, ...] = ()
    language: Literal["en", "de", "es", "pl"] = "en"
    """What scanners' displays speak while nobody is logged in; a badge has its own."""
    idle_logout_s: Annotated[int, Field(ge=30, le=86_400)] = 900
    """A scanner that is silent for this long forgets who held it."""

    @model_validator(mode="after")
    def _someone_can_work(self) -> Self:
        if self.badge_required and not self.badges:
            raise ValueError("badge_required is true and badges is empty: nobody could log in")
        if self.item_pattern is not None and re.fullmatch(self.item_pattern, f"{COMMAND_PREFIX}DONE"):
            raise ValueError(f"item_pattern {self.item_pattern!r} matches command barcodes such as '$DONE'")
        return self
