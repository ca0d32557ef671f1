"""`dockledger demo`: real transactions scanned at two gateways, watched live and judged at the end."""
