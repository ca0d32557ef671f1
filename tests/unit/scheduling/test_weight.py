"""What the numerical libraries weigh is carried by planning's own processes only."""

import subprocess
import sys

HEAVY = ("numpy", "pandas", "scipy", "statsmodels", "apscheduler")


def test_api_and_command_line_are_loaded_without_numerical_libraries() -> None:
    asked = (
        "import sys, cloud.cli, cloud.server.app, cloud.scheduling.jobs; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"
