"""From a publish to a posted position: decode, resolve, write, acknowledge."""
