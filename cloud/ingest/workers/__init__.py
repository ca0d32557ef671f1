"""Which ingest processes live, which sites each serves, and what one held when it died."""
