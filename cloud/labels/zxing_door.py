"""The one door to zxing-cpp: what a Data Matrix says in, its modules out."""

from collections.abc import Sequence
from typing import Any, Final

import zxingcpp

from contracts.datamatrix import SIDES
from contracts.labels import LabelError

_VERSIONS: Final = {side: version for version, side in enumerate(SIDES, 1)}
"""The library's number of each square size."""


def matrix_rows(text: str, elements: Sequence[tuple[str, str]], side: int) -> list[list[bool]]:
    """Draw a Data Matrix of a given size (ISO/IEC 16022, ECC 200).

    Args:
        text: What it says, where it is no GS1 DataMatrix.
        elements: Application identifiers and values of a GS1 DataMatrix; none: it is a plain one.
        side: In modules.

    Returns:
        Its modules by row, dark ones True; without the quiet zone.

    Raises:
        LabelError: If it is too long for that size, or holds what GS1 does not allow.
    """
    said = "".join(f"[{ai}]{value}" for ai, value in elements) or text
    try:
        symbol = zxingcpp.create_barcode(
            said, zxingcpp.BarcodeFormat.DataMatrix, gs1=bool(elements), version=_VERSIONS[side]
        )
    except ValueError as error:
        raise LabelError(f"{said!r:.60} cannot be drawn as a Data Matrix: {error}") from error
    picture: Any = symbol.to_image(scale=1, add_quiet_zones=False)  # a buffer, which its stub does not say
    rows: list[list[int]] = memoryview(picture).tolist()  # type: ignore[assignment]  # of two dimensions
    return [[shade == 0 for shade in row] for row in rows]
