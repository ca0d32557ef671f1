"""Forecasts judged on the past of any long-form file: no database is needed."""
