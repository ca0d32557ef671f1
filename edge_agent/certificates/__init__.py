"""The gateway's own certificate: key and request made here, renewed in time, taken back if it fails."""
