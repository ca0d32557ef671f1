"""What customers asked for: lines in, demand by site day and stock-outs out."""
