"""Who may look: names, passwords and connections."""
