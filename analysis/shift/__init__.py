"""Turns scores into shifts, and a shift into an alert with its evidence. Pure."""
