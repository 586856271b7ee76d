"""Hostile input for the readers of what PBXes send: `make fuzz SECONDS=60`, and a smaller share of it in the tests."""
