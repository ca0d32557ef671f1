"""Which gateways may speak, and for which site."""
