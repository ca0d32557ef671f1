"""Serials and logistic units, one by one: what they are called, where they are, all that is known of them."""
