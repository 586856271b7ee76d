"""Who may fork, and how many: a request is admitted or refused. Pure."""
