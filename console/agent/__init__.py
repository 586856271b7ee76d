"""The agent's own view of their call: signed links, what they show, and how it gets to a desktop."""
