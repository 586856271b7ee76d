"""Models behind other people's HTTP servers: the connection, where it may lead, the key, and when to stop asking."""
