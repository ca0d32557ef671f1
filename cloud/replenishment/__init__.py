"""What to order, when and why: from a forecast and a due-date-aware position to proposals and orders."""
