"""Planning runs: what was read, with what parameters and code, and what came of it."""
