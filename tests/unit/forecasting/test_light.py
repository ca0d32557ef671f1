"""Whoever reads forecasts loads neither numpy nor statsmodels."""

import subprocess
import sys

LOAD = """
import sys
import cloud.cli, cloud.server.app, cloud.api.app, cloud.web.app, cloud.forecasting.service
print(*sorted({"numpy", "scipy", "pandas", "statsmodels"} & set(sys.modules)))
"""


def test_commands_api_and_pages_load_no_numerical_library() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
