"""Jobs: what runs by itself, when, and once however many schedulers there are."""
