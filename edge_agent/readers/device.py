"""What every device profile has: name, configuration sheet and quality; a TOML file in, a model out."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.base import ID_PATTERN
from edge_agent.readers.quality import Quality, Rung, rung_of
from edge_agent.readers.toml_file import TomlError, read_toml

Text = Annotated[str, Field(min_length=1, max_length=400)]


class ProfileError(ValueError):
    """A device profile that cannot be used: the file, the field and what was expected."""


class Strict(BaseModel):
    """Frozen, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Strict):
    """One setting that a person makes on the device."""

    setting: Text
    """In the words of the device's manual."""
    value: Text
    why: Text
    """What goes wrong otherwise."""
    barcode: Text | None = None
    """For scanners: which code of the manual sets it, and what it means."""


class DeviceProfile(Strict):
    """One kind of device, as data."""

    name: Annotated[str, Field(pattern=ID_PATTERN)]
    vendor: Text
    model: Text
    sheet: tuple[Step, ...]
    """The configuration sheet: all that a person must set."""
    quality: Quality

    @property
    def rung(self) -> Rung:
        """How far it is proven."""
        return rung_of(self.quality)

    def sheet_lines(self) -> Iterator[str]:
        """Write the configuration sheet for people.

        Yields:
            Lines of text.
        """
        for number, step in enumerate(self.sheet, start=1):
            yield f"{number:2}. {step.setting}: {step.value}"
            if step.barcode:
                yield f"    code: {step.barcode}"
            yield f"    why:  {step.why}"


AnyProfile = TypeVar("AnyProfile", bound=DeviceProfile)


def load_device(kind: str, folder: str, model: type[AnyProfile], name: str) -> AnyProfile:
    """Read a profile that ships with the agent, or one of the site's own.

    Args:
        kind: For messages: ``reader profile``.
        folder: The package with those that ship.
        model: What it must fit.
        name: The name of a shipped profile, or a path that ends in ``.toml``.

    Returns:
        The validated profile.

    Raises:
        ProfileError: If there is no such profile, it is not TOML, or a field is wrong or unknown.
    """
    source = Path(name) if name.endswith(".toml") else files(folder) / f"{name}.toml"
    try:
        fields = read_toml(source)
    except TomlError as error:
        raise ProfileError(f"{kind} {name!r} is not TOML: {error}") from error
    except OSError as error:
        raise ProfileError(f"{kind} {name!r}: expected one of {shipped(folder)} or a path") from error
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "profile"
        said = first["msg"].removeprefix("Value error, ")
        got = "" if isinstance(first.get("input"), dict) else f" (got {first.get('input')!r})"
        raise ProfileError(f"{kind} {name!r}: {place}: {said}{got}") from error


def shipped(folder: str) -> tuple[str, ...]:
    """List the profiles of a package.

    Args:
        folder: Its name.

    Returns:
        Their names, sorted.
    """
    return tuple(sorted(entry.name[:-5] for entry in files(folder).iterdir() if entry.name.endswith(".toml")))
