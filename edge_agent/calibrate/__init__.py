"""A training walk in; how antennas should be corrected so that doors and read zones agree with it out."""
