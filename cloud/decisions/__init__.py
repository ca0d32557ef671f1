"""The one approval machine: what is to be done, who says so, and every step of it."""
