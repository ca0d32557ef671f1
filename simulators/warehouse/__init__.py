"""A warehouse that never was: plausible movements with their truth, played as gateways would send them."""
