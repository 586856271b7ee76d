"""Models behind other people's HTTP servers."""
