"""Scores become shifts, and a shift an alert with its evidence. Pure."""
