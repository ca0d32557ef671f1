"""Stated stock lists against the book: checked whole, approved by another, posted as one."""
