"""One module per resource; each is a thin adapter over a service that checks the actor."""
