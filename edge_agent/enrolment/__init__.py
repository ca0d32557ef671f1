"""A new gateway enrols by a one-time code: key and secret made here, certificate and settings fetched."""
