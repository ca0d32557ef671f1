"""What things and places are called: items, identifiers, locations, units."""
