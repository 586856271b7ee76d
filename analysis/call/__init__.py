"""One call: its state, and what each event makes of it. Pure but for the scorer that is awaited."""
