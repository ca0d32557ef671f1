"""Models that forecast: their versions and parents, when they are trained anew, and who challenges them."""
