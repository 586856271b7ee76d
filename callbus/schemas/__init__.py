"""The published JSON Schemas; `python -m callbus.schemas` writes them anew from the message types."""
