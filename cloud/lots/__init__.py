"""Lots: where each is and was, what was made of it, who got it; recalls, expiry, what was not stated."""
