"""Reader and scanner profiles as data."""
