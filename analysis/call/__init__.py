"""One call: its state, and the effect of each event on it. Pure, except that it awaits the scorer."""
