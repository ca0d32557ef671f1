"""What a broker of one's own reads from files: gateways' passwords, and the list of revoked certificates."""
