"""Claims of documents on stock: what is free, what is promised, what is picked next (DOMAIN D1, D6)."""
