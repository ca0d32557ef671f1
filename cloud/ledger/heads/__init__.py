"""Heads of the one order, signed: proof to others that the history up to them is the one there was."""
