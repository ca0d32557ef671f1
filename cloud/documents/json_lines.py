"""JSON text in, the line of each of its values out, so that a fault is found in the file; pure."""

import re
from collections.abc import Iterator
from typing import Final

import orjson

Path = tuple[str | int, ...]

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def lines_of(text: str) -> dict[Path, int]:
    r"""Number the lines on which values begin.

    Args:
        text: Valid JSON.

    Returns:
        Line, from 1, by the keys and indices that lead to the value.

    Examples:
        >>> lines_of('{"a": [\n7,\n{"b": 8}]}')
        {(): 1, ('a',): 1, ('a', 0): 2, ('a', 1): 3, ('a', 1, 'b'): 3}
    """
    found: dict[Path, int] = {}
    path: list[str | int] = []
    expects_key: list[bool] = []
    for part, line in _tokens(text):
        match part:
            case "}" | "]":
                path.pop()
                expects_key.pop()
            case ",":
                if isinstance(path[-1], int):
                    path[-1] += 1
                else:
                    expects_key[-1] = True
            case ":":
                expects_key[-1] = False
            case _ if expects_key and expects_key[-1]:
                path[-1] = orjson.loads(part)
            case _:
                found[tuple(path)] = line
                if part in "{[":
                    path.append("" if part == "{" else 0)
                    expects_key.append(part == "{")
    return found


def line_at(lines: dict[Path, int], path: Path) -> int | None:
    """Find the line of a value, or of the nearest one around it.

    Args:
        lines: Of the text.
        path: Leads to the value, and perhaps beyond it.

    Returns:
        The line, or None if the text has none.
    """
    return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), None)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line, counted = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", counted, token.start())
        counted = token.start()
        yield token.group(), line
