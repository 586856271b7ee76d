"""The published JSON Schemas; `python -m callbus.schemas` regenerates them from the message types."""
