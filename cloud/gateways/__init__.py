"""What gateways are to run: desired, sent, reported back, compared."""
