"""A reader that speaks LLRP 1.0.1, with a codec of its own (never sllurp)."""
