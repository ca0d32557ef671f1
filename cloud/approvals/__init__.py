"""Approved is done: decisions and the carriers that carry them out, in one transaction."""
