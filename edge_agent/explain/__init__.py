"""Why a door decided as it did: what was heard, what it was worth, who else was asked."""
