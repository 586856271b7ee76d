"""Access control: names, passwords, guesses."""
