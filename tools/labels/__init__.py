"""Labels of dialogues: the rule book (README.md), checks of a labeller's file, and how far two hands agree."""
