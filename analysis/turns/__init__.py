"""Words become turns, and what a scorer says of one."""
