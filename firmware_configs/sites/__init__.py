"""Example site files: how one warehouse labels its places and goods."""
