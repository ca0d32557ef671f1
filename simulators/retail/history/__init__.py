"""Real sales as a year of demand, ending on a day of choice."""
