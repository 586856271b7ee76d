"""What a fork says: its request's bytes become an invite, its legs and their roles. Pure; all of it hostile input."""
