"""What could not be posted: list it, show it, replay it, discard it."""
