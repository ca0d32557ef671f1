"""Resolve pyproject.toml into the hashed locks: ``make lock``, with ``ARGS`` passed on to uv."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

EXTRAS: Final = ("edge", "llrp", "cloud", "local", "forecast", "ml", "parquet", "distributed", "sim")
"""What the product may import."""

LOCKS: Final = {
    "run": ("build",),
    "dev": ("build", "test", "check"),
    "bench": ("build", "test", "check", "bench"),
}
"""Lock name to the dependency groups it holds beside the extras; each is complete in itself, and holds
all of those before it."""


def main(arguments: list[str]) -> None:
    """Write every lock, for Python 3.11 and newer and for every platform.

    Args:
        arguments: Passed on to ``uv pip compile``, such as ``--upgrade-package fastapi``; none upgrades all.
    """
    before: list[str] = []
    for name, groups in LOCKS.items():
        target = ROOT / "requirements" / f"{name}.txt"
        chosen = [f"--extra={extra}" for extra in EXTRAS] + [f"--group={group}" for group in groups]
        fixed = [
            "--quiet",
            "--universal",
            "--python-version=3.11",
            "--generate-hashes",
            "--no-emit-index-url",
        ]
        shown = ["--no-annotate", "--custom-compile-command=make lock"]
        same_versions = [f"--constraints=requirements/{done}.txt" for done in before]
        subprocess.run(  # noqa: S603  the arguments are this file's own
            [
                *(ROOT / ".venv/bin/uv", "pip", "compile", "pyproject.toml", *chosen, *fixed, *shown),
                *(*same_versions, *(arguments or ["--upgrade"]), f"--output-file={target.relative_to(ROOT)}"),
            ],
            cwd=ROOT,
            check=True,
        )
        before.append(name)


if __name__ == "__main__":
    main(sys.argv[1:])
