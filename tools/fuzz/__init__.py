"""Hostile input for the readers of PBX messages: `make fuzz SECONDS=60`, and a smaller share in the tests."""
