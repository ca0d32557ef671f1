"""``edge-agent doctor``: what a gateway lacks to do its work, and what to do about it."""
