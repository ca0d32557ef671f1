"""What gateways say of themselves: online or not, healthy or not, complete until when."""
