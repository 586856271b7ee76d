"""Parses a fork's request into an invite with legs and roles. Pure; all input is hostile."""
