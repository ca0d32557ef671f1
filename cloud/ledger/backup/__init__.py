"""A ledger in one file, and back: any PostgreSQL, no other programs."""
