"""A barcode scanner on a pseudo-terminal, with an encoder of its own (never biip, never pyserial)."""
