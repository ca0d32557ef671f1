"""Where demand comes from by itself: REST sources and folders that are pulled, shops that push events."""
