"""Who may fork calls, and how many: admits or refuses each request. Pure."""
