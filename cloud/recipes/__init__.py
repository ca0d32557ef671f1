"""What things are made of: recipes with versions, and what transformations used and made of them."""
