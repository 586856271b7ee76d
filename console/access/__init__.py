"""Access control: names, passwords and connections."""
