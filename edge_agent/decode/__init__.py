"""What a scanner or reader said, in; what it names, out; what is ambiguous is flagged, never guessed."""
