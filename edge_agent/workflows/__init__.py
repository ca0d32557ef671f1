"""Handheld work as a pure machine: a state and a scan in; the next state, drafts and feedback out."""
