"""Seeded damage: bytes as lines and memories damage them, and text as people and editors do."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from tests.first_seed import first_seed

HALF_AN_HOUR_S: Final = 1800.0
LONGEST_STEP_S: Final = 5.0
FEWEST_INPUTS: Final = 10_000

ODD_VALUES: Final = (
    "nan",
    "-inf",
    "1e400",
    "-1",
    "0",
    "99999999999999999999",
    "9" * 5000,
    "true",
    '""',
    '"\\u0000"',
    '"r1:1"',
    '"' + "x" * 2000 + '"',
    "[]",
    "[[]]",
    "[1, 'a']",
    "{}",
    '{ "1" = 1 }',
    "1979-05-27T07:32:00Z",
    "0x7f",
    "[" * 3000,
    "'",
    "\u2603",
)


def damaged(data: bytes, source: random.Random) -> bytes:
    """Damage bytes a little: flips, cuts, repeats, foreign stretches, numbers at their limits."""
    out = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        place = source.randrange(len(out) + 1)
        what = source.randrange(6)
        if what == 0 and out:
            out[place % len(out)] ^= 1 << source.randrange(8)
        elif what == 1 and out:
            out[place % len(out)] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
        elif what == 2:
            del out[place : place + source.randrange(1, 20)]
        elif what == 3:
            out[place:place] = source.randbytes(source.randrange(1, 20))
        elif what == 4:
            begin = source.randrange(len(out) + 1)
            out[place:place] = out[begin : begin + source.randrange(1, 60)]
        elif len(out) > 4:
            at = place % (len(out) - 3)
            out[at : at + 2] = source.choice((b"\0\0", b"\xff\xff", b"\x7f\xff", b"\x80\x00"))
    return bytes(out)


def miswritten(text: str, source: random.Random) -> str:
    """Miswrite a settings file: lines lost, doubled and swapped, values of other kinds, characters wrong."""
    lines = text.splitlines()
    for _ in range(source.choice((1, 1, 2, 3, 8))):
        place = source.randrange(len(lines)) if lines else 0
        what = source.randrange(7)
        if what == 0:
            lines[place : place + 1] = []
        elif what == 1:
            lines.insert(place, source.choice(lines or [""]))
        elif what in {2, 3} and lines and "=" in lines[place]:
            name, _, _ = lines[place].partition("=")
            lines[place] = f"{name}= {source.choice(ODD_VALUES)}"
        elif what == 4 and lines and lines[place]:
            at = source.randrange(len(lines[place]))
            lines[place] = (
                lines[place][:at] + chr(source.choice((0, 9, 34, 39, 91, 93, 0x1F4A9))) + lines[place][at:]
            )
        elif what == 5:
            source.shuffle(lines)
        else:
            lines.insert(place, f"{source.choice(('speed', 'id', '[radio]', '[[portal]]'))} = 1")
    return "\n".join(lines)


def run(step: Callable[[random.Random], None], seeds: Sequence[int]) -> None:
    """Run a step for each seed; the seed is named when it fails."""
    for seed in seeds:
        try:
            step(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error


def run_for_half_an_hour(name: str, step: Callable[[random.Random], None]) -> None:
    """Run a step with one seed after another; what takes long by the processor's clock hangs."""
    first, longest_s = first_seed(), 0.0
    until_s, seed = time.monotonic() + HALF_AN_HOUR_S, first
    while time.monotonic() < until_s:
        began_s = time.process_time()
        run(step, range(seed, seed + 1))
        longest_s = max(longest_s, time.process_time() - began_s)
        seed += 1
    inputs = seed - first
    print(f"{name}: {inputs} inputs from seed {first} on, the slowest took {longest_s:.3f} s")  # noqa: T201  a campaign's figures
    assert longest_s < LONGEST_STEP_S
    assert inputs > FEWEST_INPUTS
