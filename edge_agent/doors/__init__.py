"""What doors do with a passage: decide what it posts, record it, light the lamp (DOMAIN D2, D3, D5)."""
