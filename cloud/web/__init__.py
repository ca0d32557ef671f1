"""Server-rendered pages over the same services."""
