"""What a scanner's display says, in the language of whoever holds it: a template in English and its values.

Records keep the English text, so that they read alike whoever scanned. A catalogue, one TOML file for each
language, gives each template's translation; what a catalogue lacks is said in English.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final, LiteralString

from typing_extensions import override

ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "de", "es", "pl")
"""Languages that prompts can be said in (DOMAIN D8)."""

_SPELT: Final = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "¿": "", "¡": ""})
"""Letters that are no letter with a mark."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text for a person."""

    template: str
    values: Mapping[str, Any]

    @override
    def __str__(self) -> str:
        """Say it in English."""
        return self.template.format(**self.values)

    def said_in(self, language: str) -> str:
        """Say it in a language.

        Args:
            language: One of ``LANGUAGES``; any other is English.

        Returns:
            The text.
        """
        if language == ENGLISH or language not in LANGUAGES:
            return str(self)
        catalogue = catalogue_of(language)
        values = {name: _said(value, language, catalogue) for name, value in self.values.items()}
        return catalogue.get(self.template, self.template).format(**values)


def say(template: LiteralString, **values: object) -> Prompt:
    """Make a prompt.

    Args:
        template: In English, with a name in braces for each value; what the catalogues translate.
        **values: Other prompts among them perhaps, and words such as a kind of work.

    Returns:
        The prompt.

    Examples:
        >>> str(say("from {place}", place="A-01"))
        'from A-01'
    """
    return Prompt(template, values)


@cache
def catalogue_of(language: str) -> dict[str, str]:
    """Give the translations of a language.

    Args:
        language: One of ``LANGUAGES`` but English.

    Returns:
        By English template or word.
    """
    text = files(__package__).joinpath("catalogues", f"{language}.toml").read_text("utf-8")
    translations: dict[str, str] = tomllib.loads(text)
    return translations


def in_ascii(text: str) -> str:
    """Spell a text for a display that knows no letters but those of ASCII.

    Args:
        text: Any.

    Returns:
        The same, letters without their marks.

    Examples:
        >>> in_ascii("Größe, ścieżka, ¿qué?")
        'Grosse, sciezka, que?'
    """
    spelt = unicodedata.normalize("NFKD", text.translate(_SPELT))
    return "".join(letter for letter in spelt if not unicodedata.combining(letter))


def _said(value: object, language: str, catalogue: Mapping[str, str]) -> object:
    if isinstance(value, Prompt):
        return value.said_in(language)
    if isinstance(value, StrEnum):
        return catalogue.get(value, value)
    return value
