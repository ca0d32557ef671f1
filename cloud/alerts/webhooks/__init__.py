"""What happens here, told to other programs: signed, at least once."""
