"""The process that serves API and pages on one port."""
