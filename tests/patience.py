"""How long tests wait for what must come; what comes is waited for no longer, however slow the machine."""

from typing import Final

PATIENCE_S: Final = 90.0
"""For what no time is promised: where one is, the test says which."""
