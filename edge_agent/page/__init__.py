"""The agent's own page on the loopback address: what the gateway does right now, without any cloud."""
