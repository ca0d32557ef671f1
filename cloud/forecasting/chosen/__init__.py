"""Series of great value with a model of their own: chosen, fitted within a budget, in force by evidence."""
