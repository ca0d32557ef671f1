"""Real transactions of a retailer, replayed as the work of people with scanners, with the truth beside."""
