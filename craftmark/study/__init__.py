"""Studies: what many captures hold, day by day, as tables and one page."""
