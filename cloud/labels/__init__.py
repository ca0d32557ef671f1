"""Labels: templates, what they look like, who printed which, and serial references for printing offline."""
