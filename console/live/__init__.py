"""Keeps the board up to date from Redis, and sends its changes to each browser."""
